//! What the ground under the service must bear: freezes, resets, too few descriptors, crowds of idle connections, half-closed ones, names.
//!
//! Most of it is borne by `crates/wasmedge_wasi_socket`. To see a test fail with the crate published under that name, take the line out of
//! `[patch.crates-io]` in Cargo.toml, `cargo update -p wasmedge_wasi_socket --precise 0.5.5`, build, and run the test: each says what
//! happens then. (`src/platform.rs` uses two things that only ours has: `pipe`, for which `Room::Ready` can stand in meanwhile.)

mod descriptors;
mod freezing;
mod half_closed;
mod idle;
mod names;
mod resets;
mod writes;
