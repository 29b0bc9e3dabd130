//! Modules before and after, in WasmEdge's interpreter and compiled.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod properties;
mod runner;
mod specification;
