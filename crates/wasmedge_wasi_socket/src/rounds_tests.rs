//! Waits on a model of the runtime: whatever becomes ready is reported, and in time.
#![expect(clippy::indexing_slicing, clippy::panic, clippy::expect_used, reason = "a test may end")]

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::wasi_poll::{EVENTTYPE_CLOCK, EVENTTYPE_FD_READ};

/// A runtime with one poller, which after a signal answers as WasmEdge's does: the same descriptors fail with `EXIST` until a wait has ended.
#[derive(Default)]
struct Model {
    now: u64,
    /// When each descriptor has something to be read.
    readable: BTreeMap<u32, u64>,
    /// The descriptors that are writable.
    writable: BTreeSet<u32>,
    /// Half-closed: the wait ends at once, without an event, when only writing is waited for.
    half_closed: BTreeSet<u32>,
    /// What the edges know.
    told: BTreeSet<u32>,
    /// Whether a descriptor may be looked at.
    looks: bool,
    /// Signals that are still to come, one a call.
    signals: u32,
    /// The poller's notes after a signal.
    left: Vec<(u32, u8)>,
    calls: u32,
}

impl Model {
    fn is_readable(&self, fd: u32) -> bool {
        self.readable.get(&fd).is_some_and(|when| *when <= self.now)
    }

    /// The moment at which a call returns at the latest.
    fn next_moment(&self, asked: &[Subscription]) -> Option<u64> {
        asked
            .iter()
            .filter_map(|one| match (one.clock(), one.fd()) {
                (Some(clock), _) => Some(self.now + clock.timeout),
                (_, Some(fd)) if one.u.tag == EVENTTYPE_FD_READ => self.readable.get(&fd).copied(),
                _ => None,
            })
            .min()
    }

    /// The events of now.
    fn ready(&self, asked: &[Subscription], began: u64) -> Vec<Event> {
        let happened = |one: &&Subscription| match (one.clock(), one.fd()) {
            (Some(clock), _) => began + clock.timeout <= self.now,
            (_, Some(fd)) if one.u.tag == EVENTTYPE_FD_READ => self.is_readable(fd),
            (_, Some(fd)) => self.writable.contains(&fd),
            _ => false,
        };
        let event = |one: &Subscription| Event { userdata: one.userdata, type_: one.u.tag, ..Event::default() };
        asked.iter().filter(happened).map(event).collect()
    }

    /// Whether a half-closed descriptor ends the call without an event.
    fn ends_empty(&self, asked: &[Subscription]) -> bool {
        let reads: BTreeSet<_> =
            asked.iter().filter(|one| one.u.tag == EVENTTYPE_FD_READ).filter_map(Subscription::fd).collect();
        asked
            .iter()
            .filter_map(|one| (one.u.tag == EVENTTYPE_FD_WRITE).then(|| one.fd()).flatten())
            .any(|fd| self.half_closed.contains(&fd) && !reads.contains(&fd))
    }
}

impl Ground for Model {
    fn now(&self) -> u64 {
        self.now
    }

