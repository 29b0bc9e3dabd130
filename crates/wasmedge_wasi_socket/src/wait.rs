//! One wait, made of as many calls of `poll_oneoff` as it takes.
//!
//! What the runtime does (`WasiPollOneoff` in `wasifunc.cpp`, `Poller` in `inode-linux.cpp`) and what follows:
//!
//! - **A signal.** When `epoll_wait` is interrupted, every subscription comes back with error 27 and `Poller::wait` returns before it has tidied up:
//!   the descriptors stay noted as subscribed, with pointers into the list of events. The next call finds them so and answers each
//!   with error 20. Called again at once with the very same array, the old notes point at the right places, the wait is a real one, and only the
//!   errors 20 have to be dropped. So that is what is done, as often as it takes. (A timer of the first call stays armed until the
//!   wait ends, so time is not lost either.)
//! - **Nothing.** The runtime always asks for `EPOLLRDHUP` and has no event for it: a half-closed connection that is waited on for
//!   writing alone ends every wait at once with no event at all. Waits are then made without the writers for 2 ms at a time.
//! - **No subscriptions.** `epoll_wait` fails for a list of no events, and again nothing is tidied up: every descriptor of the next wait
//!   fails with error 44. Such a call is never made.
//! - **Edges.** The host function `epoll_oneoff` differs in `EPOLLET` alone and still wants the whole list each time; it would save nothing.

use std::cell::RefCell;

use crate::choice::{Ask, Choice, Want};
use crate::edges::Writing;
use crate::wasi_poll::{
    CLOCKID_MONOTONIC, EVENTTYPE_FD_WRITE, Event, EventFdReadwrite, Subscription, SubscriptionClock,
};
use crate::{edges, errno, host, socket};

/// How long readiness to write that its owner knows of may wait for company.
const PATIENCE: u64 = 10_000_000;

/// How long writers are left out when one of them ends every wait without an event.
const ASIDE: u64 = 2_000_000;

/// The user data of this module's own clock; all others are places in the caller's list.
const OWN: u64 = u64::MAX;

thread_local! {
    static STATE: RefCell<State> = const { RefCell::new(State::new()) };
    static CHOICE: RefCell<Choice> = const { RefCell::new(Choice::new()) };
}

/// Room that is used again from one wait to the next.
struct State {
    /// What the runtime is asked.
    asked: Vec<Subscription>,
    /// What it answers.
    events: Vec<Event>,
    /// The places of subscriptions that were left out because their answer is known.
    known: Vec<usize>,
}

impl State {
    const fn new() -> Self {
        Self { asked: Vec::new(), events: Vec::new(), known: Vec::new() }
    }
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

/// Notes that a descriptor is active.
pub(crate) fn active(fd: u32) {
    let note = |cell: &RefCell<Choice>| cell.try_borrow_mut().map(|mut choice| choice.active(fd)).unwrap_or_default();
    CHOICE.try_with(note).unwrap_or_default();
}

/// Waits until one descriptor is writable.
pub(crate) fn until_writable(fd: u32) {
    wait(&[Subscription::to_fd(0, EVENTTYPE_FD_WRITE, fd)], false, |_| ());
}

/// Waits until something subscribed to has happened and hands the events to `take`.
///
/// `edges` says that the caller has kept what it was told of readiness to write, so that only news is a reason to return at once.
/// Waiting inside `take` would find the room in use and see no events.
pub(crate) fn wait<R: Default>(subscriptions: &[Subscription], edges: bool, take: impl FnOnce(&[Event]) -> R) -> R {
    let run = |cell: &RefCell<State>| match cell.try_borrow_mut() {
        Ok(mut state) => {
            state.wait(subscriptions, edges);
            take(&state.events)
        }
        Err(_) => R::default(),
    };
    STATE.try_with(run).unwrap_or_default()
}

impl State {
    /// Fills `events` with what has happened.
    fn wait(&mut self, subscriptions: &[Subscription], edges: bool) {
        self.events.clear();
        if subscriptions.is_empty() {
            return;
        }
        let count = subscriptions.len();
        let began = host::now();
        let ask = with_choice(|choice| choice.begin(count, began)).unwrap_or(Ask::All);
        let all = self.until_something(subscriptions, edges, ask, began);
        with_choice(|choice| choice.end(all, count, began, host::now()));
        self.note(subscriptions);
        self.add_known(subscriptions);
        for event in &mut self.events {
            event.userdata = subscriptions.get(event.userdata as usize).map_or(event.userdata, |one| one.userdata);
        }
    }

