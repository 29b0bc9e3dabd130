//! Waiting in the real runtime: [`crate::rounds`] on top of `poll_oneoff`.
//!
//! What the runtime does (`WasiPollOneoff` in `wasifunc.cpp`, `Poller` in `inode-linux.cpp`) and what follows:
//!
//! - **A signal.** When `epoll_wait` is interrupted, every subscription comes back with error 27 and `Poller::wait` returns before it has tidied up:
//!   the descriptors stay noted as subscribed, with pointers into the list of events. The next call finds them so and answers each
//!   with error 20. Called again at once with the very same array, the old notes point at the right places, the wait is a real one, and only the
//!   errors 20 have to be dropped. So that is what is done, as often as it takes. (A timer of the first call stays armed until the
//!   wait ends, so time is not lost either.)
//! - **Nothing.** The runtime always asks for `EPOLLRDHUP` and has no event for it: a half-closed connection that is waited on for
//!   writing alone ends every wait at once with no event at all. Waits are then made without the writers for 2 ms at a time. So does a socket
//!   with nothing but an error (a datagram that was refused); it is found by asking for the error.
//! - **A descriptor that cannot be waited for**, closed or a file: the runtime marks its event as failed and waits for the others all the same, for
//!   ever if there are none (`Poller::error`). So descriptors that this crate did not open are looked at first.
//! - **No subscriptions.** `epoll_wait` fails for a list of no events, and again nothing is tidied up: every descriptor of the next wait
//!   fails with error 44. Such a call is never made.
//! - **Edges.** The host function `epoll_oneoff` differs in `EPOLLET` alone and still wants the whole list each time; it would save nothing.

use std::cell::RefCell;

use crate::rounds::{Ground, Rounds, Writing};
use crate::wasi_poll::{CLOCKID_MONOTONIC, Event, Eventtype, Subscription, SubscriptionClock};
use crate::{edges, errno, host, socket};

thread_local! {
    static ROUNDS: RefCell<Rounds> = const { RefCell::new(Rounds::new()) };
}

/// The runtime, and what this process knows of its sockets.
struct Runtime;

impl Ground for Runtime {
    fn now(&self) -> u64 {
        host::now()
    }

    fn poll(&mut self, asked: &[Subscription], events: &mut [Event]) -> Option<usize> {
        let count = asked.len().min(events.len());
        let mut happened = 0;
        // SAFETY: `asked` are at least `count` subscriptions whose tags came with their unions, `events` is room for as many, and both are
        // left alone until the call returns.
        let result = unsafe { host::poll_oneoff(asked.as_ptr(), events.as_mut_ptr(), count, &mut happened) };
        (result == 0).then_some(happened)
    }

    fn writing(&self, fd: u32) -> Writing {
        edges::writing(fd)
    }

    fn told(&mut self, fd: u32) {
        edges::told(fd);
    }

    fn can_be_looked_at(&self, fd: u32) -> bool {
        edges::can_be_looked_at(fd)
    }

    fn has_something(&self, fd: u32) -> bool {
        socket::has_something(fd)
    }

    fn settled(&self, fd: u32) -> Option<u16> {
        // What this crate opened and has not closed is a socket, and open.
        match edges::failure(fd) {
            Some(failure) => (failure != errno::SUCCESS).then_some(errno::SUCCESS),
            None => socket::refuses(fd),
        }
    }

    fn has_failed(&self, fd: u32) -> bool {
        socket::has_failed(fd)
    }
}

/// Notes that a descriptor is active.
pub(crate) fn active(fd: u32) {
    with(|rounds| rounds.active(fd));
}

/// Waits until one descriptor is ready for this type of event, or has failed, at most until this moment of [`host::now`]; says whether it is. A
/// signal does not end the wait, and does not make it longer.
pub(crate) fn until_ready(fd: u32, kind: Eventtype, moment: Option<u64>) -> bool {
    let left = moment.map(|moment| moment.saturating_sub(host::now()));
    if left == Some(0) {
        return false;
    }
    let mut both = vec![Subscription::to_fd(0, kind, fd)];
    both.extend(left.map(|timeout| {
        let clock = SubscriptionClock { id: CLOCKID_MONOTONIC, timeout, precision: 0, flags: 0 };
        Subscription::to_clock(1, clock)
    }));
    wait(&both, false, |events| events.iter().any(|event| event.type_ == kind))
}

/// Waits until something subscribed to has happened and hands the events to `take`; for `edges` see [`Rounds::wait`].
/// Waiting inside `take` would find the room in use and see no events.
pub(crate) fn wait<R: Default>(subscriptions: &[Subscription], edges: bool, take: impl FnOnce(&[Event]) -> R) -> R {
    with(|rounds| take(rounds.wait(&mut Runtime, subscriptions, edges)))
}

/// Does something with what is kept between waits; nothing if it is in use or the process is ending.
fn with<R: Default>(act: impl FnOnce(&mut Rounds) -> R) -> R {
    let act = |cell: &RefCell<Rounds>| cell.try_borrow_mut().map(|mut rounds| act(&mut rounds)).unwrap_or_default();
    ROUNDS.try_with(act).unwrap_or_default()
}
