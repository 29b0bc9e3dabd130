//! The types of `poll_oneoff` in WASI preview 1 (`api.hpp`), with the field names of every binding to it.

/// A descriptor.
pub type Fd = u32;
/// A number of bytes.
pub type Filesize = u64;
/// Nanoseconds.
pub type Timestamp = u64;
/// An error number, see [`crate::errno`].
pub type Errno = u16;
/// A clock.
pub type Clockid = u32;
/// The value that the caller attached to a subscription.
pub type Userdata = u64;
/// The type of a subscription or an event.
pub type Eventtype = u8;
/// Flags of an event about a descriptor.
pub type Eventrwflags = u16;
/// Flags of a subscription to a clock.
pub type Subclockflags = u16;

/// The time of day.
pub const CLOCKID_REALTIME: Clockid = 0;
/// A clock that is never set.
pub const CLOCKID_MONOTONIC: Clockid = 1;
/// The CPU time of the process.
pub const CLOCKID_PROCESS_CPUTIME_ID: Clockid = 2;
/// The CPU time of the thread.
pub const CLOCKID_THREAD_CPUTIME_ID: Clockid = 3;

/// A timeout has expired.
pub const EVENTTYPE_CLOCK: Eventtype = 0;
/// There is input, or the end of the stream.
pub const EVENTTYPE_FD_READ: Eventtype = 1;
/// The descriptor is writable.
pub const EVENTTYPE_FD_WRITE: Eventtype = 2;

/// The connection is closed in both directions.
pub const EVENTRWFLAGS_FD_READWRITE_HANGUP: Eventrwflags = 1 << 0;

/// The timeout is a point in time, not a duration.
pub const SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME: Subclockflags = 1 << 0;

/// The part of an event that describes a descriptor.
#[repr(C)]
#[derive(Copy, Clone, Debug, Default)]
pub struct EventFdReadwrite {
    /// The bytes that can be read or written, estimated by the runtime.
    pub nbytes: Filesize,
    /// [`EVENTRWFLAGS_FD_READWRITE_HANGUP`] or 0.
    pub flags: Eventrwflags,
}

/// An event.
#[repr(C)]
#[derive(Copy, Clone, Debug, Default)]
pub struct Event {
    /// Copied from the subscription.
    pub userdata: Userdata,
    /// The error number, or 0.
    pub error: Errno,
    /// Copied from the subscription.
    pub type_: Eventtype,
    /// Valid for a descriptor.
    pub fd_readwrite: EventFdReadwrite,
}

impl Event {
    /// An event with all fields zero.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }
}

/// A subscription to a clock.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct SubscriptionClock {
    /// Which clock.
    pub id: Clockid,
    /// A point in time or a duration.
    pub timeout: Timestamp,
    /// The tolerance; the runtime ignores it.
    pub precision: Timestamp,
    /// [`SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME`] or 0.
    pub flags: Subclockflags,
}

/// A subscription to a descriptor.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct SubscriptionFdReadwrite {
    /// The descriptor.
    pub file_descriptor: Fd,
}

/// The subject of a subscription.
#[repr(C)]
#[derive(Copy, Clone)]
pub union SubscriptionUU {
    /// With [`EVENTTYPE_CLOCK`].
    pub clock: SubscriptionClock,
    /// With [`EVENTTYPE_FD_READ`].
    pub fd_read: SubscriptionFdReadwrite,
    /// With [`EVENTTYPE_FD_WRITE`].
    pub fd_write: SubscriptionFdReadwrite,
}

/// The subject of a subscription and its type.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct SubscriptionU {
    /// The event type.
    pub tag: Eventtype,
    /// The subject.
    pub u: SubscriptionUU,
}

/// A subscription.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct Subscription {
    /// Copied to the event.
    pub userdata: Userdata,
    /// The subject of a subscription.
    pub u: SubscriptionU,
}

impl Subscription {
    /// A subscription to a descriptor.
    pub(crate) fn to_fd(userdata: Userdata, tag: Eventtype, fd: Fd) -> Self {
        let fd_read = SubscriptionFdReadwrite { file_descriptor: fd };
        Self { userdata, u: SubscriptionU { tag, u: SubscriptionUU { fd_read } } }
    }

    /// A subscription to a clock.
    pub(crate) fn to_clock(userdata: Userdata, clock: SubscriptionClock) -> Self {
        Self { userdata, u: SubscriptionU { tag: EVENTTYPE_CLOCK, u: SubscriptionUU { clock } } }
    }

    /// The clock, if the subscription is for one.
    pub(crate) fn clock(&self) -> Option<SubscriptionClock> {
        if self.u.tag != EVENTTYPE_CLOCK {
            return None;
        }
        // SAFETY: the tag says that the union holds a clock.
        Some(unsafe { self.u.u.clock })
    }

    /// The descriptor, if the subscription is for one.
    pub(crate) fn fd(&self) -> Option<Fd> {
        if self.u.tag == EVENTTYPE_CLOCK {
            return None;
        }
        // SAFETY: the tag says that the union holds a descriptor; for reading and writing it has the same form.
        Some(unsafe { self.u.u.fd_read.file_descriptor })
    }
}
