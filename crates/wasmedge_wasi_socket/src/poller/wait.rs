//! One wait: the state machine.

use super::idle_scheduler::Plan;
use super::select::{Exclusion, MAX_WRITABLE_DELAY};
use super::{OWN_CLOCK, Outcome, Poller, Probe, ProbeKind, Step, Trigger};
use crate::fd_table::FdTable;
use crate::sys::errno;
use crate::sys::poll_types::{EVENTTYPE_FD_WRITE, Errno, Event, EventFdReadwrite, Subscription};

/// The longest timeout of a caller that does not want to wait, in nanoseconds.
const NO_TIMEOUT: u64 = 1_000;

/// [`Step`] without its references.
pub(super) enum Next {
    Probe,
    Poll,
    Done,
}

/// One wait in progress.
pub(crate) struct Wait<'a> {
    pub(super) poller: &'a mut Poller,
    /// The caller's subscriptions.
    pub(super) requested: &'a [Subscription],
    pub(super) trigger: Trigger,
    pub(super) plan: Plan,
    pub(super) exclusion: Exclusion,
    /// The number of descriptors that the scheduler skipped in this selection.
    pub(super) skipped: usize,
    /// Whether the pending probes are peeks in place of a poll.
    is_peeking: bool,
    /// Whether the pending probes look for the cause of a poll without events, and not for what to poll.
    is_diagnosing: bool,
    began: u64,
    pub(super) elapsed: u64,
}

impl<'a> Wait<'a> {
    /// A wait until an event of `requested` comes. Its first step gets [`Outcome::Started`].
    pub(crate) fn new(poller: &'a mut Poller, requested: &'a [Subscription], trigger: Trigger) -> Self {
        let (plan, exclusion) = (Plan::All, Exclusion::Nothing);
        Self {
            poller,
            requested,
            trigger,
            plan,
            exclusion,
            skipped: 0,
            is_peeking: false,
            is_diagnosing: false,
            began: 0,
            elapsed: 0,
        }
    }

