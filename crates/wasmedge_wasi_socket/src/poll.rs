//! Waiting for several sockets, for a program that has a loop of its own.
//!
//! Readiness is told as it is: a socket that is writable is reported each time it is asked about. What fails for one descriptor is an event of
//! that descriptor. A wait that a signal interrupts goes on.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::wasi_poll as wasi;

/// What to wait for.
#[derive(Clone, Debug)]
pub enum Subscription {
    /// A moment.
    Timeout {
        /// Comes back with the event.
        userdata: u64,
        /// The moment.
        timeout: SystemTime,
    },
    /// A descriptor.
    IO {
        /// Comes back with the event.
        userdata: u64,
        /// The descriptor.
        fd: RawFd,
        /// Waits for something to read.
        read_event: bool,
        /// Waits for room to write.
        write_event: bool,
    },
    /// A descriptor, or a moment.
    TimeoutIO {
        /// Comes back with the event.
        userdata: u64,
        /// The descriptor.
        fd: RawFd,
        /// Waits for something to read.
        read_event: bool,
        /// Waits for room to write.
        write_event: bool,
        /// The moment.
        timeout: SystemTime,
    },
}

impl Subscription {
    /// Waits for a moment.
    #[must_use]
    pub fn timeout(userdata: u64, timeout: SystemTime) -> Self {
        Self::Timeout { userdata, timeout }
    }

    /// Waits for a descriptor, at most until a moment if one is given.
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

    /// Adds the runtime's subscriptions for this one.
    fn add_to(&self, all: &mut Vec<wasi::Subscription>) {
        let (userdata, io, moment) = match *self {
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
        if let Some(moment) = moment {
            // A moment before 1970 is past, like 1970 itself.
            let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
            let timeout = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
            let flags = wasi::SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME;
            let clock = wasi::SubscriptionClock { id: wasi::CLOCKID_REALTIME, timeout, precision: 0, flags };
            all.push(wasi::Subscription::to_clock(userdata, clock));
        }
    }
}

/// What has happened.
#[derive(Debug)]
pub enum EventType {
    /// The moment has come.
    Timeout,
    /// The descriptor has failed, its connection is gone in both directions, or there was no descriptor left for a timer.
    Error(io::Error),
    /// There is something to read, or the end of the stream.
    Read,
    /// There is room to write.
    Write,
}

/// Something that has happened, and to which subscription.
#[derive(Debug)]
pub struct Event {
    /// What has happened.
    pub event_type: EventType,
    /// As in the subscription.
    pub userdata: u64,
}

impl From<wasi::Event> for Event {
    fn from(event: wasi::Event) -> Self {
        let gone = event.fd_readwrite.flags & wasi::EVENTRWFLAGS_FD_READWRITE_HANGUP != 0;
        let event_type = match event.type_ {
            _ if event.error != 0 => EventType::Error(crate::errno::error(u32::from(event.error))),
            wasi::EVENTTYPE_CLOCK => EventType::Timeout,
            wasi::EVENTTYPE_FD_READ => EventType::Read,
            _ if gone => EventType::Error(io::Error::new(io::ErrorKind::NotConnected, "the connection is gone")),
            _ => EventType::Write,
        };
        Self { event_type, userdata: event.userdata }
    }
}

/// Waits until something has happened.
///
/// # Errors
/// None that is known; what fails for a descriptor is an event of it.
pub fn poll(subs: &[Subscription]) -> io::Result<Vec<Event>> {
    let mut all = Vec::with_capacity(subs.len() * 2);
    for one in subs {
        one.add_to(&mut all);
    }
    Ok(crate::wait::wait(&all, false, |events| events.iter().map(|event| Event::from(*event)).collect()))
}
