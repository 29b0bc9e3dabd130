//! Waiting with the types of WASI preview 1: mio_wasi's selector is built on this module.
#![expect(unsafe_code, reason = "mio_wasi calls `poll` with raw pointers")]

use std::io;

use crate::poller::{Trigger, wasi_backend};
use crate::sys::errno;
pub use crate::sys::poll_types::*;

/// Waits until an event comes, writes the events to `out` and returns their number.
///
/// The differences from the host function `poll_oneoff`:
/// - An interrupted wait (a freeze and thaw, a debugger) continues, and the registrations that it leaves in the runtime
///   are repaired.
/// - A failed descriptor is reported as ready, without an error. Its owner gets the error from the next read or write.
///   An error in an event would fail the whole wait of mio_wasi and end the process in tokio_wasi.
/// - With many descriptors a wait does not poll all of them, so the idle ones do not slow down the busy ones. While
///   others are busy, an idle descriptor may be reported some milliseconds late.
/// - While many descriptors are ready, a non-blocking socket may be reported as readable without input. Its read then
///   fails with `WouldBlock`.
/// - If the user data of all subscriptions are their descriptors, as in mio_wasi, known writability does not end a
///   wait. It is reported with the next event, after 10 ms at the latest. With few subscriptions and no timeout it is
///   reported at once, at most twice in a row, which costs less than a clock.
/// - Without subscriptions it returns 0 at once.
///
/// # Errors
/// None is known. The published crate has this result type.
///
/// # Safety
/// `in_` must point at `nsubscriptions` subscriptions whose tags match their unions, and `out` at memory for as many
/// events.
pub unsafe fn poll(in_: *const Subscription, out: *mut Event, nsubscriptions: usize) -> io::Result<usize> {
    if nsubscriptions == 0 || in_.is_null() {
        return Ok(0);
    }
    // SAFETY: the caller guarantees the pointer and the length.
    let subscriptions = unsafe { std::slice::from_raw_parts(in_, nsubscriptions) };
    Ok(wasi_backend::wait(subscriptions, trigger_of(subscriptions), |events| {
        let events = events.get(..nsubscriptions).unwrap_or(events);
        for (index, event) in events.iter().enumerate() {
            // SAFETY: `index` is less than `nsubscriptions`, and the caller guarantees memory for as many events.
            let target = unsafe { out.add(index) };
            // SAFETY: `target` is valid for writing, and an event needs no drop.
            unsafe { target.write(without_error(*event)) };
        }
        events.len()
    }))
}

/// Edge-triggered for the subscriptions of mio_wasi, whose user data are the descriptors themselves.
fn trigger_of(subscriptions: &[Subscription]) -> Trigger {
    let is_mio = subscriptions.iter().all(|one| one.fd().is_none_or(|fd| one.userdata == u64::from(fd)));
    if is_mio { Trigger::Edge } else { Trigger::Level }
}

/// The event without its error, which the next read or write of the descriptor returns.
fn without_error(mut event: Event) -> Event {
    if event.error == errno::BADF && event.type_ != EVENTTYPE_CLOCK {
        event.fd_readwrite.flags |= EVENTRWFLAGS_FD_READWRITE_HANGUP;
    }
    event.error = errno::SUCCESS;
    event
}
