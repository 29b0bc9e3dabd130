//! Memory and latency of large tables and large bodies.

mod bulk;
mod table;
