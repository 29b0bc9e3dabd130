//! Waits on a model of the runtime: every descriptor that becomes ready is reported, and in time.
#![expect(clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use super::idle_scheduler::{POLL_ALL_MAX, busy_pause, cycle_time};
use super::model::Model;
use super::peek_policy::MAX_POLL_PAUSE;
use super::select::{MAX_IMMEDIATE_REPORTS, MAX_TIMEOUT, MAX_WRITABLE_DELAY, WRITER_PAUSE};
use super::*;
use crate::fd_table::{FdTable, Writability};
use crate::sys::errno;
use crate::sys::poll_types::{EVENTTYPE_CLOCK, EVENTTYPE_FD_READ, EVENTTYPE_FD_WRITE};

/// A subscription whose user data is the descriptor.
fn reading(fd: u32) -> Subscription {
    Subscription::to_fd(u64::from(fd), EVENTTYPE_FD_READ, fd)
}

fn writing(fd: u32) -> Subscription {
    Subscription::to_fd(u64::from(fd), EVENTTYPE_FD_WRITE, fd)
}

fn after(nanoseconds: u64) -> Subscription {
    let clock = SubscriptionClock { id: CLOCKID_MONOTONIC, timeout: nanoseconds, precision: 0, flags: 0 };
    Subscription::to_clock(u64::MAX, clock)
}

/// A random number generator.
fn random(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |bound| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % bound
    }
}

/// The longest time until readiness must be reported: a cycle of the scheduler, a poll of a subset in progress, the
/// longest time without a poll, and the time that three polls of all descriptors take.
fn max_delay(count: u32) -> u64 {
    cycle_time(2 * count as usize) + 5_000_000 + MAX_POLL_PAUSE + 3 * (1_000 + 600 * u64::from(count))
}

/// Random traffic on some of many descriptors.
struct Traffic {
    seed: u64,
    model: Model,
    fds: Vec<u32>,
    busy: usize,
    pace: u64,
    with_clock: bool,
    with_writers: bool,
    /// How many in four inputs get a response.
    responses: u64,
    /// Readiness that was reported without input.
    assumed: u32,
}

impl Traffic {
    fn of(seed: u64, number: &mut impl FnMut(u64) -> u64) -> Self {
        let count = 2 + number(400) as u32;
        let fds: Vec<u32> = (0..count).map(|_| number(1 << 31) as u32).collect::<BTreeSet<_>>().into_iter().collect();
        let writable = fds.iter().copied().filter(|fd| fd % 14 == 0).collect();
        let listeners = fds.iter().copied().filter(|fd| fd % 7 == 0 && fd % 14 != 0).take(1).collect();
        Self {
            seed,
            model: Model { nonblocking: number(2) == 0, writable, listeners, ..Model::default() },
            busy: 1 + number(4) as usize,
            pace: [30_000, 3_000_000, 60_000_000][number(3) as usize],
            with_clock: number(2) == 0,
            with_writers: number(2) == 0,
            responses: number(5),
            assumed: 0,
            fds,
        }
    }

    /// Sends a message to a busy descriptor, often one to any descriptor, and sometimes a signal.
    fn send(&mut self, number: &mut impl FnMut(u64) -> u64) {
        let any = if number(4) == 0 { Some(self.fds.len()) } else { None };
        for among in [Some(self.busy), any].into_iter().flatten() {
            let chosen = self.fds[number(among as u64) as usize % self.fds.len()];
            let when = self.model.now + number(self.pace);
            self.model.readable.entry(chosen).or_insert(when);
        }
        self.model.signals = if number(20) == 0 { 1 + number(3) as u32 } else { 0 };
    }

    fn subscriptions(&self) -> Vec<Subscription> {
        let mut requested: Vec<Subscription> = self.fds.iter().map(|fd| reading(*fd)).collect();
        requested.extend(self.fds.iter().filter(|fd| self.with_writers && **fd % 7 == 0).map(|fd| writing(*fd)));
        if self.with_clock {
            requested.push(after(20_000_000));
        }
        requested
    }

