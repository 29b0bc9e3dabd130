//! What is known of sockets without asking.
//!
//! mio_wasi subscribes to readiness to write twice after every read and every write (`IoSourceState::do_io` in its
//! `src/sys/wasi/wasmedge.rs` sets `writestate` to 2), so that each request makes two waits that return at once and tell nobody anything new. A
//! socket that was reported writable, and to which every write since has gone out whole, is still writable as far as its owner can know: a
//! wait need not ask the kernel about it. The first write that does not go out whole, and a connect, end that knowledge.
//!
//! A listener is never writable, and tokio_wasi asks all the same whether it is.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::net::SocketAddr;

use crate::reach::Reach;
use crate::rounds::Writing;
use crate::{errno, host};

thread_local! {
    static SOCKETS: RefCell<Sockets> = const { RefCell::new(None) };
    static REACH: RefCell<Reach> = RefCell::default();
}

/// The sockets of this process that this crate opened, and what is known of each.
type Table = HashMap<u32, Known, BuildHasherDefault<FdHasher>>;

/// The table, made with the first socket.
type Sockets = Option<Table>;

/// What is known of a socket.
#[derive(Clone, Copy, Default)]
struct Known {
    writing: Writing,
    /// A read that has nothing returns at once.
    nonblocking: bool,
    /// The number of an error that was taken from the kernel and belongs to the next call, or 0.
    failure: u16,
    /// Where it is being connected to; until its first read or write has an outcome.
    connecting: Option<SocketAddr>,
}

/// Descriptors are random numbers already.
#[derive(Default)]
struct FdHasher(u64);

impl Hasher for FdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) ^ u64::from(*byte);
        }
    }

    fn write_u32(&mut self, fd: u32) {
        self.0 = u64::from(fd).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Does something with the table; nothing if it is in use or the process is ending.
fn with<R: Default>(act: impl FnOnce(&mut Table) -> R) -> R {
    let act = |cell: &RefCell<Sockets>| {
        cell.try_borrow_mut().map(|mut table| act(table.get_or_insert_default())).unwrap_or_default()
    };
    SOCKETS.try_with(act).unwrap_or_default()
}

/// A socket was opened under this number, which may have been another's before.
pub(crate) fn opened(fd: u32) {
    with(|sockets| {
        sockets.insert(fd, Known::default());
    });
    crate::wait::active(fd);
}

/// A socket was closed. A connect that nobody has had an outcome of was given up: the address does not answer.
pub(crate) fn closed(fd: u32) {
    if let Some(to) = with(|sockets| sockets.remove(&fd).and_then(|known| known.connecting)) {
        note(to, false);
    }
}

/// A socket listens from now on.
pub(crate) fn listens(fd: u32) {
    learn(fd, Writing::Never);
}

/// Something was written, or nothing could be.
pub(crate) fn sent(fd: u32, whole: bool) {
    if !whole {
        learn(fd, Writing::Unknown);
    }
    crate::wait::active(fd);
}

/// A connection is being made.
pub(crate) fn connects(fd: u32, to: SocketAddr) {
    with(|sockets| {
        if let Some(known) = sockets.get_mut(&fd) {
            known.writing = Writing::Unknown;
            known.connecting = Some(to);
        }
    });
}

/// The outcome of a connect, or of a read or write, which after a connect that nobody asked about is its outcome.
pub(crate) fn outcome<T>(fd: u32, result: &io::Result<T>) {
    let waits = |error: &io::Error| errno::is(error, errno::AGAIN) || errno::is(error, errno::INPROGRESS);
    if result.as_ref().is_err_and(waits) {
        return;
    }
    let to = with(|sockets| sockets.get_mut(&fd).and_then(|known| known.connecting.take()));
    if let Some(to) = to {
        note(to, result.is_ok());
    }
}

/// An error of the socket was met by somebody who only looked; the kernel tells it once.
pub(crate) fn failed(fd: u32, number: u16) {
    with(|sockets| {
        if let Some(known) = sockets.get_mut(&fd) {
            known.failure = number;
        }
    });
}

/// Takes the error that [`failed`] has kept.
pub(crate) fn take_failure(fd: u32) -> io::Result<()> {
    let number = with(|sockets| sockets.get_mut(&fd).map(|known| std::mem::take(&mut known.failure)));
    errno::check(u32::from(number.unwrap_or_default()))
}

/// The number of the error that is kept, or 0; none for what this crate did not open, or has closed.
pub(crate) fn failure(fd: u32) -> Option<u16> {
    with(|sockets| sockets.get(&fd).map(|known| known.failure))
}

/// Notes how a connect has ended.
fn note(to: SocketAddr, reached: bool) {
    let note = |reach: &RefCell<Reach>| {
        reach.try_borrow_mut().map(|mut reach| reach.note(to, reached, host::now())).unwrap_or_default();
    };
    REACH.try_with(note).unwrap_or_default();
}

/// Puts the addresses that could not be reached lately last.
pub(crate) fn sort(addresses: &mut [SocketAddr]) {
    let sort =
        |reach: &RefCell<Reach>| reach.try_borrow().map(|reach| reach.sort(addresses, host::now())).unwrap_or_default();
    REACH.try_with(sort).unwrap_or_default();
}

/// The kernel has said that the socket is writable, and its owner is told.
pub(crate) fn told(fd: u32) {
    learn(fd, Writing::Ready);
}

/// What is known of a socket.
pub(crate) fn writing(fd: u32) -> Writing {
    with(|sockets| sockets.get(&fd).map(|known| known.writing).unwrap_or_default())
}

/// Writes down what is known of a socket that this crate opened.
fn learn(fd: u32, writing: Writing) {
    with(|sockets| {
        if let Some(known) = sockets.get_mut(&fd) {
            known.writing = writing;
        }
    });
}

/// A socket was made non-blocking, or blocking again.
pub(crate) fn blocks(fd: u32, blocking: bool) {
    with(|sockets| {
        if let Some(known) = sockets.get_mut(&fd) {
            known.nonblocking = !blocking;
        }
    });
}

/// Whether a call on this socket returns at once, as far as is known: it is a non-blocking one of this crate's.
pub(crate) fn returns_at_once(fd: u32) -> bool {
    with(|sockets| sockets.get(&fd).is_some_and(|known| known.nonblocking))
}

/// Whether a read of this socket is sure to return at once: it is a non-blocking one of this crate's, and no listener.
pub(crate) fn can_be_looked_at(fd: u32) -> bool {
    with(|sockets| sockets.get(&fd).is_some_and(|known| known.nonblocking && known.writing != Writing::Never))
}
