//! One wait, as the rounds that it takes: what each asks the runtime, and what follows from the answer.
//!
//! The runtime is a trait here, so that the tests can put a model in its place.

use crate::choice::{Ask, Choice, FEW, Want};
use crate::errno;
use crate::wasi_poll::{
    CLOCKID_MONOTONIC, EVENTTYPE_FD_WRITE, Event, EventFdReadwrite, Subscription, SubscriptionClock,
};

/// How long readiness to write that its owner knows of may wait for company.
const PATIENCE: u64 = 10_000_000;

/// How often in a row a wait reports such readiness at once, without asking the runtime: mio_wasi asks twice after each read and write and is
/// content then, and two more turns of its loop cost less than the clock that would bound a wait.
const AT_ONCE: u8 = 2;

/// How long writers are left out when one of them ends every wait without an event.
const ASIDE: u64 = 2_000_000;

/// The longest wait of one call that nothing else bounds, and that asks about nothing: the runtime must not be asked about nothing at all.
const LONG: u64 = 3_600_000_000_000;

/// The user data of this module's own clock; all others are places in the caller's list.
const OWN: u64 = u64::MAX;

/// What is known of a socket's readiness to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Writing {
    /// Only the kernel knows.
    #[default]
    Unknown,
    /// It is writable, and its owner was told.
    Ready,
    /// It listens: there is nothing to be written, ever.
    #[cfg_attr(not(any(target_os = "wasi", test)), expect(dead_code, reason = "sockets are the runtime's"))]
    Never,
}

/// What is under a wait.
pub(crate) trait Ground {
    /// Nanoseconds of a clock that nobody sets.
    fn now(&self) -> u64;
    /// One call of the runtime: fills `events` and says how many there are; `None` when it could not be made.
    fn poll(&mut self, asked: &[Subscription], events: &mut [Event]) -> Option<usize>;
    /// What is known of a socket's readiness to write.
    fn writing(&self, fd: u32) -> Writing;
    /// Notes that its owner is told that a socket is writable.
    fn told(&mut self, fd: u32);
    /// Whether a socket can be looked at without waiting.
    fn can_be_looked_at(&self, fd: u32) -> bool;
    /// Whether such a socket has something to be read.
    fn has_something(&self, fd: u32) -> bool;
    /// The outcome of a wait for a descriptor that the runtime need not be asked about, or must not: an error that was met is kept for its owner, or
    /// it cannot be waited for. Asked about the latter the runtime would note that and wait for the others all the same.
    fn settled(&self, fd: u32) -> Option<u16>;
    /// Whether an error is pending on a descriptor; its owner gets it from the next call.
    fn has_failed(&self, fd: u32) -> bool;
}

/// Room and knowledge that are kept from one wait to the next.
pub(crate) struct Rounds {
    choice: Choice,
    /// What the runtime is asked.
    asked: Vec<Subscription>,
    /// What it answers.
    events: Vec<Event>,
    /// The places of subscriptions that were left out because their answer is known.
    known: Vec<usize>,
    /// The places of subscriptions whose outcome is settled, and the error.
    settled: Vec<(usize, u16)>,
    /// How many waits in a row have reported what was known and asked nothing.
    unasked: u8,
}

/// What a call leaves out.
#[derive(Clone, Copy)]
struct Without {
    /// Readiness to write that is known.
    known: bool,
    /// Descriptors that the choice does not want now.
    unwanted: bool,
    /// All writers.
    writers: bool,
}

/// How a call ended, beside its events.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// With our own clock among the events.
    InTime,
    /// Without it.
    Early,
    /// It did not take place: no memory for the list.
    Failed,
}

impl Rounds {
    /// Nothing is known yet.
    pub(crate) const fn new() -> Self {
        Self {
            choice: Choice::new(),
            asked: Vec::new(),
            events: Vec::new(),
            known: Vec::new(),
            settled: Vec::new(),
            unasked: 0,
        }
    }

    /// Notes that a descriptor is active.
    pub(crate) fn active(&mut self, fd: u32) {
        self.choice.active(fd);
    }

