//! What the event loop and name resolution have done since the start of the process: for metrics.

use std::time::Duration;

use crate::fd_table;
use crate::poller;
use crate::resolve;
use crate::sys::clock;

/// Figures of the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Waits that asked for events.
    pub waits: u64,
    /// Calls of `poll_oneoff`.
    pub polls: u64,
    /// Calls of `recv` that looked whether a socket has input.
    pub peeks: u64,
    /// The longest time between two waits in the last half to whole minute: how late the process noticed an event.
    pub longest_gap: Duration,
    /// Open sockets.
    pub sockets: usize,
    /// Those that were active lately.
    pub active_sockets: usize,
    /// Names that were looked up, without those in the cache.
    pub lookups: u64,
    /// Those of them that failed.
    pub failed_lookups: u64,
    /// The time that all of them took.
    pub lookup_time: Duration,
}

/// The figures now.
#[must_use]
pub fn statistics() -> Statistics {
    let fds = fd_table::with(|table| table.sockets());
    let (mut counts, active_sockets) = poller::wasi_backend::counts(&fds);
    let (lookups, failed_lookups, lookup_time) = resolve::lookup_counts();
    Statistics {
        waits: counts.waits,
        polls: counts.polls,
        peeks: counts.peeks,
        longest_gap: Duration::from_nanos(counts.longest_gap(clock::now())),
        sockets: fds.len(),
        active_sockets,
        lookups,
        failed_lookups,
        lookup_time: Duration::from_nanos(lookup_time),
    }
}
