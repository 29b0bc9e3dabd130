//! A bound on waiting that costs next to nothing while nobody waits too long.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Starts with the first look at it and ends when stopped. The runtime's own timer is made once and left alone when a wait ends in
/// time, as nearly all do: when it goes off it is set anew if the wait it was set for is over.
#[derive(Default)]
pub(super) struct Timer {
    alarm: Option<Pin<Box<Sleep>>>,
    end: Option<Instant>,
}

impl Timer {
    /// Ends the wait; the next look starts another.
    pub(super) fn stop(&mut self) {
        self.end = None;
    }

    /// Ready when the wait has taken longer than it may.
    pub(super) fn poll_expired(&mut self, cx: &mut Context<'_>, most: Duration) -> Poll<()> {
        let end = *self.end.get_or_insert_with(|| Instant::now() + most);
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if alarm.deadline() > end {
            alarm.as_mut().reset(end);
        }
        loop {
            ready!(alarm.as_mut().poll(cx));
            if alarm.deadline() >= end {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(end);
        }
    }
}