    fn poll(&mut self, asked: &[Subscription], events: &mut [Event]) -> Option<usize> {
        assert!(!asked.is_empty(), "an empty list would break the real poller");
        assert!(asked.len() <= events.len());
        self.calls += 1;
        assert!(self.calls < 1_000_000, "it never ends");
        let noted: Vec<(u32, u8)> = asked.iter().filter_map(|one| one.fd().map(|fd| (fd, one.u.tag))).collect();
        if self.signals > 0 {
            self.signals -= 1;
            self.left = noted;
            for (event, one) in events.iter_mut().zip(asked) {
                *event = Event { userdata: one.userdata, error: errno::INTR, type_: one.u.tag, ..Event::default() };
            }
            return Some(asked.len());
        }
        let left = std::mem::take(&mut self.left);
        assert!(left.is_empty() || left == noted, "after a signal another list was asked: its events go astray");
        let began = self.now;
        let mut ready = self.ready(asked, began);
        if ready.is_empty() && !self.ends_empty(asked) {
            let Some(moment) = self.next_moment(asked) else { panic!("a wait that never ends: {} asked", asked.len()) };
            self.now = self.now.max(moment);
            ready = self.ready(asked, began);
        }
        self.now += 1_000 + 300 * asked.len() as u64;
        let is_ready = |one: &Subscription| ready.iter().any(|event| event.userdata == one.userdata);
        let stale = asked.iter().filter(|one| !left.is_empty() && one.fd().is_some() && !is_ready(one));
        let stale: Vec<Event> = stale
            .map(|one| Event { userdata: one.userdata, error: errno::EXIST, type_: one.u.tag, ..Event::default() })
            .collect();
        ready.extend(stale);
        for (event, happened) in events.iter_mut().zip(&ready) {
            *event = *happened;
        }
        Some(ready.len())
    }

    fn writing(&self, fd: u32) -> Writing {
        if self.told.contains(&fd) { Writing::Ready } else { Writing::Unknown }
    }

    fn told(&mut self, fd: u32) {
        self.told.insert(fd);
    }

    fn can_be_looked_at(&self, _: u32) -> bool {
        self.looks
    }

    fn has_something(&self, fd: u32) -> bool {
        self.is_readable(fd)
    }
}

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

/// Serves random traffic and checks that every message is reported in time; gives the longest that one waited.
fn run(seed: u64) -> u64 {
    let mut number = numbers(seed + 1);
    let count = 2 + number(400) as u32;
    let mut model = Model { now: 1, looks: number(2) == 0, ..Model::default() };
    let fds: Vec<u32> = (0..count).map(|_| number(1 << 31) as u32).collect::<BTreeSet<_>>().into_iter().collect();
    let busy = 1 + number(4) as usize;
    let pace = [30_000, 3_000_000, 60_000_000][number(3) as usize];
    let (with_clock, with_writers) = (number(2) == 0, number(2) == 0);
    let (mut rounds, mut longest) = (Rounds::new(), 0);
    for _ in 0..300 {
        let chosen = if number(4) > 0 {
            fds[number(busy as u64) as usize % fds.len()]
        } else {
            fds[number(fds.len() as u64) as usize]
        };
        let when = model.now + number(pace);
        model.readable.entry(chosen).or_insert(when);
        model.signals = if number(20) == 0 { 1 + number(3) as u32 } else { 0 };
        let mut asked: Vec<Subscription> = fds.iter().map(|fd| reading(*fd)).collect();
        asked.extend(fds.iter().filter(|fd| with_writers && **fd % 7 == 0).map(|fd| writing(*fd)));
        model.writable = fds.iter().copied().filter(|fd| fd % 14 == 0).collect();
        if with_clock {
            asked.push(after(20_000_000));
        }
        let began = model.now;
        let events = rounds.wait(&mut model, &asked, true).to_vec();
        for event in events {
            assert_ne!(event.error, errno::INTR);
            if event.type_ == EVENTTYPE_CLOCK {
                assert!(model.now >= began + 20_000_000, "seed {seed}: the clock went off early");
            } else if event.type_ == EVENTTYPE_FD_READ {
                let came = model.readable.remove(&(event.userdata as u32)).expect("something was to be read");
                assert!(came <= model.now, "seed {seed}: reported before it came");
                longest = longest.max(model.now - came);
                rounds.active(event.userdata as u32);
            }
        }
    }
    longest
}

#[test]
fn whatever_becomes_ready_is_reported_soon_with_signals_clocks_and_writers_in_between() {
    let runs = if cfg!(target_os = "wasi") { 3 } else { 60 };
    for seed in 0..runs {
        let longest = run(seed);
        assert!(longest < 60_000_000, "seed {seed}: something waited {longest} ns");
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
