//! Waiting in the runtime's own types (`api.hpp`): what mio_wasi's selector is made of.
//!
//! The types are those of WASI preview 1, as every binding to it has them. [`poll`] is more than the host function: see there.

#[cfg(target_os = "wasi")]
use std::io;

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
/// What the caller attached to a subscription.
pub type Userdata = u64;
/// What a subscription or an event is about.
pub type Eventtype = u8;
/// Flags of an event about a descriptor.
pub type Eventrwflags = u16;
/// Flags of a subscription to a clock.
pub type Subclockflags = u16;

/// The time of day.
pub const CLOCKID_REALTIME: Clockid = 0;
/// A clock that nobody sets.
pub const CLOCKID_MONOTONIC: Clockid = 1;
/// The processor time of the process.
pub const CLOCKID_PROCESS_CPUTIME_ID: Clockid = 2;
/// The processor time of the thread.
pub const CLOCKID_THREAD_CPUTIME_ID: Clockid = 3;

/// A time has come.
pub const EVENTTYPE_CLOCK: Eventtype = 0;
/// There is something to read, or the end of the stream.
pub const EVENTTYPE_FD_READ: Eventtype = 1;
/// There is room to write.
pub const EVENTTYPE_FD_WRITE: Eventtype = 2;

/// The connection is gone in both directions.
pub const EVENTRWFLAGS_FD_READWRITE_HANGUP: Eventrwflags = 1 << 0;

/// The timeout is a moment of its clock, not a length of time.
pub const SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME: Subclockflags = 1 << 0;

/// What an event about a descriptor says of it.
#[repr(C)]
#[derive(Copy, Clone, Debug, Default)]
pub struct EventFdReadwrite {
    /// The bytes that can be read or written; the runtime's guess.
    pub nbytes: Filesize,
    /// [`EVENTRWFLAGS_FD_READWRITE_HANGUP`] or nothing.
    pub flags: Eventrwflags,
}

/// Something that has happened.
#[repr(C)]
#[derive(Copy, Clone, Debug, Default)]
pub struct Event {
    /// As in the subscription.
    pub userdata: Userdata,
    /// Why the subscription failed, or 0.
    pub error: Errno,
    /// As in the subscription.
    pub type_: Eventtype,
    /// For a descriptor.
    pub fd_readwrite: EventFdReadwrite,
}

impl Event {
    /// An event that says nothing.
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
    /// When, or how long.
    pub timeout: Timestamp,
    /// How late it may be; the runtime does not look at it.
    pub precision: Timestamp,
    /// [`SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME`] or nothing.
    pub flags: Subclockflags,
}

/// A subscription to a descriptor.
#[repr(C)]
#[derive(Copy, Clone, Debug)]
pub struct SubscriptionFdReadwrite {
    /// The descriptor.
    pub file_descriptor: Fd,
}

/// What is subscribed to.
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

/// What is subscribed to, and which of the three it is.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct SubscriptionU {
    /// The type of the event.
    pub tag: Eventtype,
    /// What it is about.
    pub u: SubscriptionUU,
}

/// A subscription.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct Subscription {
    /// Comes back with the event.
    pub userdata: Userdata,
    /// What is subscribed to.
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

    /// The clock, if it is about one.
    pub(crate) fn clock(&self) -> Option<SubscriptionClock> {
        if self.u.tag != EVENTTYPE_CLOCK {
            return None;
        }
        // SAFETY: the tag says that the union holds a clock.
        Some(unsafe { self.u.u.clock })
    }

    /// The descriptor, if it is about one.
    pub(crate) fn fd(&self) -> Option<Fd> {
        if self.u.tag == EVENTTYPE_CLOCK {
            return None;
        }
        // SAFETY: the tag says that the union holds a descriptor, for reading or writing; both have the same form.
        Some(unsafe { self.u.u.fd_read.file_descriptor })
    }
}

/// Waits until something subscribed to has happened, and says how many events there are.
///
/// What differs from the host function `poll_oneoff`:
/// - An interrupted wait (a freeze and thaw, a debugger) goes on, and the runtime's half-used poller is put right.
/// - What fails for one descriptor is an event about that descriptor, ready with no error: its owner learns the reason from the next read or
///   write. An error in an event would make mio_wasi fail the whole wait, and tokio_wasi end the process.
/// - With many descriptors, not every one is looked at in every wait, so that a busy one is not slowed by the idle: an idle one may be reported
///   some milliseconds late while others are busy.
/// - With subscriptions whose user data is the descriptor's own number, as mio_wasi's are, readiness to write that its owner was told already
///   and has not used up is not a reason to return at once; it is reported along with the next event, after 10 ms at the latest. With few
///   subscriptions and no timeout it is reported at once, at most twice in a row: that costs less than a clock.
/// - No subscriptions are no events, at once.
///
/// # Errors
/// None that is known; the result is the published crate's.
///
/// # Safety
/// `in_` points at `nsubscriptions` subscriptions, each with a tag that is one of the three and goes with its union, and `out` at room for as many
/// events.
#[cfg(target_os = "wasi")]
pub unsafe fn poll(in_: *const Subscription, out: *mut Event, nsubscriptions: usize) -> io::Result<usize> {
    if nsubscriptions == 0 || in_.is_null() {
        return Ok(0);
    }
    // SAFETY: the caller says that so many are there.
    let subscriptions = unsafe { std::slice::from_raw_parts(in_, nsubscriptions) };
    let mioish = subscriptions.iter().all(|one| one.fd().is_none_or(|fd| one.userdata == u64::from(fd)));
    Ok(crate::wait::wait(subscriptions, mioish, |events| {
        let events = events.get(..nsubscriptions).unwrap_or(events);
        for (index, event) in events.iter().enumerate() {
            // SAFETY: `index` is below `nsubscriptions`, and the caller says that there is room for so many.
            let place = unsafe { out.add(index) };
            // SAFETY: `place` is the caller's, valid for writing; events are plain numbers with nothing to drop.
            unsafe { place.write(without_error(*event)) };
        }
        events.len()
    }))
}

/// The event as readiness: an error of the descriptor will show in its next read or write.
#[cfg(target_os = "wasi")]
fn without_error(mut event: Event) -> Event {
    if event.error == crate::errno::BADF && event.type_ != EVENTTYPE_CLOCK {
        event.fd_readwrite.flags |= EVENTRWFLAGS_FD_READWRITE_HANGUP;
    }
    event.error = crate::errno::SUCCESS;
    event
}