    /// Takes the input of the reported descriptors and checks that each was ready; returns the longest delay.
    fn take(&mut self, poller: &mut Poller, events: &[Event], began: u64, number: &mut impl FnMut(u64) -> u64) -> u64 {
        let mut longest = 0;
        for event in events {
            assert_ne!(event.error, errno::INTR);
            if event.type_ == EVENTTYPE_CLOCK {
                assert!(self.model.now >= began + 20_000_000, "seed {}: the clock expired early", self.seed);
            } else if event.type_ == EVENTTYPE_FD_READ {
                let fd = event.userdata as u32;
                let Some(came) = self.model.readable.get(&fd).copied().filter(|came| *came <= self.model.now) else {
                    assert!(self.model.nonblocking, "seed {}: the read of {fd} would block", self.seed);
                    self.assumed += 1;
                    continue;
                };
                self.model.readable.remove(&fd);
                self.model.table.received(fd);
                longest = longest.max(self.model.now - came);
                if number(4) < self.responses {
                    self.model.table.sent(fd);
                    poller.mark_active(fd);
                }
            } else {
                assert!(self.model.writable.contains(&(event.userdata as u32)), "seed {}: not writable", self.seed);
            }
        }
        longest
    }

    fn is_reported_writable(&self, fd: u32) -> bool {
        self.model.table.writability(fd) == Writability::Ready
    }

    /// The longest delay of a ready descriptor that was not reported yet.
    fn unreported(&self) -> u64 {
        let now = self.model.now;
        let readers = self.model.readable.values().filter(|when| **when <= now).map(|when| now - when);
        let writers = self.model.writable.iter().filter(|fd| self.with_writers && !self.is_reported_writable(**fd));
        readers.chain(writers.map(|_| now)).max().unwrap_or_default()
    }
}

/// Serves random traffic for at least 0.2 s of the model's time; returns the longest delay, reported or not, and the
/// bound for it.
fn run(seed: u64) -> (u64, u64) {
    let mut number = random(seed + 1);
    let mut traffic = Traffic::of(seed, &mut number);
    let subscriptions = traffic.subscriptions();
    let (mut poller, mut longest, mut waits, mut reported) = (Poller::new(), 0, 0, 0);
    while traffic.model.now < 200_000_000 || waits < 300 {
        traffic.send(&mut number);
        let began = traffic.model.now;
        let events = traffic.model.wait(&mut poller, &subscriptions, Trigger::Edge);
        longest = longest.max(traffic.take(&mut poller, &events, began, &mut number)).max(traffic.unreported());
        waits += 1;
        reported += events.len() as u32;
    }
    assert!(traffic.assumed <= reported / 2, "seed {seed}: {} of {reported} were assumed", traffic.assumed);
    (longest, max_delay(traffic.fds.len() as u32))
}

#[test]
fn every_ready_descriptor_is_reported_in_time_despite_signals_and_writers() {
    let runs = if cfg!(target_os = "wasi") { 3 } else { 60 };
    for seed in 0..runs {
        let (longest, max) = run(seed);
        assert!(longest < max, "seed {seed}: an event was delayed by {longest} ns, which may be {max}");
    }
}

/// Descriptors that never become ready, more than are reported without a poll.
fn idle() -> impl Iterator<Item = Subscription> {
    (100..100 + POLL_ALL_MAX as u32).map(reading)
}

#[test]
fn known_writability_does_not_end_a_wait_but_is_reported_in_time() {
    let mut model = Model::default();
    model.writable.insert(4);
    let requested: Vec<Subscription> = idle().chain([reading(4), writing(4)]).collect();
    let mut poller = Poller::new();
    assert_eq!(model.wait(&mut poller, &requested, Trigger::Edge).len(), 1, "new at first");
    model.readable.insert(4, model.now + 3_000_000);
    let began = model.now;
    assert_eq!(model.wait(&mut poller, &requested, Trigger::Edge).len(), 2, "then reported along with another event");
    assert!(model.now - began >= 3_000_000);
    model.readable.clear();
    let began = model.now;
    assert_eq!(model.wait(&mut poller, &requested, Trigger::Edge).len(), 1, "or alone after the delay");
    assert!(model.now - began >= MAX_WRITABLE_DELAY && model.now - began < MAX_WRITABLE_DELAY + 1_000_000);
    let began = model.now;
    assert_eq!(model.wait(&mut poller, &[writing(4)], Trigger::Level).len(), 1, "at once if level-triggered");
    assert!(model.now - began < 1_000_000);
}

