//! Waits on a model of the runtime: whatever becomes ready is reported, and in time.
#![expect(clippy::indexing_slicing, clippy::expect_used, reason = "a test may end")]

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::wasi_poll::{EVENTTYPE_CLOCK, EVENTTYPE_FD_READ};

#[path = "rounds_model.rs"]
mod model;

use model::Model;

/// A subscription with the descriptor's number for user data.
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

/// A generator of numbers, the same ones for the same seed.
fn numbers(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |bound| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % bound
    }
}

/// The longest that anything may wait to be reported: its slice comes within a round, a wait that has begun goes on for a step, and one that
/// asks about everything takes its time.
fn bound(count: u32) -> u64 {
    crate::choice::round(2 * count as usize) + 5_000_000 + 3 * (1_000 + 600 * u64::from(count))
}

/// Random traffic on some descriptors of many, the same for the same seed.
struct Traffic {
    seed: u64,
    model: Model,
    fds: Vec<u32>,
    busy: usize,
    pace: u64,
    with_clock: bool,
    with_writers: bool,
}

impl Traffic {
    fn of(seed: u64, number: &mut impl FnMut(u64) -> u64) -> Self {
        let count = 2 + number(400) as u32;
        let fds: Vec<u32> = (0..count).map(|_| number(1 << 31) as u32).collect::<BTreeSet<_>>().into_iter().collect();
        let writable = fds.iter().copied().filter(|fd| fd % 14 == 0).collect();
        let listeners = fds.iter().copied().filter(|fd| fd % 7 == 0 && fd % 14 != 0).take(1).collect();
        Self {
            seed,
            model: Model { now: 1, looks: number(2) == 0, writable, listeners, ..Model::default() },
            busy: 1 + number(4) as usize,
            pace: [30_000, 3_000_000, 60_000_000][number(3) as usize],
            with_clock: number(2) == 0,
            with_writers: number(2) == 0,
            fds,
        }
    }

    /// A message is on its way to one of the busy, and often one to anybody; now and then a signal comes.
    fn stir(&mut self, number: &mut impl FnMut(u64) -> u64) {
        let somebody = if number(4) == 0 { Some(self.fds.len()) } else { None };
        for among in [Some(self.busy), somebody].into_iter().flatten() {
            let chosen = self.fds[number(among as u64) as usize % self.fds.len()];
            let when = self.model.now + number(self.pace);
            self.model.readable.entry(chosen).or_insert(when);
        }
        self.model.signals = if number(20) == 0 { 1 + number(3) as u32 } else { 0 };
    }

    fn subscriptions(&self) -> Vec<Subscription> {
        let mut asked: Vec<Subscription> = self.fds.iter().map(|fd| reading(*fd)).collect();
        asked.extend(self.fds.iter().filter(|fd| self.with_writers && **fd % 7 == 0).map(|fd| writing(*fd)));
        if self.with_clock {
            asked.push(after(20_000_000));
        }
        asked
    }

    /// Takes what was reported, and checks that it was due; gives how long the oldest waited.
    fn take(&mut self, rounds: &mut Rounds, events: &[Event], began: u64) -> u64 {
        let mut longest = 0;
        for event in events {
            assert_ne!(event.error, errno::INTR);
            if event.type_ == EVENTTYPE_CLOCK {
                assert!(self.model.now >= began + 20_000_000, "seed {}: the clock went off early", self.seed);
            } else if event.type_ == EVENTTYPE_FD_READ {
                let fd = event.userdata as u32;
                let came = self.model.readable.remove(&fd).expect("something was to be read");
                assert!(came <= self.model.now, "seed {}: reported before it came", self.seed);
                longest = longest.max(self.model.now - came);
                rounds.active(fd);
            } else {
                assert!(self.model.writable.contains(&(event.userdata as u32)), "seed {}: not writable", self.seed);
            }
        }
        longest
    }

