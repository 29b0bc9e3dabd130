//! Connections as holders of memory: how much each holds, and for how long it has waited for its client.

use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use super::{MAX_SMALL_BYTES, MemoryBudget, STALL_TIME};
use crate::sync::lock;

/// A connection in the budget's register, until it is dropped.
#[derive(Debug)]
pub(crate) struct HolderGuard {
    pub(super) id: u64,
    pub(crate) holder: Arc<Holder>,
}

impl Drop for HolderGuard {
    fn drop(&mut self) {
        lock(&self.holder.budget.0.holders).remove(&self.id);
    }
}

/// A connection, as a holder of memory.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(super) budget: MemoryBudget,
    state: Mutex<HolderState>,
}

#[derive(Debug, Default)]
struct HolderState {
    held: usize,
    waiting: Option<Waiting>,
    /// How long this request has waited for its client, less the time that a fast client needs for what it has
    /// transferred. The present wait is left out.
    waited: Duration,
    is_cut_off: bool,
    waker: Option<Waker>,
}

/// A connection that waits for its client.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    /// The beginning of the lag behind the minimum rate.
    since: Instant,
    /// The beginning of the wait.
    began: Instant,
    /// Between two requests.
    is_idle: bool,
}

/// A client that the service waits for, and has waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct SlowClient {
    /// What its connection holds, in bytes.
    pub(super) held: usize,
    /// It has made no progress for [`STALL_TIME`], less what its rate allows.
    pub(super) is_stalled: bool,
    /// Between two requests.
    pub(super) is_idle: bool,
    /// For how long its request has kept the service waiting, less the time that a fast client needs; where it is
    /// stalled, since when it lags.
    pub(super) time: Duration,
}

impl SlowClient {
    /// Whether its request is small, and its client makes progress, but so slowly that the request takes longer than
    /// small ones should.
    pub(super) fn is_small_and_slow(&self) -> bool {
        !self.is_stalled && self.held <= 2 * MAX_SMALL_BYTES
    }
}

impl Holder {
    pub(super) fn new(budget: MemoryBudget) -> Self {
        Self { budget, state: Mutex::default() }
    }

    /// Counts bytes that were reserved.
    pub(super) fn add_held(&self, bytes: usize) {
        lock(&self.state).held += bytes;
    }

    /// Counts bytes that were given back.
    pub(super) fn subtract_held(&self, bytes: usize) {
        let mut state = lock(&self.state);
        state.held = state.held.saturating_sub(bytes);
    }

    /// The connection waits for its client, which lags since then. True where it was chosen to be closed.
    pub(crate) fn wait_for_client(&self, since: Instant, is_idle: bool, waker: &Waker) -> bool {
        let mut state = lock(&self.state);
        let began = match state.waiting {
            Some(waiting) if waiting.is_idle == is_idle => waiting.began,
            _ if is_idle => since,
            _ => Instant::now(),
        };
        state.waiting = Some(Waiting { since, began, is_idle });
        if !state.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            state.waker = Some(waker.clone());
        }
        state.is_cut_off
    }

    /// The client has sent or taken something, for which a fast client needs `fast_time`.
    pub(crate) fn note_progress(&self, fast_time: impl FnOnce() -> Duration) {
        let mut state = lock(&self.state);
        if let Some(waiting) = state.waiting.take().filter(|waiting| !waiting.is_idle) {
            state.waited = (state.waited + waiting.began.elapsed()).saturating_sub(fast_time());
        }
    }

    /// The client has the whole response.
    pub(crate) fn end_request(&self) {
        lock(&self.state).waited = Duration::ZERO;
    }

    #[cfg(test)]
    pub(super) fn set_waited(&self, time: Duration) {
        lock(&self.state).waited = time;
    }

    /// True where the connection was chosen to be closed.
    pub(crate) fn is_cut_off(&self) -> bool {
        lock(&self.state).is_cut_off
    }

    pub(super) fn cut_off(&self) {
        let waker = {
            let mut state = lock(&self.state);
            state.is_cut_off = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The client, if the service waits for it, and its request has waited for [`STALL_TIME`].
    pub(super) fn slow_client(&self, now: Instant) -> Option<SlowClient> {
        let state = lock(&self.state);
        let Waiting { since, began, is_idle } = state.waiting.filter(|_| !state.is_cut_off)?;
        let lag = now.duration_since(since);
        let waited = if is_idle { Duration::ZERO } else { state.waited + now.duration_since(began) };
        let client = SlowClient { held: state.held, is_stalled: lag >= STALL_TIME, is_idle, time: lag.max(waited) };
        (client.time >= STALL_TIME).then_some(client)
    }
}