#[test]
fn with_few_subscriptions_known_writability_is_reported_twice_at_once() {
    let mut model = Model::default();
    model.writable.insert(4);
    let mut poller = Poller::new();
    model.wait(&mut poller, &[reading(4), writing(4)], Trigger::Edge);
    for _ in 0..5 {
        for _ in 0..MAX_IMMEDIATE_REPORTS {
            let (began, polls) = (model.now, model.polls);
            assert_eq!(model.wait(&mut poller, &[reading(4), writing(4)], Trigger::Edge).len(), 1);
            assert_eq!((model.now, model.polls), (began, polls), "there is no poll and no time passes");
        }
        let began = model.now;
        model.readable.insert(4, began + 3_000_000);
        assert_eq!(model.wait(&mut poller, &[reading(4), writing(4)], Trigger::Edge).len(), 2, "the third one polls");
        assert!(model.now - began >= 3_000_000);
        model.readable.clear();
    }
}

#[test]
fn with_a_clock_known_writability_does_not_end_a_wait() {
    let mut model = Model::default();
    model.writable.insert(4);
    let requested = [reading(4), writing(4), after(60_000_000_000)];
    let mut poller = Poller::new();
    model.wait(&mut poller, &requested, Trigger::Edge);
    model.readable.insert(4, model.now + 3_000_000);
    let began = model.now;
    assert_eq!(model.wait(&mut poller, &requested, Trigger::Edge).len(), 2);
    assert!(model.now - began >= 3_000_000);
}

#[test]
fn a_half_closed_writer_does_not_make_the_wait_spin() {
    let mut model = Model::default();
    model.half_closed.insert(4);
    model.readable.insert(5, 50_000_000);
    let events = model.wait(&mut Poller::new(), &[writing(4), reading(5)], Trigger::Edge);
    assert_eq!(events.iter().map(|event| event.userdata).collect::<Vec<_>>(), [5]);
    assert!(model.polls < 60, "{} polls in 50 ms", model.polls);
}

#[test]
fn no_subscriptions_cause_no_poll() {
    let mut model = Model::default();
    assert!(model.wait(&mut Poller::new(), &[], Trigger::Edge).is_empty());
    assert_eq!(model.polls, 0);
}

#[test]
fn excluded_writers_are_polled_again_after_two_milliseconds() {
    let mut model = Model::default();
    model.half_closed.insert(4);
    let requested: Vec<Subscription> = (100..3_100).map(reading).chain([writing(4), writing(5)]).collect();
    let mut poller = Poller::new();
    for _ in 0..100 {
        // One busy descriptor makes the poller select a subset.
        model.readable.insert(100, model.now);
        assert_eq!(model.wait(&mut poller, &requested, Trigger::Edge).len(), 1);
        model.readable.clear();
        poller.mark_active(100);
    }
    let began = model.now;
    model.readable.insert(100, began + 50_000_000);
    model.writable_later = Some((5, began + 100_000));
    poller.mark_active(5);
    let events = model.wait(&mut poller, &requested, Trigger::Edge);
    assert_eq!(events.iter().map(|event| event.userdata).collect::<Vec<_>>(), [5]);
    assert!(model.now - began < WRITER_PAUSE + 1_000_000, "reported after {} ns", model.now - began);
}

#[test]
fn a_listener_subscribed_for_writing_only_is_no_empty_poll() {
    let mut model = Model { max_polls: Some(10), ..Model::default() };
    model.listeners.insert(4);
    // The model panics at an empty list and fails after ten polls.
    assert!(model.wait(&mut Poller::new(), &[writing(4)], Trigger::Edge).is_empty());
    assert!(model.now >= MAX_TIMEOUT, "polled again after {} ns", model.now);
}

