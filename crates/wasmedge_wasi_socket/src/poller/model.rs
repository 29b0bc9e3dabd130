//! A model of the runtime, for the tests of the poller.
#![expect(clippy::panic, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use super::backend::{PollBackend, drive};
use super::{Poller, ProbeKind, Trigger};
use crate::fd_table::FdTable;
use crate::sys::errno;
use crate::sys::poll_types::{EVENTTYPE_FD_READ, EVENTTYPE_FD_WRITE, Event, Subscription};

/// A runtime that behaves like WasmEdge after a signal: the same descriptors fail with `EXIST` until a poll has ended.
pub(super) struct Model {
    pub(super) now: u64,
    /// When each descriptor has input.
    pub(super) readable: BTreeMap<u32, u64>,
    /// The descriptors that are writable.
    pub(super) writable: BTreeSet<u32>,
    /// A descriptor that becomes writable, and when.
    pub(super) writable_later: Option<(u32, u64)>,
    /// Half-closed: a poll for writing only ends at once, without an event.
    pub(super) half_closed: BTreeSet<u32>,
    /// Listeners, which are never writable.
    pub(super) listeners: BTreeSet<u32>,
    /// Closed descriptors and files: the runtime would mark their events and keep waiting.
    pub(super) immediate_results: BTreeMap<u32, u16>,
    /// Sockets with a pending error only: each poll for reading ends at once, without an event.
    pub(super) failed: BTreeSet<u32>,
    /// Whether the sockets are non-blocking.
    pub(super) nonblocking: bool,
    /// The number of signals to come, one per poll.
    pub(super) signals: u32,
    /// The registrations that remain in the runtime after a signal.
    pub(super) stale: Vec<(u32, u8)>,
    /// The number of polls so far.
    pub(super) polls: u32,
    /// The number of peeks so far.
    pub(super) peeks: u32,
    /// The number of polls before one fails.
    pub(super) max_polls: Option<u32>,
    /// What the process knows of its sockets.
    pub(super) table: FdTable,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            now: 1,
            readable: BTreeMap::new(),
            writable: BTreeSet::new(),
            writable_later: None,
            half_closed: BTreeSet::new(),
            listeners: BTreeSet::new(),
            immediate_results: BTreeMap::new(),
            failed: BTreeSet::new(),
            nonblocking: false,
            signals: 0,
            stale: Vec::new(),
            polls: 0,
            peeks: 0,
            max_polls: None,
            table: FdTable::new(),
        }
    }
}

impl Model {
    /// Waits for these subscriptions. Their descriptors are sockets of this crate, unless they have an immediate
    /// result.
    pub(super) fn wait(&mut self, poller: &mut Poller, requested: &[Subscription], trigger: Trigger) -> Vec<Event> {
        let mut table = std::mem::replace(&mut self.table, FdTable::new());
        for fd in requested.iter().filter_map(Subscription::fd) {
            if table.pending_error(fd).is_none() && !self.immediate_results.contains_key(&fd) {
                table.opened(fd);
                table.set_nonblocking(fd, self.nonblocking);
                if self.listeners.contains(&fd) {
                    table.listening(fd);
                }
            }
        }
        let events = drive(self, poller, &mut table, (requested, trigger), <[Event]>::to_vec);
        self.table = table;
        events
    }

    fn is_readable(&self, fd: u32) -> bool {
        self.readable.get(&fd).is_some_and(|when| *when <= self.now)
    }

    fn is_writable(&self, fd: u32) -> bool {
        self.writable.contains(&fd) || self.writable_later.is_some_and(|(of, when)| of == fd && when <= self.now)
    }

    /// When a poll returns at the latest.
    fn next_event(&self, polled: &[Subscription]) -> Option<u64> {
        polled
            .iter()
            .filter_map(|one| match (one.clock(), one.fd()) {
                (Some(clock), _) => Some(self.now + clock.timeout),
                (_, Some(fd)) if one.u.tag == EVENTTYPE_FD_READ => self.readable.get(&fd).copied(),
                (_, Some(fd)) => self.writable_later.filter(|(of, _)| *of == fd).map(|(_, when)| when),
                _ => None,
            })
            .min()
    }

