//! The container tests: the service's image on a real Docker Engine and a real Podman, deployed as users deploy it.
//!
//! The tests share one engine and its images ([`support::Docker`]). They run one at a time, because they use the same
//! container names and ports.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking and prints its measurements"
)]

#[path = "containers/backups.rs"]
mod backups;
#[path = "containers/balancer.rs"]
mod balancer;
#[path = "containers/clients.rs"]
mod clients;
#[path = "containers/compose.rs"]
mod compose;
#[path = "containers/database.rs"]
mod database;
#[path = "containers/image.rs"]
mod image;
#[path = "containers/observe.rs"]
mod observe;
#[path = "containers/pausing.rs"]
mod pausing;
#[path = "containers/podman.rs"]
mod podman;
#[path = "containers/preflight.rs"]
mod preflight;
#[path = "containers/registry.rs"]
mod registry;
#[path = "containers/release.rs"]
mod release;
#[path = "containers/rolling.rs"]
mod rolling;
#[path = "containers/slim_runtime.rs"]
mod slim_runtime;
#[path = "containers/support.rs"]
mod support;
#[path = "containers/tokens.rs"]
mod tokens;
#[path = "containers/variants.rs"]
mod variants;
