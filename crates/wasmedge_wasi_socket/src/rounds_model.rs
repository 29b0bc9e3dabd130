//! A model of the runtime, for the tests of the waits.
#![expect(clippy::panic, reason = "a test may end")]

use std::collections::{BTreeMap, BTreeSet};

use crate::errno;
use crate::rounds::{Ground, Writing};
use crate::wasi_poll::{EVENTTYPE_FD_READ, EVENTTYPE_FD_WRITE, Event, Subscription};

/// A runtime with one poller, which after a signal answers as WasmEdge's does: the same descriptors fail with `EXIST` until a wait has ended.
#[derive(Default)]
pub(super) struct Model {
    pub(super) now: u64,
    /// When each descriptor has something to be read.
    pub(super) readable: BTreeMap<u32, u64>,
    /// The descriptors that are writable.
    pub(super) writable: BTreeSet<u32>,
    /// One that becomes writable, and when.
    pub(super) writable_later: Option<(u32, u64)>,
    /// Half-closed: the wait ends at once, without an event, when only writing is waited for.
    pub(super) half_closed: BTreeSet<u32>,
    /// Listeners, which are never writable.
    pub(super) listeners: BTreeSet<u32>,
    /// Closed, or files: the runtime would mark their events and wait on.
    pub(super) settled: BTreeMap<u32, u16>,
    /// With an error pending and nothing else: each wait for reading ends at once, without an event.
    pub(super) failed: BTreeSet<u32>,
    /// What the edges know.
    pub(super) told: BTreeSet<u32>,
    /// Whether a descriptor may be looked at.
    pub(super) looks: bool,
    /// Signals that are still to come, one a call.
    pub(super) signals: u32,
    /// The poller's notes after a signal.
    pub(super) left: Vec<(u32, u8)>,
    pub(super) calls: u32,
    /// The calls that are made before one fails.
    pub(super) last: Option<u32>,
}

impl Model {
    fn is_readable(&self, fd: u32) -> bool {
        self.readable.get(&fd).is_some_and(|when| *when <= self.now)
    }

    fn is_writable(&self, fd: u32) -> bool {
        self.writable.contains(&fd) || self.writable_later.is_some_and(|(of, when)| of == fd && when <= self.now)
    }

    /// The moment at which a call returns at the latest.
    fn next_moment(&self, asked: &[Subscription]) -> Option<u64> {
        asked
            .iter()
            .filter_map(|one| match (one.clock(), one.fd()) {
                (Some(clock), _) => Some(self.now + clock.timeout),
                (_, Some(fd)) if one.u.tag == EVENTTYPE_FD_READ => self.readable.get(&fd).copied(),
                (_, Some(fd)) => self.writable_later.filter(|(of, _)| *of == fd).map(|(_, when)| when),
                _ => None,
            })
            .min()
    }

    /// The events of now.
    fn ready(&self, asked: &[Subscription], began: u64) -> Vec<Event> {
        let happened = |one: &&Subscription| match (one.clock(), one.fd()) {
            (Some(clock), _) => began + clock.timeout <= self.now,
            (_, Some(fd)) if one.u.tag == EVENTTYPE_FD_READ => self.is_readable(fd),
            (_, Some(fd)) => self.is_writable(fd),
            _ => false,
        };
        let event = |one: &Subscription| Event { userdata: one.userdata, type_: one.u.tag, ..Event::default() };
        asked.iter().filter(happened).map(event).collect()
    }

    /// Whether a half-closed descriptor ends the call without an event.
    fn ends_empty(&self, asked: &[Subscription]) -> bool {
        let reads: BTreeSet<_> =
            asked.iter().filter(|one| one.u.tag == EVENTTYPE_FD_READ).filter_map(Subscription::fd).collect();
        let mut writes = asked.iter().filter_map(|one| (one.u.tag == EVENTTYPE_FD_WRITE).then(|| one.fd()).flatten());
        writes.any(|fd| self.half_closed.contains(&fd) && !reads.contains(&fd))
            || reads.iter().any(|fd| self.failed.contains(fd))
    }
}

impl Ground for Model {
    fn now(&self) -> u64 {
        self.now
    }

    fn poll(&mut self, asked: &[Subscription], events: &mut [Event]) -> Option<usize> {
        assert!(!asked.is_empty(), "an empty list would break the real poller");
        assert!(asked.len() <= events.len());
        assert!(
            !asked.iter().any(|one| one.fd().is_some_and(|fd| self.settled.contains_key(&fd))),
            "asked for nothing"
        );
        self.calls += 1;
        assert!(self.calls < 1_000_000, "it never ends");
        if self.last.is_some_and(|last| self.calls > last) {
            return None;
        }
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
        match fd {
            fd if self.listeners.contains(&fd) => Writing::Never,
            fd if self.told.contains(&fd) => Writing::Ready,
            _ => Writing::Unknown,
        }
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

    fn settled(&self, fd: u32) -> Option<u16> {
        self.settled.get(&fd).copied()
    }

    fn has_failed(&self, fd: u32) -> bool {
        self.failed.contains(&fd)
    }
}