#[test]
fn a_descriptor_that_cannot_be_polled_ends_the_wait_with_its_error() {
    for trigger in [Trigger::Edge, Trigger::Level] {
        let mut model = Model::default();
        model.immediate_results.insert(4, errno::BADF);
        model.readable.insert(5, 1);
        let events = model.wait(&mut Poller::new(), &[reading(4), reading(5)], trigger);
        let errors: Vec<_> = events.iter().map(|event| (event.userdata, event.error)).collect();
        assert_eq!(errors, [(5, errno::SUCCESS), (4, errno::BADF)], "with the events of the others");
        let events = model.wait(&mut Poller::new(), &[reading(4)], trigger);
        assert_eq!(events.len(), 1, "also alone");
    }
}

#[test]
fn an_error_without_an_event_is_reported_without_spinning() {
    let mut model = Model::default();
    model.failed.insert(4);
    let events = model.wait(&mut Poller::new(), &[reading(4), reading(5), after(1_000_000)], Trigger::Level);
    assert_eq!(events.iter().map(|event| event.userdata).collect::<Vec<_>>(), [4]);
    assert!(model.polls <= 3, "{} polls", model.polls);
}

#[test]
fn a_level_triggered_wait_reports_every_ready_descriptor() {
    let mut model = Model::default();
    let requested: Vec<Subscription> = (100..600).map(reading).collect();
    let mut poller = Poller::new();
    // After this wait the process is busy, and an edge-triggered wait would poll a subset.
    model.readable.insert(100, 0);
    model.wait(&mut poller, &requested, Trigger::Edge);
    for fd in (100..600).step_by(7) {
        model.readable = BTreeMap::from([(100, 0), (fd, 0)]);
        let events = model.wait(&mut poller, &requested, Trigger::Level);
        assert_eq!(events.len(), model.readable.len());
    }
}

#[test]
fn a_level_triggered_wait_reports_known_writability_at_once() {
    let mut model = Model::default();
    model.writable.insert(4);
    let requested: Vec<Subscription> = idle().chain([writing(4), after(60_000_000_000)]).collect();
    let mut poller = Poller::new();
    model.wait(&mut poller, &requested, Trigger::Edge);
    for _ in 0..5 {
        let began = model.now;
        assert_eq!(model.wait(&mut poller, &requested, Trigger::Level).len(), 1);
        assert!(model.now - began < 1_000_000, "reported after {} ns", model.now - began);
    }
}

#[test]
fn a_clock_expires_on_time_in_a_wait_of_several_polls() {
    let mut model = Model::default();
    // The wait excludes this writer for 2 ms again and again.
    model.half_closed.insert(4);
    let began = model.now;
    let events = model.wait(&mut Poller::new(), &[writing(4), reading(5), after(7_000_000)], Trigger::Level);
    assert_eq!(events.iter().map(|event| event.type_).collect::<Vec<_>>(), [EVENTTYPE_CLOCK]);
    let elapsed = model.now - began;
    assert!((7_000_000..7_100_000).contains(&elapsed), "expired after {elapsed} ns");
}

#[test]
fn a_kept_error_ends_the_wait_without_a_poll_of_its_descriptor() {
    for trigger in [Trigger::Edge, Trigger::Level] {
        let mut model = Model::default();
        model.table.opened(4);
        model.table.set_pending_error(4, errno::NOTCONN);
        let events = model.wait(&mut Poller::new(), &[reading(4), reading(5)], trigger);
        let events: Vec<_> = events.iter().map(|event| (event.userdata, event.error)).collect();
        assert_eq!(events, [(4, errno::SUCCESS)], "its owner gets the error from the next call");
        assert_eq!(model.table.pending_error(4), Some(errno::NOTCONN));
    }
}

