//! Whether a write to a pipe would wait, fail, or end the process.
//!
//! WasmEdge leaves SIGPIPE as the system has it: writing to a pipe that nobody reads any more ends the whole process. And its
//! `poll_oneoff` does not tell of such a pipe, since it has no event for EPOLLERR (`Poller::wait` in `inode-linux.cpp`). But
//! asked whether the pipe's end for *writing* can be *read*, it returns at once, for EPOLLERR, and with no event at all, where for
//! a pipe in order it waits for the timeout and returns with that.

use std::os::fd::AsRawFd;

use crate::wasi_poll::{
    CLOCKID_MONOTONIC, EVENTTYPE_FD_READ, EVENTTYPE_FD_WRITE, Event, Eventtype, Subscription, SubscriptionClock,
};
use crate::{errno, host};

/// What a write to a descriptor would meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// At least 4 KiB (`PIPE_BUF`) fit without waiting. Also where the question makes no sense: a regular file, `/dev/null`.
    Ready,
    /// Whoever reads is behind: a write would wait.
    Full,
    /// Nobody reads any more.
    Gone,
}

/// A timeout that has passed when the kernel is asked.
const AT_ONCE: u64 = 1;

/// How long the runtime is given to find that a pipe is in order, in nanoseconds: much more than from setting a timer to waiting.
const LONG_ENOUGH: u64 = 200_000;

/// How often a pipe is asked whether it is broken: the timeout may pass before the kernel is asked, though hardly twice.
const ASKED: usize = 2;

/// What a write to the descriptor would meet now. Takes up to half a millisecond.
pub fn room<F: AsRawFd>(fd: &F) -> Room {
    let fd = fd.as_raw_fd() as u32;
    let Some(answers) = ask(fd, EVENTTYPE_FD_WRITE, AT_ONCE) else { return Room::Ready };
    let answer = answers.iter().find(|event| event.type_ == EVENTTYPE_FD_WRITE);
    match answer.map(|event| event.error) {
        None if answers.is_empty() => Room::Gone,
        None => Room::Full,
        // A file is always ready; that is why it cannot be waited for.
        Some(errno::PERM) => Room::Ready,
        Some(errno::SUCCESS) if !(0..ASKED).any(|_| is_broken(fd)) => Room::Ready,
        Some(_) => Room::Gone,
    }
}

/// True where a wait for something to read ends at once and without an event.
fn is_broken(fd: u32) -> bool {
    ask(fd, EVENTTYPE_FD_READ, LONG_ENOUGH).is_some_and(|answers| answers.is_empty())
}

/// What the runtime answers about one descriptor within so many nanoseconds; None where it does not take the question.
///
/// The clock is the monotonic one, relative, as in every wait of a program with timers, so that the runtime has a timer for it already:
/// where it has to make one and no descriptor is left, it reports that and then waits for ever.
fn ask(fd: u32, tag: Eventtype, nanoseconds: u64) -> Option<Vec<Event>> {
    let clock = SubscriptionClock { id: CLOCKID_MONOTONIC, timeout: nanoseconds, precision: 0, flags: 0 };
    let asked = [Subscription::to_fd(0, tag, fd), Subscription::to_clock(1, clock)];
    let mut events = [Event::default(); 2];
    loop {
        let mut happened = 0;
        // SAFETY: `asked` are two subscriptions whose tags came with their unions, `events` is room for two, and both are left alone until
        // the call returns.
        let result = unsafe { host::poll_oneoff(asked.as_ptr(), events.as_mut_ptr(), asked.len(), &mut happened) };
        let answers = events.get(..happened).unwrap_or_default();
        if result != 0 {
            return None;
        }
        // After a signal the same question again ends the interrupted wait; see `rounds`.
        if !answers.iter().any(|event| event.error == errno::INTR) {
            return Some(answers.iter().filter(|event| event.error != errno::EXIST).copied().collect());
        }
    }
}
