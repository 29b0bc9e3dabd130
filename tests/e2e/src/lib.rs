//! What the end-to-end tests share: a service with a database ([`TestApp`]), an ordinary client ([`Client`]), a
//! connection for raw bytes ([`RawConnection`]), other programs in WasmEdge ([`Guest`]), and orders to send.
//!
//! Two test binaries, which `cargo test -p e2e` runs one after the other:
//!
//! - `--test e2e`: functional tests, in parallel;
//! - `--test measurements`: tests with thresholds of CPU time, latency or memory, one at a time.
//!
//! The quick half takes less than a minute on an idle machine and needs no root:
//! `cargo test -p e2e --test e2e -- --skip platform:: --skip slow::`
//!
//! A test that takes more than about two seconds belongs into a module named `slow`. A test with a threshold of CPU
//! time or latency belongs into `tests/measurements` and begins with [`run_alone`].
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and prints what it measured"
)]

use std::sync::{Mutex, MutexGuard, PoisonError};

mod app;
pub mod described;
pub mod dns_server;
pub mod fake_database;
pub mod garbling_proxy;
mod guest;
mod http;
mod locks;
pub mod namespaced_service;
mod orders;
mod problem;
mod raw;
mod stalled_reader;
mod wait;

pub use app::{Server, Setup, TestApp};
pub use guest::Guest;
pub use http::{Client, Response};
pub use locks::DatabaseLock;
pub use orders::{Order, order, orders, with};
pub use problem::{FieldError, Problem};
pub use raw::{RawConnection, RawResponse};
pub use stalled_reader::{open_stalled_reader, spawn_with_large_table};
pub use wait::{TIMEOUT, observe_for, wait_for, wait_for_within, wait_until};

/// Waits until no other test runs that has called this, and keeps them waiting until the guard is dropped.
pub fn run_alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