#[test]
fn descriptors_without_input_when_peeked_are_polled_later() {
    let mut model = Model { nonblocking: true, ..Model::default() };
    let requested: Vec<Subscription> = (100..600).map(reading).collect();
    let mut poller = Poller::new();
    model.readable.insert(100, 0);
    model.wait(&mut poller, &requested, Trigger::Edge);
    model.readable.clear();
    // Busy, and so long that the slice of the next wait has every descriptor.
    model.now += 1_000_000_000;
    let began = model.now;
    model.readable.insert(300, began + 3_000_000);
    let events = model.wait(&mut poller, &requested, Trigger::Edge);
    assert_eq!(events.iter().map(|event| event.userdata).collect::<Vec<_>>(), [300]);
    assert!(model.now - began < 3_000_000 + max_delay(500), "reported after {} ns", model.now - began);
}

/// The listener of a [`ClosedLoop`].
const LISTENER: u32 = 4;

/// A process whose clients send their next request as soon as they have a response.
struct ClosedLoop {
    model: Model,
    poller: Poller,
    requested: Vec<Subscription>,
}

impl ClosedLoop {
    /// Waits for these descriptors. Those from 100 to 139 are clients.
    fn new(descriptors: impl IntoIterator<Item = u32>) -> Self {
        let model = Model { nonblocking: true, listeners: BTreeSet::from([LISTENER]), ..Model::default() };
        Self { model, poller: Poller::new(), requested: descriptors.into_iter().map(reading).collect() }
    }

    /// Waits and serves `rounds` times. Returns the number of polls and of peeks.
    fn serve(&mut self, rounds: u32) -> (u32, u32) {
        let Self { model, poller, requested } = self;
        let (polls, peeks) = (model.polls, model.peeks);
        for _ in 0..rounds {
            model.readable.extend((100..140).map(|fd| (fd, 0)));
            for event in model.wait(poller, requested, Trigger::Edge) {
                let fd = event.userdata as u32;
                if model.readable.remove(&fd).is_none() {
                    continue;
                }
                model.table.received(fd);
                model.table.sent(fd);
                poller.mark_active(fd);
            }
            model.now += 100_000;
        }
        (model.polls - polls, model.peeks - peeks)
    }

    /// Lets input of `fd` arrive, and serves until it has been reported, which takes `max` ns at most.
    #[track_caller]
    fn expect_report(&mut self, fd: u32, max: u64, mut before_each: impl FnMut(&mut Poller)) {
        let came = self.model.now;
        self.model.readable.insert(fd, came);
        while self.model.readable.contains_key(&fd) {
            before_each(&mut self.poller);
            self.serve(1);
            assert!(self.model.now - came <= max, "{fd} not reported after {} ns", self.model.now - came);
        }
    }
}

#[test]
fn a_saturated_process_neither_polls_nor_peeks_for_what_is_expected() {
    let mut process = ClosedLoop::new((100..140).chain([LISTENER]));
    let (polls, peeks) = process.serve(1_000);
    // 0.1 s of waits, with a poll after every 4 ms.
    assert!(polls <= 30, "{polls} polls in 1,000 waits");
    assert!(peeks <= 2_000, "{peeks} peeks for 40,000 inputs");
}

#[test]
fn a_saturated_process_reports_a_new_connection_in_time() {
    let mut process = ClosedLoop::new((100..140).chain([LISTENER]));
    process.serve(100);
    process.expect_report(LISTENER, MAX_POLL_PAUSE + 1_000_000, |_| {});
    // While connections come, each wait polls.
    process.poller.mark_active(LISTENER);
    let (polls, _) = process.serve(10);
    assert_eq!(polls, 10);
}

#[test]
fn an_active_listener_starves_no_idle_descriptor_of_a_saturated_process() {
    let mut process = ClosedLoop::new((100..200).chain([LISTENER]));
    process.serve(300);
    for idle in 150..200 {
        process.expect_report(idle, max_delay(101), |poller| poller.mark_active(LISTENER));
        // It becomes idle again.
        process.serve(130);
    }
}

