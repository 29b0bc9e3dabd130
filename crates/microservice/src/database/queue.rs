//! The queue for the database's connections: served in order, and bounded by the time that it takes.
//!
//! New work is rejected at once while the queue is longer than a bound: the oldest waiter has waited that long already,
//! or the work in the queue will take that long. The second condition counts: a queue that is only as old as the bound
//! can hold work for many times that. Work that was let in waits for its turn
//! (docs/decisions/0026-a-queue-bounded-by-time.md).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::sync::lock;

/// The weight of the newest work in the mean duration is one in this many.
const MEAN_WEIGHT: u32 = 16;

/// The oldest waiter must have waited for this part of the bound before the mean duration counts. Under a load of five
/// times the capacity the queue reaches its bound in that time.
const MIN_AGE_DIVISOR: u32 = 4;

/// A number of connections, and those who wait for one.
pub(super) struct Queue {
    permits: Arc<Semaphore>,
    connections: u32,
    state: Arc<Mutex<State>>,
}

/// How busy the connections are.
#[derive(Default)]
struct State {
    /// The number of each waiter and its arrival, by the order of arrival.
    waiters: VecDeque<(u64, Instant)>,
    next_waiter: u64,
    /// The mean time for which work uses a connection. The latest work weighs most.
    mean_use: Duration,
}

impl Queue {
    pub(super) fn new(connections: usize) -> Self {
        let state = Arc::default();
        let connections = connections.max(1);
        Self {
            permits: Arc::new(Semaphore::new(connections)),
            connections: u32::try_from(connections).unwrap_or(u32::MAX),
            state,
        }
    }

    /// The number of connections.
    pub(super) fn connections(&self) -> u64 {
        self.connections.into()
    }

    /// The number of connections in use.
    pub(super) fn used(&self) -> u64 {
        self.connections().saturating_sub(self.permits.available_permits() as u64)
    }

    /// The number of those who wait for a connection.
    pub(super) fn waiters(&self) -> u64 {
        lock(&self.state).waiters.len() as u64
    }

    /// Fails if the queue is longer than `max`. Has the expected time of the wait then.
    pub(super) fn admit(&self, max: Duration) -> Result<(), Duration> {
        if self.permits.available_permits() > 0 {
            return Ok(());
        }
        lock(&self.state).admit(max, self.connections, Instant::now())
    }

    /// The permit for a connection, as soon as it is this caller's turn; None if that takes longer than `max`.
    pub(super) async fn wait(&self, max: Duration) -> Option<QueuePermit> {
        let permits = Arc::clone(&self.permits);
        let permit = match Arc::clone(&permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let _waiter = Waiter::enter(&self.state);
                timeout(max, permits.acquire_owned()).await.ok()?.ok()?
            }
        };
        Some(QueuePermit { _permit: permit, measured: None })
    }
}

impl State {
    fn admit(&self, max: Duration, connections: u32, now: Instant) -> Result<(), Duration> {
        let Some((_, oldest)) = self.waiters.front() else { return Ok(()) };
        let age = now.saturating_duration_since(*oldest);
        let waiters = u32::try_from(self.waiters.len()).unwrap_or(u32::MAX);
        let expected = self.mean_use.saturating_mul(waiters.saturating_add(1)) / connections;
        // The mean may be that of another hour. In a queue that has just formed, the work may be quicker.
        let is_slow = expected > max && age > max / MIN_AGE_DIVISOR;
        if is_slow || age > max { Err(expected.max(age)) } else { Ok(()) }
    }

    fn record_use(&mut self, duration: Duration) {
        let others = if self.mean_use.is_zero() { duration } else { self.mean_use };
        self.mean_use = others.saturating_mul(MEAN_WEIGHT - 1).saturating_add(duration) / MEAN_WEIGHT;
    }
}

/// A place in the queue, until this is dropped.
struct Waiter<'a> {
    state: &'a Mutex<State>,
    number: u64,
}

impl<'a> Waiter<'a> {
    fn enter(state: &'a Mutex<State>) -> Self {
        let mut locked = lock(state);
        let number = locked.next_waiter;
        locked.next_waiter = number.wrapping_add(1);
        locked.waiters.push_back((number, Instant::now()));
        Self { state, number }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        lock(self.state).waiters.retain(|(number, _)| *number != self.number);
    }
}

/// The right to use a connection, until this is dropped.
pub(super) struct QueuePermit {
    _permit: OwnedSemaphorePermit,
    /// Since when this use counts for the mean.
    measured: Option<(Instant, Arc<Mutex<State>>)>,
}

impl QueuePermit {
    /// Lets the duration of this use count for the mean, from now on.
    pub(super) fn measure(&mut self, queue: &Queue) {
        self.measured = Some((Instant::now(), Arc::clone(&queue.state)));
    }
}

impl Drop for QueuePermit {
    fn drop(&mut self) {
        if let Some((since, state)) = &self.measured {
            lock(state).record_use(since.elapsed());
        }
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
