//! The end-to-end tests: the service's own `.wasm` in WasmEdge before a real MariaDB, and everything that can go wrong
//! between them and their clients.
//!
//! Each folder is a subject. Every test has a database and a service of its own ([`support::TestApp`]), so they run side by
//! side; the MariaDB server is shared, except where a test stops it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it measured"
)]

mod bad_input;
mod concurrency;
mod database;
mod interface;
mod limits;
mod money;
mod platform;
mod process;
mod shutdown;
mod streaming;
mod walkthrough;
