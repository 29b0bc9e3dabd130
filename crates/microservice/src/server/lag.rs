//! How far a client lags behind the minimum rate, while it sends a body or takes a response.

use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::timer::Timer;

/// The lag of a client in one direction, in time. It grows while the service waits for the client. Each byte reduces
/// it by the time that the byte may take.
///
/// So a client that transfers nothing lags as long as it is silent. One that transfers less than the minimum rate lags
/// more and more. A fast one never lags, whatever its pauses.
#[derive(Default)]
pub(super) struct Lag {
    /// The lag at the beginning of the present wait.
    debt: Duration,
    timer: Timer,
}

impl Lag {
    /// Ready when the client lags by `max`. Call it where the client makes the service wait.
    pub(super) fn poll_exceeded(&mut self, cx: &mut Context<'_>, max: Duration) -> Poll<()> {
        if self.timer.started().is_none() {
            let now = Instant::now();
            self.timer.start_at(now.checked_sub(self.debt).unwrap_or(now));
        }
        self.timer.poll_expired(cx, max)
    }

    /// The beginning of the lag, during a wait.
    pub(super) fn since(&self) -> Option<Instant> {
        self.timer.started()
    }

    /// The client has transferred this many bytes; `rate` is in bytes a second.
    pub(super) fn transferred(&mut self, bytes: usize, rate: usize) {
        if let Some(since) = self.timer.started() {
            self.debt = since.elapsed();
            self.timer.stop();
        }
        self.debt = self.debt.saturating_sub(time_of(bytes, rate));
    }

    /// True during a wait, and until the client has caught up.
    pub(super) fn is_lagging(&self) -> bool {
        self.timer.started().is_some() || !self.debt.is_zero()
    }

    /// The transfer is complete.
    pub(super) fn clear(&mut self) {
        self.timer.stop();
        self.debt = Duration::ZERO;
    }
}

/// The time that this number of bytes may take.
pub(super) fn time_of(bytes: usize, rate: usize) -> Duration {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    Duration::from_secs(1).saturating_mul(bytes) / u32::try_from(rate.max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// A client that has made the service wait for ten seconds.
    fn lagging() -> Lag {
        let mut lag = Lag::default();
        lag.timer.start_at(Instant::now().checked_sub(Duration::from_secs(10)).unwrap());
        lag
    }

    #[test]
    fn a_client_below_the_rate_lags_more_and_more() {
        let mut lag = lagging();
        lag.transferred(1024, 1024);
        assert!(lag.debt > Duration::from_secs(8) && lag.debt < Duration::from_secs(10), "{:?}", lag.debt);
    }

    #[test]
    fn a_client_that_catches_up_does_not_lag() {
        let mut lag = lagging();
        lag.transferred(11 * 1024, 1024);
        assert_eq!(lag.debt, Duration::ZERO);
        lag.transferred(usize::MAX, 1);
        assert_eq!(lag.debt, Duration::ZERO);
    }
}