    /// The longest that something waits that was not reported, readers and writers.
    fn unreported(&self) -> u64 {
        let now = self.model.now;
        let readers = self.model.readable.values().filter(|when| **when <= now).map(|when| now - when);
        let writers = self.model.writable.iter().filter(|fd| self.with_writers && !self.model.told.contains(fd));
        readers.chain(writers.map(|_| now)).max().unwrap_or_default()
    }
}

/// Serves random traffic for a second and more of the model's time; gives the longest that anything waited, reported or not, and what it may.
fn run(seed: u64) -> (u64, u64) {
    let mut number = numbers(seed + 1);
    let mut traffic = Traffic::of(seed, &mut number);
    let subscriptions = traffic.subscriptions();
    let (mut rounds, mut longest, mut waits) = (Rounds::new(), 0, 0);
    while traffic.model.now < 200_000_000 || waits < 300 {
        traffic.stir(&mut number);
        let began = traffic.model.now;
        let events = rounds.wait(&mut traffic.model, &subscriptions, true).to_vec();
        longest = longest.max(traffic.take(&mut rounds, &events, began)).max(traffic.unreported());
        waits += 1;
    }
    (longest, bound(traffic.fds.len() as u32))
}

#[test]
fn whatever_becomes_ready_is_reported_soon_with_signals_clocks_and_writers_in_between() {
    let runs = if cfg!(target_os = "wasi") { 3 } else { 60 };
    for seed in 0..runs {
        let (longest, bound) = run(seed);
        assert!(longest < bound, "seed {seed}: something waited {longest} ns, which may take {bound}");
    }
}

/// Descriptors that never have anything, so many that a wait is never answered without asking.
fn others() -> impl Iterator<Item = Subscription> {
    (100..100 + FEW as u32).map(reading)
}

#[test]
fn known_readiness_to_write_is_no_reason_to_return_but_is_not_kept_back() {
    let mut model = Model { now: 1, ..Model::default() };
    model.writable.insert(4);
    let asked: Vec<Subscription> = others().chain([reading(4), writing(4)]).collect();
    let mut rounds = Rounds::new();
    assert_eq!(rounds.wait(&mut model, &asked, true).len(), 1, "at first it is news");
    model.readable.insert(4, model.now + 3_000_000);
    let began = model.now;
    assert_eq!(rounds.wait(&mut model, &asked, true).len(), 2, "then it comes with other news");
    assert!(model.now - began >= 3_000_000);
    model.readable.clear();
    let began = model.now;
    assert_eq!(rounds.wait(&mut model, &asked, true).len(), 1, "and by itself after a while");
    assert!(model.now - began >= PATIENCE && model.now - began < PATIENCE + 1_000_000);
    let began = model.now;
    assert_eq!(rounds.wait(&mut model, &[writing(4)], false).len(), 1, "who wants levels gets it at once");
    assert!(model.now - began < 1_000_000);
}

#[test]
fn of_few_known_readiness_is_reported_twice_without_asking_and_then_is_no_reason_to_return() {
    let mut model = Model { now: 1, ..Model::default() };
    model.writable.insert(4);
    let mut rounds = Rounds::new();
    rounds.wait(&mut model, &[reading(4), writing(4)], true);
    for _ in 0..5 {
        for _ in 0..AT_ONCE {
            let (began, calls) = (model.now, model.calls);
            assert_eq!(rounds.wait(&mut model, &[reading(4), writing(4)], true).len(), 1);
            assert_eq!((model.now, model.calls), (began, calls), "nothing is asked and no time passes");
        }
        let began = model.now;
        model.readable.insert(4, began + 3_000_000);
        assert_eq!(rounds.wait(&mut model, &[reading(4), writing(4)], true).len(), 2, "the third asks, and waits");
        assert!(model.now - began >= 3_000_000);
        model.readable.clear();
    }
}

#[test]
fn with_a_clock_of_the_callers_known_readiness_is_no_reason_to_return_even_of_few() {
    let mut model = Model { now: 1, ..Model::default() };
    model.writable.insert(4);
    let asked = [reading(4), writing(4), after(60_000_000_000)];
    let mut rounds = Rounds::new();
    rounds.wait(&mut model, &asked, true);
    model.readable.insert(4, model.now + 3_000_000);
    let began = model.now;
    assert_eq!(rounds.wait(&mut model, &asked, true).len(), 2);
    assert!(model.now - began >= 3_000_000);
}

