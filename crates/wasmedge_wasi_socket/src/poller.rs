//! Waiting for events: one wait is a state machine without I/O.
//!
//! [`wait::Wait::step`] takes the time and the outcome of the last step and says what to do next: probe some
//! descriptors, poll, or return the events. [`backend::drive`] does it, with the real runtime ([`wasi_backend`]) or
//! with the model of the tests.
//!
//! The runtime's `poll_oneoff` has these properties (`WasiPollOneoff` in `wasifunc.cpp`, `Poller` in
//! `inode-linux.cpp`):
//!
//! - **A signal** interrupts `epoll_wait`. Every subscription then fails with error 27, and `Poller::wait` returns
//!   before it cleans up: the descriptors stay registered, with pointers into the list of events. The next call fails
//!   for each of them with error 20. If that call has the same array, the old pointers are still valid, the call waits
//!   as it should, and only the errors 20 must be dropped. So an interrupted poll is repeated unchanged. The timer of
//!   the first call stays armed until the wait ends, so no time is lost.
//! - **Half-closed connections.** The runtime always registers `EPOLLRDHUP` and has no event for it. A half-closed
//!   connection with a subscription for writing only ends every poll at once, without an event. The wait then excludes
//!   all writers for 2 ms at a time. A socket with only an error, such as a refused datagram, does the same to readers;
//!   it is found by `SO_ERROR`.
//! - **A closed descriptor or a file** cannot be polled. The runtime marks its event as failed and keeps waiting for
//!   the rest, for ever if there is none (`Poller::error`). So descriptors that this crate did not open are probed
//!   first.
//! - **No subscriptions.** `epoll_wait` fails for an empty list of events, and the runtime does not clean up: every
//!   descriptor of the next poll fails with error 44. So an empty list is never polled.
//! - **Edge triggering.** The host function `epoll_oneoff` differs only in `EPOLLET` and still takes the whole list
//!   each time, so it is not used.

use crate::sys::poll_types::{CLOCKID_MONOTONIC, Errno, Event, Fd, Subscription, SubscriptionClock};
use counts::Counts;
use idle_scheduler::IdleScheduler;
use peek_policy::PeekPolicy;

pub(crate) mod backend;
mod counts;
mod idle_scheduler;
mod peek_policy;
mod select;
mod wait;
#[cfg(target_os = "wasi")]
pub(crate) mod wasi_backend;

/// The user data of the poller's own clock. All others are indices into the caller's list.
const OWN_CLOCK: u64 = u64::MAX;

/// When readiness is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// Always, as long as it lasts.
    Level,
    /// The caller remembers writability that was reported, so only new readiness ends a wait at once. The caller waits
    /// again and again, so a wait need not poll every descriptor.
    Edge,
}

/// A question about one descriptor that the backend answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProbeKind {
    /// Is there input?
    Input,
    /// Is it closed, or a file?
    Pollable,
    /// Is an error pending?
    Error,
}

/// A probe to be made, and its result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe {
    /// The descriptor.
    pub(crate) fd: Fd,
    /// The question.
    pub(crate) kind: ProbeKind,
    /// Set by the backend: the descriptor is ready, with this error number. None if it is not.
    pub(crate) result: Option<Errno>,
    /// The subscription's index in the caller's list.
    index: usize,
}

/// What to do next.
pub(crate) enum Step<'s> {
    /// Make these probes.
    Probe(&'s mut [Probe]),
    /// Poll these subscriptions, the timeout among them, into `events`.
    Poll {
        /// The subscriptions; at least one.
        subscriptions: &'s [Subscription],
        /// As many events.
        events: &'s mut [Event],
    },
    /// The wait has ended.
    Done(&'s [Event]),
}

/// How the last step ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    /// There was none: the wait begins.
    Started,
    /// The probes have their results.
    Probed,
    /// The number of events; None if the poll failed.
    Polled(Option<usize>),
}

/// Buffers and knowledge that are kept from one wait to the next.
pub(crate) struct Poller {
    scheduler: IdleScheduler,
    peek_policy: PeekPolicy,
    counts: Counts,
    /// The subscriptions of the next poll. Their user data are indices into the caller's list.
    subscriptions: Vec<Subscription>,
    /// The events of the last poll.
    events: Vec<Event>,
    /// The probes of the next step.
    probes: Vec<Probe>,
    /// The indices of writers that were left out because their readiness is known.
    known_writers: Vec<usize>,
    /// The indices of subscriptions that need no poll, and their error numbers.
    immediate_results: Vec<(usize, Errno)>,
    /// The number of waits in a row that have reported known writability without a poll.
    immediate_reports: u8,
}

impl Poller {
    /// A poller that knows nothing yet.
    pub(crate) const fn new() -> Self {
        Self {
            scheduler: IdleScheduler::new(),
            peek_policy: PeekPolicy::new(),
            counts: Counts::new(),
            subscriptions: Vec::new(),
            events: Vec::new(),
            probes: Vec::new(),
            known_writers: Vec::new(),
            immediate_results: Vec::new(),
            immediate_reports: 0,
        }
    }

    /// Of these descriptors, how many were active lately.
    pub(crate) fn count_active(&self, fds: &[Fd]) -> usize {
        fds.iter().filter(|fd| self.scheduler.is_active(**fd)).count()
    }

    /// Records that a descriptor is active.
    pub(crate) fn mark_active(&mut self, fd: Fd) {
        self.scheduler.mark_active(fd);
    }

    /// Drops the caller's relative clocks that expire after `timeout`, and adds an own clock, unless one of the
    /// caller's expires before. A clock costs the runtime four system calls.
    fn limit_timeout(&mut self, timeout: u64) {
        let is_relative = |clock: &SubscriptionClock| clock.id == CLOCKID_MONOTONIC && clock.flags == 0;
        let is_sooner =
            |one: &Subscription| one.clock().is_some_and(|clock| is_relative(&clock) && clock.timeout <= timeout);
        if self.subscriptions.iter().any(is_sooner) {
            return;
        }
        self.subscriptions.retain(|one| !one.clock().is_some_and(|clock| is_relative(&clock)));
        let clock = SubscriptionClock { id: CLOCKID_MONOTONIC, timeout: timeout.max(1), precision: 0, flags: 0 };
        self.subscriptions.push(Subscription::to_clock(OWN_CLOCK, clock));
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
