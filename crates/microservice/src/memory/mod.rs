//! One budget for all bytes that the process holds for its clients: heads, bodies, and responses until the socket has
//! taken them.
//!
//! Memory is reserved as it is needed. A part of the budget is only for small reservations, so that large bodies and
//! responses never keep small requests out. Where the budget is used up, the connections that hold memory and have
//! made no progress for [`STALL_TIME`] are cut off, those that hold most first. Where there are none, and memory for a
//! small request is short, those that hold little and have waited that long for a slow client are cut off, those that
//! have waited longest first: a client that just keeps the minimum rate may do so only while there is room.

mod holder;
mod reservation;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus_client::registry::Unit;
use tokio::sync::Notify;
use tokio::time::Instant;

use holder::SlowClient;
pub(crate) use holder::{Holder, HolderGuard};
pub use reservation::Reservation;
use reservation::Reserved;

use crate::metrics::MetricWriter;
use crate::sync::lock;

/// The largest reservation that may use the part for small ones, in bytes. An order fits, and so does a page of a few
/// hundred.
pub(crate) const MAX_SMALL_BYTES: usize = 64 * 1024;

/// The part for small reservations, in bytes. It comes on top of `MAX_BUFFERED_BYTES`.
const SMALL_PART_BYTES: usize = 16 * 1024 * 1024;

/// Each part of the operator's budget, in bytes: a parser for each of its connections, and a response.
const OPERATOR_PART_BYTES: usize = 2 * 1024 * 1024;

/// A connection that has made no progress for this long may be cut off for its memory.
const STALL_TIME: Duration = Duration::from_secs(1);

/// The time between a search for connections to cut off that has found none, and the next one. Without it each
/// rejected client would cost a look at all connections.
const SEARCH_PAUSE: Duration = Duration::from_millis(10);

/// The budget. Clones share it.
#[derive(Clone)]
pub(crate) struct MemoryBudget(Arc<Shared>);

struct Shared {
    total: Free,
    free: Mutex<Free>,
    released: Notify,
    holders: Mutex<HashMap<u64, Arc<Holder>>>,
    /// For each purpose, the last search for connections to cut off that has found none.
    empty_searches: Mutex<[Option<Instant>; 3]>,
    next_id: AtomicU64,
}

/// What connections are cut off for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    SmallReservation,
    LargeReservation,
    NewConnection,
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
        Self::of(Free { small: SMALL_PART_BYTES, large: max })
    }

    /// The budget of the operator's listener. It has its own, so that clients who use up theirs keep no probe out.
    pub(crate) fn for_operator() -> Self {
        Self::of(Free { small: OPERATOR_PART_BYTES, large: OPERATOR_PART_BYTES })
    }

    fn of(free: Free) -> Self {
        Self(Arc::new(Shared {
            total: free,
            free: Mutex::new(free),
            released: Notify::new(),
            holders: Mutex::default(),
            empty_searches: Mutex::default(),
            next_id: AtomicU64::new(0),
        }))
    }

    pub(crate) fn write_metrics(&self, writer: &mut MetricWriter<'_>) -> fmt::Result {
        let (total, free) = (self.0.total, *lock(&self.0.free));
        let parts = |small: usize, large: usize| [("small", small as u64), ("large", large as u64)];
        let held = parts(total.small - free.small, total.large - free.large);
        let (limits, bytes) = (parts(total.small, total.large), Some(&Unit::Bytes));
        writer.gauges("http_server_held", bytes, "Bytes held for clients", "part", held)?;
        writer.gauges("http_server_held_limit", bytes, "The budget for bytes held for clients", "part", limits)
    }

    /// Registers a connection.
    pub(crate) fn register(&self) -> HolderGuard {
        let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
        let holder = Arc::new(Holder::new(self.clone()));
        lock(&self.0.holders).insert(id, Arc::clone(&holder));
        HolderGuard { id, holder }
    }

    /// Cuts off connections with slow clients that hold `needed` bytes together, for a reservation of `total` bytes.
    fn make_room(&self, needed: usize, total: usize) {
        let is_small = total <= MAX_SMALL_BYTES;
        let purpose = if is_small { Purpose::SmallReservation } else { Purpose::LargeReservation };
        let mut slow = self.slow_clients(purpose, |client| {
            client.held > 0 && (client.is_stalled || (is_small && client.is_small_and_slow()))
        });
        slow.sort_unstable_by_key(|(client, _)| {
            let rank = if client.is_stalled { client.held as u128 } else { client.time.as_nanos() };
            std::cmp::Reverse((client.is_stalled, rank))
        });
        let mut freed = 0_usize;
        for (client, holder) in &slow {
            holder.cut_off();
            freed = freed.saturating_add(client.held);
            if freed >= needed {
                break;
            }
        }
    }

    /// Cuts off the connection that has been stalled longest during a request, for a new connection. False where there
    /// is none.
    pub(crate) fn cut_off_longest_stalled(&self) -> bool {
        let stalled = self.slow_clients(Purpose::NewConnection, |client| client.is_stalled && !client.is_idle);
        let longest = stalled.iter().max_by_key(|(client, _)| client.time);
        longest.inspect(|(_, holder)| holder.cut_off()).is_some()
    }

    /// The connections with slow clients that `is_candidate` chooses. None for a moment after a search without a
    /// result.
    fn slow_clients(
        &self,
        purpose: Purpose,
        is_candidate: impl Fn(&SlowClient) -> bool,
    ) -> Vec<(SlowClient, Arc<Holder>)> {
        let now = Instant::now();
        let searches = &mut *lock(&self.0.empty_searches);
        let Some(empty_search) = searches.get_mut(purpose as usize) else { return Vec::new() };
        if empty_search.is_some_and(|last| now.duration_since(last) < SEARCH_PAUSE) {
            return Vec::new();
        }
        let slow: Vec<_> = lock(&self.0.holders)
            .values()
            .filter_map(|holder| Some((holder.slow_client(now)?, Arc::clone(holder))))
            .filter(|(client, _)| is_candidate(client))
            .collect();
        *empty_search = slow.is_empty().then_some(now);
        slow
    }

    fn take(&self, reserved: &mut Reserved, additional: usize) -> bool {
        let is_small = reserved.total().saturating_add(additional) <= MAX_SMALL_BYTES;
        let moved = {
            let free = &mut *lock(&self.0.free);
            if is_small && free.small >= additional {
                free.small -= additional;
                reserved.small += additional;
                return true;
            }
            // A reservation that is no longer small leaves the part for small ones.
            let moved = if is_small { 0 } else { reserved.small };
            let needed = additional.saturating_add(moved);
            if free.large < needed {
                return false;
            }
            free.large -= needed;
            free.small += moved;
            reserved.large += needed;
            reserved.small -= moved;
            moved
        };
        if moved > 0 {
            self.0.released.notify_waiters();
        }
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
