//! Whether a write to a pipe would wait, fail, or end the process.
//!
//! WasmEdge leaves SIGPIPE as the system has it: writing to a pipe that nobody reads any more ends the whole process. And its
//! `poll_oneoff` does not tell of such a pipe, since it has no event for EPOLLERR (`Poller::wait` in `inode-linux.cpp`). But
//! asked whether the pipe's end for *writing* can be *read*, it returns at once, for EPOLLERR, and with no event at all, where for
//! a pipe in order it waits for the timeout and returns with that.

use std::io;
use std::os::fd::AsRawFd;
use std::time::SystemTime;

use crate::poll::{EventType, Subscription, poll};
use crate::wasi_poll::{CLOCKID_MONOTONIC, EVENTTYPE_FD_READ, Event, Subscription as Raw, SubscriptionClock};
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

/// How long the runtime is given to find that a pipe is in order, in nanoseconds: much more than from setting a timer to waiting.
const LONG_ENOUGH: u64 = 200_000;

/// How often a pipe is asked whether it is broken: the timeout may pass before the kernel is asked, though hardly twice.
const ASKED: usize = 2;

/// What a write to the descriptor would meet now. Takes up to half a millisecond.
pub fn room<F: AsRawFd>(fd: &F) -> Room {
    let at_once = Some(SystemTime::now());
    let Ok(events) = poll(&[Subscription::io(0, fd, false, true, at_once)]) else { return Room::Ready };
    events.iter().fold(Room::Full, |seen, event| match &event.event_type {
        EventType::Write if (0..ASKED).any(|_| is_broken(fd.as_raw_fd() as u32)) => Room::Gone,
        EventType::Write => Room::Ready,
        EventType::Error(error) if error.kind() == io::ErrorKind::PermissionDenied => Room::Ready,
        EventType::Error(_) => Room::Gone,
        EventType::Timeout | EventType::Read => seen,
    })
}

/// True where a wait for something to read ends at once and without an event.
fn is_broken(fd: u32) -> bool {
    let clock = SubscriptionClock { id: CLOCKID_MONOTONIC, timeout: LONG_ENOUGH, precision: 0, flags: 0 };
    let asked = [Raw::to_fd(0, EVENTTYPE_FD_READ, fd), Raw::to_clock(1, clock)];
    let mut events = [Event::default(); 2];
    loop {
        let mut happened = 0;
        // SAFETY: `asked` are two subscriptions whose tags came with their unions, `events` is room for two, and both are left alone until
        // the call returns.
        let result = unsafe { host::poll_oneoff(asked.as_ptr(), events.as_mut_ptr(), asked.len(), &mut happened) };
        let events = events.get(..happened).unwrap_or_default();
        if !events.iter().any(|event| event.error == errno::INTR) {
            return result == 0 && events.is_empty();
        }
    }
}
