//! CPU time and latency that depend on `crates/wasmedge_wasi_socket`.
//!
//! `make test-published` runs these tests with the published crate, too; docs/PUBLISHED-CRATE.md explains the results.

mod clients;
mod descriptors;
mod half_closed;
mod idle;
mod resets;
mod resolver;
mod writes;
