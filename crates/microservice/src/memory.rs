//! One budget for all bytes that the process holds for its clients: heads, bodies, and responses until the socket has
//! taken them.
//!
//! Memory is reserved as it is needed. A part of the budget is only for small reservations, so that large bodies and
//! responses never keep small requests out. Where the budget is used up, the connections that hold memory and have
//! made no progress for [`STALL_TIME`] are cut off, those that hold most first.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::problem::Problem;
use crate::sync::lock;

/// The largest reservation that may use the part for small ones, in bytes. An order fits, and so does a page of a few
/// hundred.
pub(crate) const MAX_SMALL_BYTES: usize = 64 * 1024;

/// The part for small reservations, in bytes. It comes on top of `MAX_BUFFERED_BYTES`.
const SMALL_PART_BYTES: usize = 16 * 1024 * 1024;

/// A connection that has made no progress for this long may be cut off for its memory.
const STALL_TIME: Duration = Duration::from_secs(1);

/// How long a request waits for memory that stalled connections give back.
const MAX_WAIT: Duration = Duration::from_millis(40);

/// The budget. Clones share it.
#[derive(Clone)]
pub(crate) struct MemoryBudget(Arc<Shared>);

struct Shared {
    free: Mutex<Free>,
    released: Notify,
    holders: Mutex<HashMap<u64, Arc<Holder>>>,
    next_id: AtomicU64,
}

/// Bytes that are not reserved.
#[derive(Debug, Clone, Copy)]
struct Free {
    small: usize,
    large: usize,
}

impl fmt::Debug for MemoryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBudget").field("free", &*lock(&self.0.free)).finish_non_exhaustive()
    }
}

impl MemoryBudget {
    /// A budget of `max` bytes, and the part for small reservations.
    pub(crate) fn new(max: usize) -> Self {
        Self(Arc::new(Shared {
            free: Mutex::new(Free { small: SMALL_PART_BYTES, large: max }),
            released: Notify::new(),
            holders: Mutex::default(),
            next_id: AtomicU64::new(0),
        }))
    }

    /// Registers a connection.
    pub(crate) fn register(&self) -> HolderGuard {
        let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
        let holder = Arc::new(Holder { budget: self.clone(), state: Mutex::default() });
        lock(&self.0.holders).insert(id, Arc::clone(&holder));
        HolderGuard { id, holder }
    }

    /// Cuts off stalled connections that hold `needed` bytes together. False where there are none.
    fn cut_off_stalled(&self, needed: usize) -> bool {
        let now = Instant::now();
        let mut stalled: Vec<_> = lock(&self.0.holders)
            .values()
            .filter_map(|holder| holder.stalled_bytes(now).map(|bytes| (bytes, Arc::clone(holder))))
            .filter(|(bytes, _)| *bytes > 0)
            .collect();
        stalled.sort_unstable_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
        let mut freed = 0_usize;
        for (bytes, holder) in &stalled {
            holder.cut_off();
            freed = freed.saturating_add(*bytes);
            if freed >= needed {
                break;
            }
        }
        freed > 0
    }

    /// Cuts off the connection that has been stalled longest during a request. False where there is none.
    pub(crate) fn cut_off_longest_stalled(&self) -> bool {
        let now = Instant::now();
        let longest = lock(&self.0.holders)
            .values()
            .filter_map(|holder| holder.stalled_during_request(now).map(|time| (time, Arc::clone(holder))))
            .max_by_key(|(time, _)| *time);
        longest.inspect(|(_, holder)| holder.cut_off()).is_some()
    }

    fn take(&self, reserved: &mut Reserved, additional: usize) -> bool {
        let free = &mut *lock(&self.0.free);
        let is_small = reserved.total().saturating_add(additional) <= MAX_SMALL_BYTES;
        let (from, to) = match is_small && free.small >= additional {
            true => (&mut free.small, &mut reserved.small),
            false => (&mut free.large, &mut reserved.large),
        };
        if *from < additional {
            return false;
        }
        *from -= additional;
        *to += additional;
        true
    }

    fn give_back(&self, reserved: &mut Reserved, bytes: usize) {
        let large = bytes.min(reserved.large);
        let small = (bytes - large).min(reserved.small);
        reserved.large -= large;
        reserved.small -= small;
        {
            let free = &mut *lock(&self.0.free);
            free.large += large;
            free.small += small;
        }
        self.0.released.notify_waiters();
    }
}

/// A connection in the budget's register, until it is dropped.
#[derive(Debug)]
pub(crate) struct HolderGuard {
    id: u64,
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
    budget: MemoryBudget,
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