    /// The events at this time.
    fn ready(&self, polled: &[Subscription], began: u64) -> Vec<Event> {
        let is_ready = |one: &&Subscription| match (one.clock(), one.fd()) {
            (Some(clock), _) => began + clock.timeout <= self.now,
            (_, Some(fd)) if one.u.tag == EVENTTYPE_FD_READ => self.is_readable(fd),
            (_, Some(fd)) => self.is_writable(fd),
            _ => false,
        };
        let event = |one: &Subscription| Event { userdata: one.userdata, type_: one.u.tag, ..Event::default() };
        polled.iter().filter(is_ready).map(event).collect()
    }

    /// Whether a half-closed or failed descriptor ends the poll without an event.
    fn ends_without_event(&self, polled: &[Subscription]) -> bool {
        let reads: BTreeSet<_> =
            polled.iter().filter(|one| one.u.tag == EVENTTYPE_FD_READ).filter_map(Subscription::fd).collect();
        let mut writes = polled.iter().filter_map(|one| (one.u.tag == EVENTTYPE_FD_WRITE).then(|| one.fd()).flatten());
        writes.any(|fd| self.half_closed.contains(&fd) && !reads.contains(&fd))
            || reads.iter().any(|fd| self.failed.contains(fd))
    }

    /// A signal interrupts the poll: every subscription fails, and the registrations remain.
    fn interrupt(&mut self, polled: &[Subscription], registrations: Vec<(u32, u8)>, events: &mut [Event]) -> usize {
        self.signals -= 1;
        self.stale = registrations;
        for (event, one) in events.iter_mut().zip(polled) {
            *event = Event { userdata: one.userdata, error: errno::INTR, type_: one.u.tag, ..Event::default() };
        }
        polled.len()
    }

    /// Waits for the first events, and takes the time that a poll takes.
    fn wait_for_events(&mut self, polled: &[Subscription]) -> Vec<Event> {
        let began = self.now;
        let mut ready = self.ready(polled, began);
        if ready.is_empty() && !self.ends_without_event(polled) {
            let Some(next) = self.next_event(polled) else { panic!("a poll of {} that never ends", polled.len()) };
            self.now = self.now.max(next);
            ready = self.ready(polled, began);
        }
        self.now += 1_000 + 300 * polled.len() as u64;
        ready
    }
}

impl PollBackend for Model {
    fn now(&self) -> u64 {
        self.now
    }

    fn poll(&mut self, polled: &[Subscription], events: &mut [Event]) -> Option<usize> {
        assert!(!polled.is_empty(), "an empty list would break the real poller");
        assert!(polled.len() <= events.len());
        let is_immediate = |one: &Subscription| one.fd().is_some_and(|fd| self.immediate_results.contains_key(&fd));
        assert!(!polled.iter().any(is_immediate), "a descriptor that cannot be polled was polled");
        self.polls += 1;
        assert!(self.polls < 1_000_000, "it never ends");
        if self.max_polls.is_some_and(|max| self.polls > max) {
            return None;
        }
        let registrations: Vec<_> = polled.iter().filter_map(|one| one.fd().map(|fd| (fd, one.u.tag))).collect();
        if self.signals > 0 {
            return Some(self.interrupt(polled, registrations, events));
        }
        let stale = std::mem::take(&mut self.stale);
        assert!(stale.is_empty() || stale == registrations, "after a signal another list was polled: events are lost");
        let mut reported = self.wait_for_events(polled);
        if !stale.is_empty() {
            let is_ready = |one: &&Subscription| reported.iter().any(|event| event.userdata == one.userdata);
            let event = |one: &Subscription| Event {
                userdata: one.userdata,
                error: errno::EXIST,
                type_: one.u.tag,
                ..Event::default()
            };
            let failed: Vec<Event> =
                polled.iter().filter(|one| one.fd().is_some() && !is_ready(one)).map(event).collect();
            reported.extend(failed);
        }
        for (event, reported) in events.iter_mut().zip(&reported) {
            *event = *reported;
        }
        Some(reported.len())
    }

    fn probe(&mut self, fd: u32, kind: ProbeKind, table: &mut FdTable) -> Option<u16> {
        match kind {
            ProbeKind::Pollable => self.immediate_results.get(&fd).copied(),
            ProbeKind::Input => {
                assert!(table.can_peek(fd), "a peek that may block");
                self.peeks += 1;
                self.now += 400;
                self.is_readable(fd).then_some(errno::SUCCESS)
            }
            ProbeKind::Error => self.failed.contains(&fd).then_some(errno::SUCCESS),
        }
    }
}