#[test]
fn a_half_closed_writer_does_not_make_the_wait_spin() {
    let mut model = Model { now: 1, ..Model::default() };
    model.half_closed.insert(4);
    model.readable.insert(5, 50_000_000);
    let events = Rounds::new().wait(&mut model, &[writing(4), reading(5)], true).to_vec();
    assert_eq!(events.iter().map(|event| event.userdata).collect::<Vec<_>>(), [5]);
    assert!(model.calls < 60, "{} calls in 50 ms", model.calls);
}

#[test]
fn no_subscriptions_are_no_call() {
    let mut model = Model::default();
    assert!(Rounds::new().wait(&mut model, &[], true).is_empty());
    assert_eq!(model.calls, 0);
}

#[test]
fn half_closed_writers_among_many_are_asked_about_again_after_two_milliseconds() {
    let mut model = Model { now: 1, ..Model::default() };
    model.half_closed.insert(4);
    let asked: Vec<Subscription> = (100..3_100).map(reading).chain([writing(4), writing(5)]).collect();
    let mut rounds = Rounds::new();
    for _ in 0..100 {
        // So that there are more than it asks about: a busy one.
        model.readable.insert(100, model.now);
        assert_eq!(rounds.wait(&mut model, &asked, true).len(), 1);
        model.readable.clear();
        rounds.active(100);
    }
    let began = model.now;
    model.readable.insert(100, began + 50_000_000);
    model.writable_later = Some((5, began + 100_000));
    let events = rounds.wait(&mut model, &asked, true).to_vec();
    assert_eq!(events.iter().map(|event| event.userdata).collect::<Vec<_>>(), [5]);
    assert!(model.now - began < ASIDE + 1_000_000, "it came after {} ns", model.now - began);
}

#[test]
fn a_listener_asked_about_writing_alone_is_never_an_empty_call() {
    let mut model = Model { now: 1, last: Some(10), ..Model::default() };
    model.listeners.insert(4);
    // The model panics at an empty list, and fails after ten calls.
    assert!(Rounds::new().wait(&mut model, &[writing(4)], true).is_empty());
    assert!(model.now >= LONG, "it was asked again after {} ns", model.now);
}

#[test]
fn what_the_runtime_cannot_wait_for_ends_the_wait_with_its_error() {
    for edges in [true, false] {
        let mut model = Model { now: 1, ..Model::default() };
        model.settled.insert(4, errno::BADF);
        model.readable.insert(5, 1);
        let events = Rounds::new().wait(&mut model, &[reading(4), reading(5)], edges).to_vec();
        let errors: Vec<_> = events.iter().map(|event| (event.userdata, event.error)).collect();
        assert_eq!(errors, [(5, errno::SUCCESS), (4, errno::BADF)], "what is ready comes along");
        let events = Rounds::new().wait(&mut model, &[reading(4)], edges).to_vec();
        assert_eq!(events.len(), 1, "alone too");
    }
}

#[test]
fn an_error_without_an_event_is_reported_and_does_not_spin() {
    let mut model = Model { now: 1, ..Model::default() };
    model.failed.insert(4);
    let events = Rounds::new().wait(&mut model, &[reading(4), reading(5), after(1_000_000)], false).to_vec();
    assert_eq!(events.iter().map(|event| event.userdata).collect::<Vec<_>>(), [4]);
    assert!(model.calls <= 3, "{} calls", model.calls);
}

#[test]
fn who_polls_plainly_is_told_all_each_time_however_many() {
    let mut model = Model { now: 1, ..Model::default() };
    let asked: Vec<Subscription> = (100..600).map(reading).collect();
    let mut rounds = Rounds::new();
    for fd in (100..600).step_by(7) {
        model.readable = BTreeMap::from([(100, 0), (fd, 0)]);
        let events = rounds.wait(&mut model, &asked, false).to_vec();
        assert_eq!(events.len(), model.readable.len());
    }
}