    /// Asks until there is an event or it is time to report what is known; says whether everything was asked about.
    fn until_something(&mut self, subscriptions: &[Subscription], edges: bool, mut ask: Ask, began: u64) -> bool {
        let mut without = Without { known: edges, unwanted: ask != Ask::All, writers: false };
        let mut passed = 0;
        loop {
            let unwanted = self.choose(subscriptions, without, passed);
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
            self.bound(limit);
            let end = self.ask();
            if !self.events.is_empty() || end == End::Failed {
                return !without.unwanted;
            }
            passed = host::now().saturating_sub(began);
            if !self.known.is_empty() && passed >= PATIENCE {
                return !without.unwanted;
            }
            match end {
                End::InTime if without.unwanted => {
                    let count = subscriptions.len();
                    ask = with_choice(|choice| choice.go_on(count, passed, began + passed)).unwrap_or(Ask::All);
                    without.unwanted = ask != Ask::All;
                }
                End::InTime => without.writers = false,
                End::Early | End::Failed => without.writers = true,
            }
        }
    }

    /// Puts together what is asked: the caller's subscriptions, numbered by their places, less what is left out; says how many the choice does
    /// not want.
    fn choose(&mut self, subscriptions: &[Subscription], without: Without, passed: u64) -> usize {
        self.asked.clear();
        self.known.clear();
        let mut unwanted = 0;
        let _ = CHOICE.try_with(|choice| {
            let choice = choice.try_borrow().ok();
            for (place, one) in subscriptions.iter().enumerate() {
                let mut one = *one;
                one.userdata = place as u64;
                match one.fd() {
                    None => shorten(&mut one, passed),
                    Some(fd) if one.u.tag == EVENTTYPE_FD_WRITE => {
                        let known = if without.known { edges::writing(fd) } else { Writing::Unknown };
                        if known == Writing::Ready {
                            self.known.push(place);
                        }
                        if known != Writing::Unknown || without.writers {
                            continue;
                        }
                    }
                    Some(fd) => {
                        if without.unwanted && !choice.as_ref().is_none_or(|choice| is_wanted(choice, fd)) {
                            unwanted += 1;
                            continue;
                        }
                    }
                }
                self.asked.push(one);
            }
        });
        unwanted
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
    fn ask(&mut self) -> End {
        self.events.clear();
        self.events.resize(self.asked.len(), Event::default());
        loop {
            let mut happened = 0;
            let (asked, count) = (self.asked.as_ptr(), self.asked.len());
            // SAFETY: `asked` are `count` subscriptions whose tags came with their unions, `events` is room for as many, and both are left
            // alone until the call returns.
            let result = unsafe { host::poll_oneoff(asked, self.events.as_mut_ptr(), count, &mut happened) };
            if result != 0 {
                self.events.clear();
                return End::Failed;
            }
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
    fn note(&self, subscriptions: &[Subscription]) {
        for event in &self.events {
            let Some(fd) = subscriptions.get(event.userdata as usize).and_then(Subscription::fd) else { continue };
            active(fd);
            if event.type_ == EVENTTYPE_FD_WRITE && event.error == errno::SUCCESS {
                edges::told(fd);
            }
        }
    }

    /// Adds the readiness to write that was known and therefore not asked about.
    fn add_known(&mut self, subscriptions: &[Subscription]) {
        for place in &self.known {
            if subscriptions
                .get(*place)
                .and_then(Subscription::fd)
                .is_some_and(|fd| edges::writing(fd) == Writing::Ready)
            {
                let fd_readwrite = EventFdReadwrite { nbytes: 1, flags: 0 };
                self.events.push(Event { userdata: *place as u64, error: 0, type_: EVENTTYPE_FD_WRITE, fd_readwrite });
            }
        }
    }
}

/// Does something with the choice; nothing if it is in use or the process is ending.
fn with_choice<R>(act: impl FnOnce(&mut Choice) -> R) -> Option<R> {
    CHOICE.try_with(|cell| cell.try_borrow_mut().ok().map(|mut choice| act(&mut choice))).ok().flatten()
}

/// Whether to wait for a descriptor. One that is only to be looked at is waited for if there is something, so that the wait ends at once.
fn is_wanted(choice: &Choice, fd: u32) -> bool {
    match choice.wants(fd) {
        Want::Wait => true,
        Want::Look => !edges::can_be_looked_at(fd) || socket::has_something(fd),
        Want::Nothing => false,
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
