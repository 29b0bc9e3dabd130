//! Waiting for several sockets, for a program with its own event loop.
//!
//! Waits are level-triggered: a writable socket is reported by every wait. A failed descriptor is an event of that
//! descriptor. A wait that a signal interrupts continues.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::poller::{Trigger, wasi_backend};
use crate::sys::{errno, poll_types as wasi};

/// A subscription to events.
#[derive(Clone, Debug)]
pub enum Subscription {
    /// A point in time.
    Timeout {
        /// Copied to the event.
        userdata: u64,
        /// The point in time.
        timeout: SystemTime,
    },
    /// A descriptor.
    IO {
        /// Copied to the event.
        userdata: u64,
        /// The descriptor.
        fd: RawFd,
        /// Whether to wait for input.
        read_event: bool,
        /// Whether to wait for writability.
        write_event: bool,
    },
    /// A descriptor or a point in time.
    TimeoutIO {
        /// Copied to the event.
        userdata: u64,
        /// The descriptor.
        fd: RawFd,
        /// Whether to wait for input.
        read_event: bool,
        /// Whether to wait for writability.
        write_event: bool,
        /// The point in time.
        timeout: SystemTime,
    },
}

impl Subscription {
    /// Waits for a point in time.
    #[must_use]
    pub fn timeout(userdata: u64, timeout: SystemTime) -> Self {
        Self::Timeout { userdata, timeout }
    }

    /// Waits for a descriptor, at most until `timeout` if there is one.
    pub fn io<F: AsRawFd>(
        userdata: u64,
        fd: &F,
        read_event: bool,
        write_event: bool,
        timeout: Option<SystemTime>,
    ) -> Self {
        let fd = fd.as_raw_fd();
        match timeout {
            Some(timeout) => Self::TimeoutIO { userdata, fd, read_event, write_event, timeout },
            None => Self::IO { userdata, fd, read_event, write_event },
        }
    }

    /// Adds the subscriptions of the runtime's form.
    fn add_to(&self, all: &mut Vec<wasi::Subscription>) {
        let (userdata, io, deadline) = match *self {
            Self::Timeout { userdata, timeout } => (userdata, None, Some(timeout)),
            Self::IO { userdata, fd, read_event, write_event } => (userdata, Some((fd, read_event, write_event)), None),
            Self::TimeoutIO { userdata, fd, read_event, write_event, timeout } => {
                (userdata, Some((fd, read_event, write_event)), Some(timeout))
            }
        };
        if let Some((fd, read, write)) = io {
            let wanted = [(read, wasi::EVENTTYPE_FD_READ), (write, wasi::EVENTTYPE_FD_WRITE)];
            for (_, tag) in wanted.into_iter().filter(|(wanted, _)| *wanted) {
                all.push(wasi::Subscription::to_fd(userdata, tag, fd as u32));
            }
        }
        if let Some(deadline) = deadline {
            // A time before 1970 has passed, like 1970 itself.
            let since = deadline.duration_since(UNIX_EPOCH).unwrap_or_default();
            let timeout = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
            let flags = wasi::SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME;
            let clock = wasi::SubscriptionClock { id: wasi::CLOCKID_REALTIME, timeout, precision: 0, flags };
            all.push(wasi::Subscription::to_clock(userdata, clock));
        }
    }
}

/// The type of an event.
#[derive(Debug)]
pub enum EventType {
    /// The time has come.
    Timeout,
    /// The descriptor has failed, its connection is closed in both directions, or no descriptor was available for a
    /// timer.
    Error(io::Error),
    /// There is input, or the end of the stream.
    Read,
    /// The descriptor is writable.
    Write,
}

/// An event of a subscription.
#[derive(Debug)]
pub struct Event {
    /// The type.
    pub event_type: EventType,
    /// Copied from the subscription.
    pub userdata: u64,
}

impl From<wasi::Event> for Event {
    fn from(event: wasi::Event) -> Self {
        let is_closed = event.fd_readwrite.flags & wasi::EVENTRWFLAGS_FD_READWRITE_HANGUP != 0;
        let event_type = match event.type_ {
            _ if event.error != 0 => EventType::Error(errno::error(u32::from(event.error))),
            wasi::EVENTTYPE_CLOCK => EventType::Timeout,
            wasi::EVENTTYPE_FD_READ => EventType::Read,
            _ if is_closed => EventType::Error(io::Error::new(io::ErrorKind::NotConnected, "the connection is closed")),
            _ => EventType::Write,
        };
        Self { event_type, userdata: event.userdata }
    }
}

/// Waits until an event comes.
///
/// # Errors
/// None is known. A failed descriptor is an event.
pub fn poll(subs: &[Subscription]) -> io::Result<Vec<Event>> {
    let mut all = Vec::with_capacity(subs.len() * 2);
    for one in subs {
        one.add_to(&mut all);
    }
    Ok(wasi_backend::wait(&all, Trigger::Level, |events| events.iter().map(|event| Event::from(*event)).collect()))
}