    /// Waits until something has happened, and gives the events, with the user data of their subscriptions.
    ///
    /// `edges` says that the caller has kept what it was told of readiness to write, so that only news is a reason to return at once, and that it
    /// waits over and over, so that not everything need be asked about each time.
    pub(crate) fn wait<G: Ground>(&mut self, ground: &mut G, subscriptions: &[Subscription], edges: bool) -> &[Event] {
        self.events.clear();
        if subscriptions.is_empty() {
            return &self.events;
        }
        let count = subscriptions.len();
        let began = ground.now();
        let ask = if edges { self.choice.begin(count, began) } else { Ask::All };
        let all = self.until_something(ground, subscriptions, edges, ask, began);
        if edges {
            self.choice.end(all, count, began, ground.now());
        }
        self.note(ground, subscriptions);
        self.add_known(ground, subscriptions);
        self.add_settled(subscriptions);
        for event in &mut self.events {
            event.userdata = subscriptions.get(event.userdata as usize).map_or(event.userdata, |one| one.userdata);
        }
        &self.events
    }

    /// Asks until there is an event or it is time to report what is known; says whether everything was asked about.
    fn until_something<G: Ground>(
        &mut self,
        ground: &mut G,
        subscriptions: &[Subscription],
        edges: bool,
        mut ask: Ask,
        began: u64,
    ) -> bool {
        let mut without = Without { known: edges, unwanted: ask != Ask::All, writers: false };
        let mut passed = 0;
        loop {
            let unwanted = self.choose(ground, subscriptions, without, passed);
            if passed == 0 && self.need_not_ask(subscriptions) {
                return false;
            }
            let mut limit = u64::MAX;
            // Nothing left out is everything asked about, whatever was planned.
            without.unwanted &= unwanted > 0;
            if let (Ask::Some { step }, true) = (ask, without.unwanted) {
                limit = step;
            }
            if without.writers {
                limit = limit.min(ASIDE);
            }
            if !self.known.is_empty() {
                limit = limit.min(PATIENCE.saturating_sub(passed));
            }
            if !self.settled.is_empty() {
                limit = 0;
            }
            if self.asked.is_empty() {
                limit = limit.min(LONG);
            }
            self.bound(limit);
            let end = self.ask(ground);
            if !self.events.is_empty() || !self.settled.is_empty() || end == End::Failed {
                return !without.unwanted;
            }
            passed = ground.now().saturating_sub(began);
            if !self.known.is_empty() && passed >= PATIENCE {
                return !without.unwanted;
            }
            match end {
                End::InTime => {
                    without.writers = false;
                    if without.unwanted {
                        ask = self.choice.go_on(subscriptions.len(), passed, began + passed);
                        without.unwanted = ask != Ask::All;
                    }
                }
                // No writer is to blame: a reader is.
                End::Early | End::Failed if without.writers => {
                    self.blame(ground);
                    return !without.unwanted;
                }
                End::Early | End::Failed => without.writers = true,
            }
        }
    }

    /// Whether to report what is known and ask nothing this time: few subscriptions, and no clock among them that could bound the wait.
    fn need_not_ask(&mut self, subscriptions: &[Subscription]) -> bool {
        let bounded = || subscriptions.iter().any(|one| one.clock().is_some());
        let at_once = !self.known.is_empty() && self.unasked < AT_ONCE && subscriptions.len() <= FEW && !bounded();
        self.unasked = if at_once { self.unasked + 1 } else { 0 };
        at_once
    }

    /// Puts together what is asked: the caller's subscriptions, numbered by their places, less what is left out; says how many the choice does
    /// not want.
    fn choose<G: Ground>(
        &mut self,
        ground: &G,
        subscriptions: &[Subscription],
        without: Without,
        passed: u64,
    ) -> usize {
        self.asked.clear();
        self.known.clear();
        self.settled.clear();
        let mut unwanted = 0;
        for (place, one) in subscriptions.iter().enumerate() {
            let mut one = *one;
            one.userdata = place as u64;
            match one.fd() {
                None => shorten(&mut one, passed),
                Some(fd) if one.u.tag == EVENTTYPE_FD_WRITE => {
                    let known = if without.known { ground.writing(fd) } else { Writing::Unknown };
                    if known == Writing::Ready {
                        self.known.push(place);
                    }
                    if known != Writing::Unknown || without.writers {
                        continue;
                    }
                }
                Some(fd) => {
                    if without.unwanted && !self.is_wanted(ground, fd) {
                        unwanted += 1;
                        continue;
                    }
                }
            }
            match one.fd().and_then(|fd| ground.settled(fd)) {
                Some(error) => self.settled.push((place, error)),
                None => self.asked.push(one),
            }
        }
        unwanted
    }

