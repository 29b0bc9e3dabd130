//! The loop that drives a wait, and the interface to the system that it polls.

use super::wait::Wait;
use super::{Outcome, Poller, ProbeKind, Step, Trigger};
use crate::fd_table::FdTable;
use crate::sys::poll_types::{Errno, Event, Fd, Subscription};

/// The system under the poller: the runtime, or a model of it.
pub(crate) trait PollBackend {
    /// The time, in nanoseconds of a monotonic clock.
    fn now(&self) -> u64;

    /// One poll. Fills `events` and returns their number, or None if it failed.
    fn poll(&mut self, subscriptions: &[Subscription], events: &mut [Event]) -> Option<usize>;

    /// Probes a descriptor: the error number with which it is ready, or None. An error that the kernel reports only
    /// once is kept in the table.
    fn probe(&mut self, fd: Fd, kind: ProbeKind, table: &mut FdTable) -> Option<Errno>;
}

/// Waits until an event comes and hands the events to `take`, with the user data of their subscriptions.
pub(crate) fn drive<B: PollBackend, R>(
    backend: &mut B,
    poller: &mut Poller,
    table: &mut FdTable,
    (subscriptions, trigger): (&[Subscription], Trigger),
    take: impl FnOnce(&[Event]) -> R,
) -> R {
    let mut wait = Wait::new(poller, subscriptions, trigger);
    let (mut now, mut outcome) = (backend.now(), Outcome::Started);
    loop {
        outcome = match wait.step(now, outcome, table) {
            Step::Probe(probes) => {
                for probe in probes {
                    probe.result = backend.probe(probe.fd, probe.kind, table);
                }
                Outcome::Probed
            }
            Step::Poll { subscriptions, events } => {
                let count = backend.poll(subscriptions, events);
                now = backend.now();
                Outcome::Polled(count)
            }
            Step::Done(events) => return take(events),
        };
    }
}
