//! The container tests: the service's image, as people deploy it, on a real Docker Engine and a real Podman.
//!
//! Each module is a subject. All share one engine and its images ([`support::Docker`]) and take turns: an engine's names and ports
//! are one set.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it measured"
)]

#[path = "containers/checks.rs"]
mod checks;
#[path = "containers/compose.rs"]
mod compose;
#[path = "containers/database.rs"]
mod database;
#[path = "containers/image.rs"]
mod image;
#[path = "containers/pausing.rs"]
mod pausing;
#[path = "containers/podman.rs"]
mod podman;
#[path = "containers/registry.rs"]
mod registry;
#[path = "containers/rolling.rs"]
mod rolling;
#[path = "containers/support.rs"]
mod support;
#[path = "containers/writers.rs"]
mod writers;