    /// After a call that ended at once with nothing and asked about no writer: the readers with an error pending, which alone is no event of the
    /// runtime's, and if there are none all of them, so that their owners look.
    fn blame<G: Ground>(&mut self, ground: &G) {
        let event = |one: &Subscription| {
            let fd_readwrite = EventFdReadwrite { nbytes: 1, flags: 0 };
            Event { userdata: one.userdata, error: 0, type_: one.u.tag, fd_readwrite }
        };
        let failed = |one: &&Subscription| one.fd().is_some_and(|fd| ground.has_failed(fd));
        self.events.extend(self.asked.iter().filter(failed).map(event));
        if self.events.is_empty() {
            self.events.extend(self.asked.iter().filter(|one| one.fd().is_some()).map(event));
        }
    }

    /// Whether to wait for a descriptor. One that is only to be looked at is waited for if there is something, so that the wait ends at once.
    fn is_wanted<G: Ground>(&self, ground: &G, fd: u32) -> bool {
        match self.choice.wants(fd) {
            Want::Wait => true,
            Want::Look => !ground.can_be_looked_at(fd) || ground.has_something(fd),
            Want::Nothing => false,
        }
    }

    /// Bounds the wait: by a clock of our own, and without those of the caller's that cannot come before it. A clock costs four system calls.
    fn bound(&mut self, limit: u64) {
        if limit == u64::MAX {
            return;
        }
        let relative = |clock: &SubscriptionClock| clock.id == CLOCKID_MONOTONIC && clock.flags == 0;
        let sooner = |one: &Subscription| one.clock().is_some_and(|clock| relative(&clock) && clock.timeout <= limit);
        if self.asked.iter().any(sooner) {
            return;
        }
        self.asked.retain(|one| !one.clock().is_some_and(|clock| relative(&clock)));
        let clock = SubscriptionClock { id: CLOCKID_MONOTONIC, timeout: limit.max(1), precision: 0, flags: 0 };
        self.asked.push(Subscription::to_clock(OWN, clock));
    }

    /// Calls the runtime until no signal interrupts it, and keeps the events that mean something.
    fn ask<G: Ground>(&mut self, ground: &mut G) -> End {
        self.events.clear();
        self.events.resize(self.asked.len(), Event::default());
        loop {
            let Some(happened) = ground.poll(&self.asked, &mut self.events) else {
                self.events.clear();
                return End::Failed;
            };
            let events = self.events.get(..happened).unwrap_or_default();
            if !events.iter().any(|event| event.error == errno::INTR) {
                self.events.truncate(happened);
                break;
            }
        }
        let own = self.events.iter().any(|event| event.userdata == OWN);
        self.events.retain(|event| event.userdata != OWN && event.error != errno::EXIST);
        if own { End::InTime } else { End::Early }
    }

    /// Learns from what has happened.
    fn note<G: Ground>(&mut self, ground: &mut G, subscriptions: &[Subscription]) {
        for event in &self.events {
            let Some(fd) = subscriptions.get(event.userdata as usize).and_then(Subscription::fd) else { continue };
            self.choice.active(fd);
            if event.type_ == EVENTTYPE_FD_WRITE && event.error == errno::SUCCESS {
                ground.told(fd);
            }
        }
    }

    /// Adds what was settled without the runtime.
    fn add_settled(&mut self, subscriptions: &[Subscription]) {
        for (place, error) in &self.settled {
            let type_ = subscriptions.get(*place).map_or(EVENTTYPE_FD_WRITE, |one| one.u.tag);
            self.events.push(Event { userdata: *place as u64, error: *error, type_, ..Event::default() });
        }
    }

    /// Adds the readiness to write that was known and therefore not asked about.
    fn add_known<G: Ground>(&mut self, ground: &G, subscriptions: &[Subscription]) {
        for place in &self.known {
            let fd = subscriptions.get(*place).and_then(Subscription::fd);
            if fd.is_some_and(|fd| ground.writing(fd) == Writing::Ready) {
                let fd_readwrite = EventFdReadwrite { nbytes: 1, flags: 0 };
                self.events.push(Event { userdata: *place as u64, error: 0, type_: EVENTTYPE_FD_WRITE, fd_readwrite });
            }
        }
    }
}

/// Takes the time that has passed off a relative timeout.
fn shorten(one: &mut Subscription, passed: u64) {
    if let Some(mut clock) = one.clock() {
        if clock.flags == 0 && passed > 0 {
            clock.timeout = clock.timeout.saturating_sub(passed).max(1);
            *one = Subscription::to_clock(one.userdata, clock);
        }
    }
}

#[cfg(test)]
#[path = "rounds_tests.rs"]
mod tests;
