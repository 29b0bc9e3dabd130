//! `GET /openapi.json`, read by the tools of those who use it (`tools/openapi`): a linter, a tester that makes requests
//! from it, a generator of clients, and a comparison with the last release. The service is the `.wasm` in WasmEdge with
//! a real MariaDB.
//!
//! `API_EXAMPLES` is how many requests schemathesis makes of each kind for an operation. `make test-api` sets it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it sent"
)]

mod breaking_changes;
mod client;
mod linter;
mod schemathesis;
mod tools;
