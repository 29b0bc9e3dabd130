//! Waits in the real runtime.

use std::cell::RefCell;

use super::backend::{PollBackend, drive};
use super::counts::Counts;
use super::{Poller, ProbeKind, Trigger};
use crate::fd_table::{self, FdTable};
use crate::probe;
use crate::sys::poll_types::{CLOCKID_MONOTONIC, Errno, Event, Eventtype, Fd, Subscription, SubscriptionClock};
use crate::sys::{calls, clock, errno, local};

thread_local! {
    static POLLER: RefCell<Poller> = const { RefCell::new(Poller::new()) };
}

/// The runtime.
struct WasiBackend;

impl PollBackend for WasiBackend {
    fn now(&self) -> u64 {
        clock::now()
    }

    fn poll(&mut self, subscriptions: &[Subscription], events: &mut [Event]) -> Option<usize> {
        calls::poll_oneoff(subscriptions, events)
    }

    fn probe(&mut self, fd: Fd, kind: ProbeKind, table: &mut FdTable) -> Option<Errno> {
        match kind {
            ProbeKind::Input => probe::has_input(table, fd).then_some(errno::SUCCESS),
            ProbeKind::Pollable => probe::immediate_result(fd),
            ProbeKind::Error => probe::has_error(table, fd).then_some(errno::SUCCESS),
        }
    }
}

/// Notes that a descriptor is active.
pub(crate) fn mark_active(fd: Fd) {
    local::with(&POLLER, |poller| poller.mark_active(fd)).unwrap_or_default();
}

/// What the poller has done, and how many of these descriptors were active lately.
pub(crate) fn counts(fds: &[Fd]) -> (Counts, usize) {
    local::with(&POLLER, |poller| (poller.counts, poller.count_active(fds))).unwrap_or_default()
}

/// Waits until an event comes and hands the events to `take`, which must not wait itself.
pub(crate) fn wait<R: Default>(
    subscriptions: &[Subscription],
    trigger: Trigger,
    take: impl FnOnce(&[Event]) -> R,
) -> R {
    let drive = |poller: &mut Poller| {
        fd_table::with(|table| drive(&mut WasiBackend, poller, table, (subscriptions, trigger), take))
    };
    local::with(&POLLER, drive).unwrap_or_default()
}

/// Waits until a descriptor is ready for this event type, or has failed, at most until `deadline` on [`clock::now`];
/// returns whether it is. A signal neither ends nor extends the wait.
pub(crate) fn wait_until_ready(fd: Fd, event_type: Eventtype, deadline: Option<u64>) -> bool {
    let remaining = deadline.map(|deadline| deadline.saturating_sub(clock::now()));
    if remaining == Some(0) {
        return false;
    }
    let mut subscriptions = vec![Subscription::to_fd(0, event_type, fd)];
    subscriptions.extend(remaining.map(|timeout| {
        let clock = SubscriptionClock { id: CLOCKID_MONOTONIC, timeout, precision: 0, flags: 0 };
        Subscription::to_clock(1, clock)
    }));
    wait(&subscriptions, Trigger::Level, |events| events.iter().any(|event| event.type_ == event_type))
}