    /// Goes on with the outcome of the last step. `now` is the time after the last poll, in nanoseconds of a monotonic
    /// clock.
    pub(crate) fn step(&mut self, now: u64, outcome: Outcome, table: &mut FdTable) -> Step<'_> {
        let next = match outcome {
            Outcome::Started => self.start(now, table),
            Outcome::Probed if self.is_diagnosing => self.synthesize_events(),
            Outcome::Probed if self.is_peeking => self.peeked(now, table),
            Outcome::Probed => self.select_probed(table),
            Outcome::Polled(count) => self.polled(now, count, table),
        };
        match next {
            Next::Probe => {
                let is_peek = |probe: &&Probe| probe.kind == ProbeKind::Input;
                self.poller.counts.peeks += self.poller.probes.iter().filter(is_peek).count() as u64;
                Step::Probe(&mut self.poller.probes)
            }
            Next::Poll => {
                self.poller.counts.polls += u64::from(self.trigger == Trigger::Edge);
                Step::Poll { subscriptions: &self.poller.subscriptions, events: &mut self.poller.events }
            }
            Next::Done => {
                self.finish(now, table);
                Step::Done(&self.poller.events)
            }
        }
    }

    fn start(&mut self, now: u64, table: &mut FdTable) -> Next {
        self.poller.events.clear();
        self.began = now;
        if self.trigger == Trigger::Level || self.requested.is_empty() {
            return self.select(table);
        }
        if self.has_no_timeout() && !self.poller.scheduler.is_due(now) {
            self.clear();
            // Nothing was polled, so the scheduler must not learn from this wait.
            self.exclusion = Exclusion::Idle;
            return Next::Done;
        }
        self.poller.counts.begin(now);
        table.begin_wait();
        let (poller, count) = (&mut *self.poller, self.requested.len());
        poller.scheduler.begin();
        if poller.peek_policy.begin(now, table.sockets_with_input()) {
            poller.scheduler.move_slice(count, now);
            self.exclusion = Exclusion::Idle;
            self.is_peeking = self.select_peeks(table);
        }
        if self.is_peeking { Next::Probe } else { self.plan_poll(now, table) }
    }

    /// Whether the caller does not want to wait.
    fn has_no_timeout(&self) -> bool {
        // mio_wasi adds the clock at the end.
        let clock = self.requested.last().and_then(Subscription::clock);
        clock.is_some_and(|clock| clock.flags == 0 && clock.timeout <= NO_TIMEOUT)
    }

    /// Reports the descriptors that have input, or are assumed to. If there are none, polls.
    fn peeked(&mut self, now: u64, table: &FdTable) -> Next {
        self.is_peeking = false;
        let poller = &mut *self.poller;
        poller.scheduler.record_selection(poller.probes.len(), now);
        let with_input = poller.probes.iter().filter(|probe| probe.result.is_some());
        poller.events.extend(with_input.map(|probe| ready_event(probe.index, self.requested)));
        let assumed = poller.immediate_results.len();
        if assumed > 0 {
            poller.peek_policy.record_assumption(assumed, table.sockets_with_input());
            return Next::Done;
        }
        poller.peek_policy.learn(poller.probes.len(), poller.events.len());
        if poller.events.is_empty() { self.plan_poll(now, table) } else { Next::Done }
    }

    fn plan_poll(&mut self, now: u64, table: &FdTable) -> Next {
        self.poller.peek_policy.record_poll(now);
        self.plan = self.poller.scheduler.plan(self.requested.len(), now);
        self.exclusion = Exclusion::of(false, self.plan != Plan::All);
        self.select(table)
    }

    /// Decides the next step from the events of a poll.
    fn polled(&mut self, now: u64, count: Option<usize>, table: &FdTable) -> Next {
        let poller = &mut *self.poller;
        let Some(count) = count else {
            poller.events.clear();
            return Next::Done;
        };
        if poller.events.iter().take(count).any(|event| event.error == errno::INTR) {
            return Next::Poll;
        }
        poller.events.truncate(count);
        let timed_out = poller.events.iter().any(|event| event.userdata == OWN_CLOCK);
        poller.events.retain(|event| event.userdata != OWN_CLOCK && event.error != errno::EXIST);
        if self.trigger == Trigger::Edge {
            poller.peek_policy.learn(poller.subscriptions.len(), poller.events.len());
            poller.scheduler.record_selection(poller.subscriptions.len(), now);
        }
        if !poller.events.is_empty() || !poller.immediate_results.is_empty() {
            return Next::Done;
        }
        self.elapsed = now.saturating_sub(self.began);
        if !poller.known_writers.is_empty() && self.elapsed >= MAX_WRITABLE_DELAY {
            return Next::Done;
        }
        if timed_out {
            self.resume();
        } else if self.exclusion.has_writers() {
            return self.diagnose();
        } else {
            self.exclusion = Exclusion::of(true, self.exclusion.has_idle());
        }
        self.select(table)
    }

    /// After a timeout: includes the writers again, and all readers once the selected ones have been silent for long
    /// enough.
    fn resume(&mut self) {
        let mut is_subset = self.exclusion.has_idle();
        if is_subset {
            let scheduler = &mut self.poller.scheduler;
            self.plan = scheduler.resume(self.requested.len(), self.elapsed, self.began + self.elapsed);
            is_subset = self.plan != Plan::All;
        }
        self.exclusion = Exclusion::of(false, is_subset);
    }

    /// A poll without writers has ended at once and without an event: looks for readers with a pending error.
    fn diagnose(&mut self) -> Next {
        let poller = &mut *self.poller;
        let probe = |one: &Subscription| {
            let index = one.userdata as usize;
            one.fd().map(|fd| Probe { fd, kind: ProbeKind::Error, result: None, index })
        };
        poller.probes.clear();
        poller.probes.extend(poller.subscriptions.iter().filter_map(probe));
        self.is_diagnosing = true;
        if poller.probes.is_empty() { Next::Done } else { Next::Probe }
    }

    /// Reports the readers with a pending error as readable. If there is none, reports all: each owner's next read then
    /// returns what there is.
    fn synthesize_events(&mut self) -> Next {
        let poller = &mut *self.poller;
        let event = |probe: &Probe| ready_event(probe.index, self.requested);
        poller.events.extend(poller.probes.iter().filter(|probe| probe.result.is_some()).map(event));
        if poller.events.is_empty() {
            poller.events.extend(poller.probes.iter().map(event));
        }
        Next::Done
    }

    /// Learns from the events, adds those that needed no poll, and gives each the user data of its subscription.
    fn finish(&mut self, now: u64, table: &mut FdTable) {
        let (poller, requested) = (&mut *self.poller, self.requested);
        if self.trigger == Trigger::Edge {
            poller.counts.end(now);
            let polled_all = !self.exclusion.has_idle();
            poller.scheduler.end(polled_all, requested.len(), self.began, now);
        }
        let fd_of = |event: &Event| requested.get(event.userdata as usize).and_then(Subscription::fd);
        // A clock that ends a silence says nothing of the descriptors.
        if self.trigger == Trigger::Edge && poller.events.iter().any(|event| fd_of(event).is_some()) {
            let is_any_active = poller.events.iter().filter_map(fd_of).any(|fd| poller.scheduler.is_active(fd));
            poller.scheduler.learn(requested.len(), now.saturating_sub(self.began), is_any_active);
        }
        for event in &poller.events {
            let Some(fd) = fd_of(event) else { continue };
            poller.scheduler.mark_active(fd);
            if event.type_ == EVENTTYPE_FD_WRITE && event.error == errno::SUCCESS {
                table.mark_writable(fd);
            }
        }
        poller.events.extend(poller.known_writers.iter().map(|index| ready_event(*index, requested)));
        let immediate = |(index, error): &(usize, Errno)| {
            let type_ = requested.get(*index).map_or(EVENTTYPE_FD_WRITE, |one| one.u.tag);
            Event { userdata: *index as u64, error: *error, type_, ..Event::default() }
        };
        poller.events.extend(poller.immediate_results.iter().map(immediate));
        for event in &mut poller.events {
            event.userdata = requested.get(event.userdata as usize).map_or(event.userdata, |one| one.userdata);
        }
    }
}

/// The event of a descriptor that is ready without a poll.
fn ready_event(index: usize, requested: &[Subscription]) -> Event {
    let type_ = requested.get(index).map_or(EVENTTYPE_FD_WRITE, |one| one.u.tag);
    let fd_readwrite = EventFdReadwrite { nbytes: 1, flags: 0 };
    Event { userdata: index as u64, error: errno::SUCCESS, type_, fd_readwrite }
}
