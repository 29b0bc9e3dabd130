//! testkit's waits for tests: a timeout fails the test.

use std::time::Duration;

/// The default timeout of a wait.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

/// The timeout of everything that is not itself measured.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// Waits until `probe` returns a value; fails the test after ten seconds.
#[track_caller]
pub fn wait_for<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    wait_for_within(WAIT_TIMEOUT, what, probe)
}

/// The same with another timeout.
#[track_caller]
pub fn wait_for_within<T>(timeout: Duration, what: &str, probe: impl FnMut() -> Option<T>) -> T {
    testkit::wait_for(what, timeout, probe).unwrap_or_else(|error| panic!("{error:#}"))
}

/// Waits until `condition` holds; fails the test after ten seconds.
#[track_caller]
pub fn wait_until(what: &str, condition: impl FnMut() -> bool) {
    testkit::wait_until(what, WAIT_TIMEOUT, condition).unwrap_or_else(|error| panic!("{error:#}"));
}

/// Checks that `condition` holds for all of `duration`.
#[track_caller]
pub fn observe_for(duration: Duration, what: &str, condition: impl FnMut() -> bool) {
    testkit::observe_for(what, duration, condition).unwrap_or_else(|error| panic!("{error:#}"));
}
