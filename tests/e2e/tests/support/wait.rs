//! Waiting for what happens by itself, without fixed sleeps.

use std::thread;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const STEP: Duration = Duration::from_millis(10);

/// Waits until `condition` gives a value, and fails the test after ten seconds.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, condition: impl FnMut() -> Option<T>) -> T {
    eventually_within(Duration::from_secs(10), what, condition)
}

/// The same with another bound.
#[track_caller]
pub(crate) fn eventually_within<T>(bound: Duration, what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(started.elapsed() < bound, "not within {bound:?}: {what}");
        thread::sleep(STEP);
    }
}
