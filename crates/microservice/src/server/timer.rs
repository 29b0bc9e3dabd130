//! A timeout that costs next to nothing as long as it does not expire.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A timeout that starts with the first poll and ends when it is stopped.
///
/// The runtime's timer is created once and stays armed when a wait ends in time, as nearly all do. When it fires after
/// its wait has ended, it is armed again for the current one.
#[derive(Default)]
pub(super) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    started: Option<Instant>,
}

impl Timer {
    /// Ends the wait. The next poll starts another one.
    pub(super) fn stop(&mut self) {
        self.started = None;
    }

    /// When the wait began.
    pub(super) fn started(&self) -> Option<Instant> {
        self.started
    }

    /// Moves the beginning of the wait.
    pub(super) fn start_at(&mut self, started: Instant) {
        self.started = Some(started);
    }

    /// Ready when the wait has lasted for `max`.
    pub(super) fn poll_expired(&mut self, cx: &mut Context<'_>, max: Duration) -> Poll<()> {
        let started = *self.started.get_or_insert_with(Instant::now);
        let deadline = started + max;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}
