//! The selection of the subscriptions for a poll, and its timeout.

use super::idle_scheduler::{POLL_ALL_MAX, Plan, Selection};
use super::wait::{Next, Wait};
use super::{Probe, ProbeKind, Trigger};
use crate::fd_table::{FdTable, Writability};
use crate::sys::errno;
use crate::sys::poll_types::{EVENTTYPE_FD_WRITE, Event, Fd, Subscription};

/// How long writability that the owner knows of may be delayed until another event comes.
pub(super) const MAX_WRITABLE_DELAY: u64 = 10_000_000;

/// How many waits in a row may report known writability at once, without a poll. mio_wasi subscribes twice after each
/// read and write; two more turns of its loop cost less than the clock that would bound a poll.
pub(super) const MAX_IMMEDIATE_REPORTS: u8 = 2;

/// How long writers are excluded after one of them has ended a poll without an event.
pub(super) const WRITER_PAUSE: u64 = 2_000_000;

/// The timeout of a poll that would have no subscription: an hour.
pub(super) const MAX_TIMEOUT: u64 = 3_600_000_000_000;

/// What the selection of subscriptions leaves out. An edge-triggered wait always leaves out writers whose readiness is
/// known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exclusion {
    Nothing,
    /// What the scheduler skips.
    Idle,
    Writers,
    WritersAndIdle,
}

impl Exclusion {
    pub(super) fn of(writers: bool, idle: bool) -> Self {
        match (writers, idle) {
            (false, false) => Self::Nothing,
            (false, true) => Self::Idle,
            (true, false) => Self::Writers,
            (true, true) => Self::WritersAndIdle,
        }
    }

    pub(super) fn has_idle(self) -> bool {
        matches!(self, Self::Idle | Self::WritersAndIdle)
    }

    pub(super) fn has_writers(self) -> bool {
        matches!(self, Self::Writers | Self::WritersAndIdle)
    }
}

