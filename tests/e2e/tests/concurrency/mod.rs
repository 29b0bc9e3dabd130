//! Concurrent clients, and the exact contents of the table afterwards.

mod contention;
mod mixed;
