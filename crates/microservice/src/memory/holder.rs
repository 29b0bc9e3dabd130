//! Connections as holders of memory: how much each holds, and for how long it has waited for its client.

use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use super::{MemoryBudget, STALL_TIME};
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
    is_cut_off: bool,
    waker: Option<Waker>,
}

/// A connection that waits for its client.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    since: Instant,
    /// Between two requests.
    is_idle: bool,
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

    /// The connection waits for its client since then. True where it was chosen to be closed.
    pub(crate) fn wait_for_client(&self, since: Instant, is_idle: bool, waker: &Waker) -> bool {
        let mut state = lock(&self.state);
        state.waiting = Some(Waiting { since, is_idle });
        if !state.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            state.waker = Some(waker.clone());
        }
        state.is_cut_off
    }

    /// The client has sent or taken something.
    pub(crate) fn note_progress(&self) {
        lock(&self.state).waiting = None;
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

    pub(super) fn stalled_bytes(&self, now: Instant) -> Option<usize> {
        let state = lock(&self.state);
        let is_stalled = state.waiting.is_some_and(|waiting| now.duration_since(waiting.since) >= STALL_TIME);
        (is_stalled && !state.is_cut_off).then_some(state.held)
    }

    pub(super) fn stalled_during_request(&self, now: Instant) -> Option<Duration> {
        let state = lock(&self.state);
        let time = state.waiting.filter(|waiting| !waiting.is_idle).map(|waiting| now.duration_since(waiting.since));
        time.filter(|time| *time >= STALL_TIME && !state.is_cut_off)
    }
}
