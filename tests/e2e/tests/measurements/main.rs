//! End-to-end tests with thresholds of CPU time, latency or memory. They run one at a time, after all other tests, so
//! that they do not disturb each other.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and prints what it measured"
)]

mod limits;
mod platform;
mod streaming;
