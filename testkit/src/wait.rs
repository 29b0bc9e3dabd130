//! Waiting for events with a bound, in place of fixed sleeps.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

/// The shortest and the longest pause between two polls. In between, the pause is a twentieth of the time waited so
/// far: quick events are seen quickly, and long waits cost little.
const POLL_INTERVALS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(100));

/// Polls `condition` until it holds.
///
/// # Errors
/// When it does not hold within `timeout`; the error names `what`.
pub fn wait_until(what: &str, timeout: Duration, mut condition: impl FnMut() -> bool) -> Result<()> {
    wait_for(what, timeout, || condition().then_some(()))
}

/// Polls `probe` until it returns a value.
///
/// # Errors
/// When it returns none within `timeout`; the error names `what`.
pub fn wait_for<T>(what: &str, timeout: Duration, mut probe: impl FnMut() -> Option<T>) -> Result<T> {
    try_wait_for(what, timeout, || Ok(probe()))
}

/// Polls `probe`, which may fail, until it returns a value.
///
/// # Errors
/// At once when `probe` fails; otherwise when it returns no value within `timeout`, with `what` in the error.
pub fn try_wait_for<T>(what: &str, timeout: Duration, mut probe: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(value) = probe()? {
            return Ok(value);
        }
        let elapsed = started.elapsed();
        if elapsed >= timeout {
            bail!("timeout after {timeout:?} while waiting for {what}");
        }
        thread::sleep((elapsed / 20).clamp(POLL_INTERVALS.0, POLL_INTERVALS.1).min(timeout - elapsed));
    }
}

/// Polls `condition` for all of `duration`: a bounded check that something does *not* happen.
///
/// # Errors
/// As soon as the condition does not hold; the error names `what`.
pub fn observe_for(what: &str, duration: Duration, mut condition: impl FnMut() -> bool) -> Result<()> {
    let started = Instant::now();
    loop {
        ensure!(condition(), "no longer true after {:?}: {what}", started.elapsed());
        let Some(remaining) = duration.checked_sub(started.elapsed()) else { return Ok(()) };
        thread::sleep(remaining.min(Duration::from_millis(10)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    #[test]
    fn waiting_ends_with_the_event() -> Result<()> {
        let mut polls = 0;
        let third = wait_for("the third poll", Duration::from_secs(10), || {
            polls += 1;
            (polls == 3).then_some(polls)
        })?;
        assert_eq!(third, 3);
        Ok(())
    }

    #[test]
    fn a_timeout_names_what_was_waited_for() {
        let waited = wait_until("the event", SHORT, || false).map_err(|error| error.to_string());
        assert_eq!(waited, Err("timeout after 20ms while waiting for the event".to_owned()));
    }

    #[test]
    fn a_failing_probe_ends_the_wait() {
        let mut polls = 0;
        let waited = try_wait_for::<()>("nothing", Duration::from_secs(10), || {
            polls += 1;
            bail!("broken")
        });
        assert!(waited.is_err_and(|error| error.to_string() == "broken"));
        assert_eq!(polls, 1);
    }

    #[test]
    fn an_observation_fails_once_its_condition_does_not_hold() {
        let mut polls = 0;
        assert!(observe_for("true", SHORT, || true).is_ok());
        let observed = observe_for("three polls", Duration::from_secs(10), || {
            polls += 1;
            polls < 3
        });
        assert!(observed.is_err());
        assert_eq!(polls, 3);
    }
}