    fn cut_off(&self) {
        let waker = {
            let mut state = lock(&self.state);
            state.is_cut_off = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn stalled_bytes(&self, now: Instant) -> Option<usize> {
        let state = lock(&self.state);
        let is_stalled = state.waiting.is_some_and(|waiting| now.duration_since(waiting.since) >= STALL_TIME);
        (is_stalled && !state.is_cut_off).then_some(state.held)
    }

    fn stalled_during_request(&self, now: Instant) -> Option<Duration> {
        let state = lock(&self.state);
        let time = state.waiting.filter(|waiting| !waiting.is_idle).map(|waiting| now.duration_since(waiting.since));
        time.filter(|time| *time >= STALL_TIME && !state.is_cut_off)
    }
}

/// Bytes that are reserved for a connection. They are given back when this is dropped.
#[derive(Debug)]
pub struct Reservation {
    holder: Arc<Holder>,
    reserved: Reserved,
}

#[derive(Debug, Default, Clone, Copy)]
struct Reserved {
    small: usize,
    large: usize,
}

impl Reserved {
    fn total(&self) -> usize {
        self.small + self.large
    }
}

impl Reservation {
    /// No bytes yet.
    pub(crate) fn new(holder: &Arc<Holder>) -> Self {
        Self { holder: Arc::clone(holder), reserved: Reserved::default() }
    }

    /// The reserved bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.reserved.total()
    }

    /// Grows to `bytes` if they are free now. Where they are not, stalled connections are cut off, and the next attempt
    /// may succeed.
    pub(crate) fn try_grow_to(&mut self, bytes: usize) -> bool {
        let additional = bytes.saturating_sub(self.reserved.total());
        if additional == 0 {
            return true;
        }
        let budget = &self.holder.budget;
        let is_taken = budget.take(&mut self.reserved, additional);
        if is_taken {
            lock(&self.holder.state).held += additional;
        } else {
            budget.cut_off_stalled(additional);
        }
        is_taken
    }

    /// Grows to `bytes`. Waits a moment for the memory of stalled connections.
    ///
    /// # Errors
    /// 503 where the budget is used up.
    pub async fn grow_to(&mut self, bytes: usize) -> Result<(), Problem> {
        let budget = self.holder.budget.clone();
        let mut deadline = None;
        loop {
            let released = budget.0.released.notified();
            if self.try_grow_to(bytes) {
                return Ok(());
            }
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + MAX_WAIT);
            if timeout_at(deadline, released).await.is_err() {
                return Err(Problem::out_of_memory());
            }
        }
    }

    /// Gives bytes back.
    pub fn shrink_to(&mut self, bytes: usize) {
        let excess = self.reserved.total().saturating_sub(bytes);
        if excess > 0 {
            self.holder.budget.give_back(&mut self.reserved, excess);
            let mut state = lock(&self.holder.state);
            state.held = state.held.saturating_sub(excess);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: usize = 1024 * 1024;

    fn long_ago() -> Instant {
        Instant::now().checked_sub(STALL_TIME * 2).unwrap_or_else(Instant::now)
    }

    #[test]
    fn large_reservations_leave_the_part_for_small_ones() {
        let budget = MemoryBudget::new(LARGE);
        let (first, second) = (budget.register(), budget.register());
        let mut large = Reservation::new(&first.holder);
        assert!(large.try_grow_to(LARGE));
        let mut small = Reservation::new(&second.holder);
        assert!(small.try_grow_to(MAX_SMALL_BYTES));
        assert!(!small.try_grow_to(MAX_SMALL_BYTES + 1), "no longer small");
        large.shrink_to(LARGE / 2);
        assert!(small.try_grow_to(LARGE / 2));
    }

    #[test]
    fn all_bytes_come_back() {
        let budget = MemoryBudget::new(LARGE);
        let client = budget.register();
        for _ in 0..3 {
            let mut one = Reservation::new(&client.holder);
            assert!(one.try_grow_to(100) && one.try_grow_to(LARGE));
        }
        let free = *lock(&budget.0.free);
        assert_eq!((free.small, free.large), (SMALL_PART_BYTES, LARGE));
        drop(client);
        assert!(lock(&budget.0.holders).is_empty());
    }

    #[test]
    fn the_largest_stalled_holder_is_cut_off_and_no_other() {
        let budget = MemoryBudget::new(LARGE);
        let clients = [budget.register(), budget.register(), budget.register()];
        let mut held: Vec<_> = clients.iter().map(|client| Reservation::new(&client.holder)).collect();
        for (reservation, kib) in held.iter_mut().zip([100, 300, 500]) {
            assert!(reservation.try_grow_to(kib * 1024));
        }
        for client in &clients[..2] {
            client.holder.wait_for_client(long_ago(), false, Waker::noop());
        }
        clients[2].holder.wait_for_client(Instant::now(), false, Waker::noop());
        let asking = budget.register();
        assert!(!Reservation::new(&asking.holder).try_grow_to(300 * 1024));
        let cut_off: Vec<bool> = clients.iter().map(|client| client.holder.is_cut_off()).collect();
        assert_eq!(cut_off, [false, true, false]);
    }

    #[test]
    fn an_idle_connection_is_not_stalled_during_a_request() {
        let budget = MemoryBudget::new(LARGE);
        let client = budget.register();
        client.holder.wait_for_client(long_ago(), true, Waker::noop());
        assert!(!budget.cut_off_longest_stalled());
        client.holder.wait_for_client(long_ago(), false, Waker::noop());
        assert!(budget.cut_off_longest_stalled());
        assert!(!budget.cut_off_longest_stalled(), "it is cut off already");
    }
}
