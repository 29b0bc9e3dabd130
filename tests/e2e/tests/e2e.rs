//! The end-to-end tests: the service's `.wasm` in WasmEdge with a real MariaDB, and the faults between them and their
//! clients.
//!
//! Each directory covers a subject. Every test has its own database and service ([`e2e::TestApp`]), so tests run in
//! parallel. They share a MariaDB server, except the tests that stop it. The library [`e2e`] explains how to select
//! tests.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it measured"
)]

mod access;
mod bad_input;
mod concurrency;
mod database;
mod idempotency;
mod interface;
mod kit;
mod limits;
mod money;
mod operator;
mod platform;
mod process;
mod shutdown;
mod streaming;
mod traces;
mod walkthrough;