impl Wait<'_> {
    /// Selects the subscriptions to poll, and the descriptors to probe before.
    pub(super) fn select(&mut self, table: &FdTable) -> Next {
        self.clear();
        for (index, subscription) in self.requested.iter().enumerate() {
            match subscription.fd() {
                None => self.add_clock(index, subscription),
                Some(fd) if subscription.u.tag == EVENTTYPE_FD_WRITE => self.select_writer(index, fd, table),
                Some(fd) => self.select_reader(index, fd, table),
            }
        }
        if self.poller.probes.is_empty() { self.poll() } else { Next::Probe }
    }

    /// Selects the descriptors to peek at. False if an active one cannot be peeked: a listener, or a writer.
    pub(super) fn select_peeks(&mut self, table: &FdTable) -> bool {
        self.clear();
        for (index, subscription) in self.requested.iter().enumerate() {
            let Some(fd) = subscription.fd() else { continue };
            let scheduler = &self.poller.scheduler;
            if subscription.u.tag == EVENTTYPE_FD_WRITE {
                match table.writability(fd) {
                    Writability::Ready => self.poller.known_writers.push(index),
                    Writability::Unknown if scheduler.is_active(fd) => return false,
                    Writability::Unknown | Writability::Never => {}
                }
            } else if !table.can_peek(fd) {
                if scheduler.is_active(fd) {
                    return false;
                }
            } else {
                match scheduler.select(fd, table.expects_input(fd)) {
                    Selection::Poll if self.poller.peek_policy.is_input_likely() => {
                        self.poller.immediate_results.push((index, errno::SUCCESS));
                    }
                    Selection::Poll | Selection::Peek => self.add_probe(index, fd, ProbeKind::Input),
                    Selection::Skip => {}
                }
            }
        }
        true
    }

    pub(super) fn clear(&mut self) {
        self.poller.subscriptions.clear();
        self.poller.probes.clear();
        self.poller.known_writers.clear();
        self.poller.immediate_results.clear();
        self.skipped = 0;
    }

    fn select_writer(&mut self, index: usize, fd: Fd, table: &FdTable) {
        if self.trigger == Trigger::Edge {
            match table.writability(fd) {
                Writability::Ready => return self.poller.known_writers.push(index),
                Writability::Never => return,
                Writability::Unknown => {}
            }
        }
        if self.exclusion.has_writers() {
            return;
        }
        if self.exclusion.has_idle() && self.poller.scheduler.select(fd, true) == Selection::Skip {
            self.skipped += 1;
            return;
        }
        self.add_fd(index, fd, table);
    }

    fn select_reader(&mut self, index: usize, fd: Fd, table: &FdTable) {
        // A descriptor that cannot be peeked, such as a listener, is always polled: there are few.
        if self.exclusion.has_idle() && table.can_peek(fd) {
            match self.poller.scheduler.select(fd, table.expects_input(fd)) {
                Selection::Skip => {
                    self.skipped += 1;
                    return;
                }
                Selection::Peek => return self.add_probe(index, fd, ProbeKind::Input),
                Selection::Poll => {}
            }
        }
        self.add_fd(index, fd, table);
    }

    /// Adds the subscription of a descriptor, unless its result is known without a poll.
    fn add_fd(&mut self, index: usize, fd: Fd, table: &FdTable) {
        match table.pending_error(fd) {
            Some(errno::SUCCESS) => self.add_subscription(index),
            // The owner gets the error from its next call.
            Some(_) => self.poller.immediate_results.push((index, errno::SUCCESS)),
            None => self.add_probe(index, fd, ProbeKind::Pollable),
        }
    }

    fn add_subscription(&mut self, index: usize) {
        if let Some(subscription) = self.requested.get(index) {
            self.poller.subscriptions.push(Subscription { userdata: index as u64, u: subscription.u });
        }
    }

    fn add_probe(&mut self, index: usize, fd: Fd, kind: ProbeKind) {
        self.poller.probes.push(Probe { fd, kind, result: None, index });
    }

    /// Adds a clock; a relative timeout becomes shorter by the time that has passed.
    fn add_clock(&mut self, index: usize, subscription: &Subscription) {
        let Some(mut clock) = subscription.clock() else { return };
        if clock.flags == 0 && self.elapsed > 0 {
            clock.timeout = clock.timeout.saturating_sub(self.elapsed).max(1);
        }
        self.poller.subscriptions.push(Subscription::to_clock(index as u64, clock));
    }

    /// Completes the selection by the results of the probes.
    pub(super) fn select_probed(&mut self, table: &FdTable) -> Next {
        let probes = std::mem::take(&mut self.poller.probes);
        for Probe { fd, kind, result, index } in probes.iter().copied() {
            match (kind, result) {
                (ProbeKind::Input, None) => self.skipped += 1,
                // Polled all the same: the poll ends at once and reports the details.
                (ProbeKind::Input, Some(_)) => self.add_fd(index, fd, table),
                (_, None) => self.add_subscription(index),
                (_, Some(error)) => self.poller.immediate_results.push((index, error)),
            }
        }
        // The allocation is kept.
        self.poller.probes = probes;
        self.poll()
    }

    /// Sets the timeout of the selected subscriptions and polls them, unless known writability is to be reported at
    /// once.
    fn poll(&mut self) -> Next {
        if self.requested.is_empty() || (self.elapsed == 0 && self.is_reported_at_once()) {
            // Not everything was polled, so the scheduler must not learn from this wait.
            self.exclusion = Exclusion::Idle;
            return Next::Done;
        }
        if self.skipped == 0 {
            self.exclusion = Exclusion::of(self.exclusion.has_writers(), false);
        }
        if let Some(timeout) = self.timeout() {
            self.poller.limit_timeout(timeout);
        }
        self.poller.events.clear();
        self.poller.events.resize(self.poller.subscriptions.len(), Event::default());
        Next::Poll
    }

    /// Whether to report known writability without a poll: few subscriptions, and no clock that could bound a poll.
    fn is_reported_at_once(&mut self) -> bool {
        let poller = &mut *self.poller;
        let is_reported = !poller.known_writers.is_empty()
            && poller.immediate_reports < MAX_IMMEDIATE_REPORTS
            && self.requested.len() <= POLL_ALL_MAX
            && self.requested.iter().all(|one| one.clock().is_none());
        poller.immediate_reports = if is_reported { poller.immediate_reports + 1 } else { 0 };
        is_reported
    }

    /// The longest time that this poll may last; None if only the caller's clocks bound it.
    fn timeout(&self) -> Option<u64> {
        let subset = match self.plan {
            Plan::Subset { timeout } if self.exclusion.has_idle() => Some(timeout),
            _ => None,
        };
        let known = !self.poller.known_writers.is_empty();
        [
            subset,
            self.exclusion.has_writers().then_some(WRITER_PAUSE),
            known.then(|| MAX_WRITABLE_DELAY.saturating_sub(self.elapsed)),
            (!self.poller.immediate_results.is_empty()).then_some(0),
            self.poller.subscriptions.is_empty().then_some(MAX_TIMEOUT),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}