#[test]
fn wrong_assumptions_end_at_the_next_wait() {
    let mut process = ClosedLoop::new(100..140);
    process.serve(100);
    let ClosedLoop { mut model, mut poller, requested } = process;
    model.readable = BTreeMap::from([(110, model.now + 50_000_000)]);
    let mut waits = 0;
    while model.readable.contains_key(&110) {
        waits += 1;
        for event in model.wait(&mut poller, &requested, Trigger::Edge) {
            let fd = event.userdata as u32;
            if model.readable.get(&fd).is_some_and(|came| *came <= model.now) {
                model.readable.remove(&fd);
            }
        }
    }
    assert!(waits <= 3, "{waits} waits for one input");
}

#[test]
fn a_saturated_process_peeks_in_time_at_what_is_not_expected() {
    let mut process = ClosedLoop::new(100..141);
    process.serve(100);
    // It got a request, and its client goes away before the response.
    process.model.table.received(140);
    process.serve(5);
    process.expect_report(140, cycle_time(41) + 500_000, |_| {});
}

/// A caller that always has other work: 200 µs of it between two waits of no timeout.
#[test]
fn a_busy_caller_gets_each_input_in_time_and_asks_rarely() {
    let fds: Vec<u32> = (100..500).collect();
    let requested: Vec<_> = fds.iter().copied().map(reading).chain([after(0)]).collect();
    let (mut model, mut poller, mut number) = (Model::default(), Poller::new(), random(7));
    model.nonblocking = true;
    let (began, mut came, mut reported, mut longest) = (model.now, 0, 0, 0);
    while reported < 5_000 {
        for _ in 0..5 {
            let fd = fds[number(400) as usize];
            if !model.readable.contains_key(&fd) {
                model.readable.insert(fd, model.now);
                came += 1;
            }
        }
        for event in model.wait(&mut poller, &requested, Trigger::Edge) {
            let fd = event.userdata as u32;
            if let Some(since) = model.readable.remove(&fd) {
                longest = longest.max(model.now - since);
                reported += 1;
                model.table.received(fd);
                // The response; then the client is expected to send again.
                model.table.sent(fd);
                poller.mark_active(fd);
            }
        }
        model.now += 200_000;
    }
    assert!(came - reported < 400, "{came} came, {reported} were reported");
    let (limit, elapsed) = (busy_pause(400) + cycle_time(401) + 500_000, model.now - began);
    assert!(longest <= limit, "an input waited for {longest} ns, {limit} are allowed");
    let asking = 400 * u64::from(model.peeks) + 300 * 400 * u64::from(model.polls);
    assert!(
        asking * 5 <= elapsed,
        "{asking} ns of {elapsed} were spent on {} polls and {} peeks",
        model.polls,
        model.peeks
    );
}

#[test]
fn the_sockets_that_are_active_are_counted() {
    let mut table = FdTable::new();
    let mut poller = Poller::new();
    for fd in [5, 6, 7] {
        table.opened(fd);
    }
    poller.mark_active(6);
    let mut sockets = table.sockets();
    sockets.sort_unstable();
    assert_eq!((sockets.as_slice(), poller.count_active(&sockets)), ([5, 6, 7].as_slice(), 1));
}

#[test]
fn a_clock_that_ends_a_silence_teaches_nothing() {
    let requested: Vec<_> = (100..1_100).map(reading).chain([after(100_000_000)]).collect();
    let (mut model, mut poller) = (Model { nonblocking: true, ..Model::default() }, Poller::new());
    let speak = |model: &mut Model, poller: &mut Poller, fd: u32, at: u64| {
        model.readable.insert(fd, model.now + at);
        while model.readable.contains_key(&fd) {
            for event in model.wait(poller, &requested, Trigger::Edge) {
                model.readable.remove(&(event.userdata as u32));
            }
        }
    };
    // The second input comes from an active descriptor, after a silence.
    speak(&mut model, &mut poller, 100, 50_000_000);
    speak(&mut model, &mut poller, 100, 50_000_000);
    let learned = poller.scheduler.quiet_factor();
    for _ in 0..5 {
        model.wait(&mut poller, &requested, Trigger::Edge);
    }
    assert_eq!(poller.scheduler.quiet_factor(), learned);
    speak(&mut model, &mut poller, 900, 50_000_000);
    assert!(poller.scheduler.quiet_factor() < learned, "an idle descriptor has ended a silence");
}
