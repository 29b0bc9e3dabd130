//! Concurrent clients, and the exact contents of the table afterwards.

mod contention;
mod mixed;

/// A hundred clients on a busy machine can make a longer queue for the database than the default. These tests are
/// about what the requests do after it.
const LONG_QUEUE: (&str, &str) = ("MAX_QUEUE_TIME", "2s");
