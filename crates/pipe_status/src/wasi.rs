//! The status by `poll_oneoff` of WasmEdge.
//!
//! `poll_oneoff` has no event for EPOLLERR (`Poller::wait` in WasmEdge's `lib/host/wasi/inode-linux.cpp`), so a wait
//! for writing does not report that the reader is gone. A wait for *reading* on the write end does: without a reader it
//! returns at once and with no event, because of EPOLLERR. With a reader it lasts until its timeout and returns the
//! clock's event.

use std::os::fd::{AsRawFd as _, BorrowedFd};

use wasi::{
    CLOCKID_MONOTONIC, ERRNO_EXIST, ERRNO_INTR, ERRNO_PERM, ERRNO_SUCCESS, EVENTTYPE_CLOCK, EVENTTYPE_FD_READ,
    EVENTTYPE_FD_WRITE, Event, EventFdReadwrite, Eventtype, Subscription, SubscriptionClock, SubscriptionFdReadwrite,
    SubscriptionU, SubscriptionUU,
};

use crate::PipeStatus;

/// The shortest timeout, in nanoseconds: WasmEdge takes 0 for none.
const NO_WAIT: u64 = 1;

/// The timeout of a wait for reading, in nanoseconds. WasmEdge arms the timer before it calls epoll_wait; this is much
/// longer than that takes.
const CLOSED_TIMEOUT: u64 = 200_000;

/// How many waits for reading must time out. The timer of one may expire before epoll_wait is called, that of two in a
/// row hardly.
const CLOSED_ATTEMPTS: usize = 2;

/// The status of a descriptor.
pub(crate) fn status(fd: BorrowedFd<'_>) -> PipeStatus {
    let Some(events) = poll(fd, EVENTTYPE_FD_WRITE, NO_WAIT) else { return PipeStatus::Writable };
    match events.iter().find(|event| event.type_ == EVENTTYPE_FD_WRITE).map(|event| event.error) {
        None if events.is_empty() => PipeStatus::Closed,
        None => PipeStatus::Full,
        // epoll refuses a regular file with EPERM because a file is always ready.
        Some(ERRNO_PERM) => PipeStatus::Writable,
        Some(ERRNO_SUCCESS) if !(0..CLOSED_ATTEMPTS).any(|_| is_closed(fd)) => PipeStatus::Writable,
        Some(_) => PipeStatus::Closed,
    }
}

/// Whether a wait for reading returns at once and without an event.
fn is_closed(fd: BorrowedFd<'_>) -> bool {
    poll(fd, EVENTTYPE_FD_READ, CLOSED_TIMEOUT).is_some_and(|events| events.is_empty())
}

/// Waits for one event type of a descriptor, at most for `timeout` nanoseconds; None when `poll_oneoff` fails.
///
/// The timeout is one of the monotonic clock, relative, as in the waits of tokio_wasi. WasmEdge keeps one timer for
/// each kind of clock. When it must create one and no descriptor is left, it reports the error and then waits for ever.
fn poll(fd: BorrowedFd<'_>, tag: Eventtype, timeout: u64) -> Option<Vec<Event>> {
    let subscriptions = [descriptor_subscription(fd, tag), clock_subscription(timeout)];
    let mut events = [NO_EVENT; 2];
    loop {
        // SAFETY: the two arrays have as many elements as is said, both live until the call returns, and each tag
        // matches its union.
        let result = unsafe { wasi::poll_oneoff(subscriptions.as_ptr(), events.as_mut_ptr(), subscriptions.len()) };
        let happened = events.get(..result.ok()?).unwrap_or_default();
        // After a signal, the same call again ends the interrupted wait: docs/PLATFORM.md.
        if !happened.iter().any(|event| event.error == ERRNO_INTR) {
            return Some(happened.iter().filter(|event| event.error != ERRNO_EXIST).copied().collect());
        }
    }
}

/// What `poll_oneoff` overwrites.
const NO_EVENT: Event = Event {
    userdata: 0,
    error: ERRNO_SUCCESS,
    type_: EVENTTYPE_CLOCK,
    fd_readwrite: EventFdReadwrite { nbytes: 0, flags: 0 },
};

fn descriptor_subscription(fd: BorrowedFd<'_>, tag: Eventtype) -> Subscription {
    let file_descriptor = fd.as_raw_fd() as u32;
    // Reading and writing have the same form.
    let fd_read = SubscriptionFdReadwrite { file_descriptor };
    Subscription { userdata: 0, u: SubscriptionU { tag: tag.raw(), u: SubscriptionUU { fd_read } } }
}

fn clock_subscription(timeout: u64) -> Subscription {
    let clock = SubscriptionClock { id: CLOCKID_MONOTONIC, timeout, precision: 0, flags: 0 };
    Subscription { userdata: 1, u: SubscriptionU { tag: EVENTTYPE_CLOCK.raw(), u: SubscriptionUU { clock } } }
}
