//! The state of the process's sockets that is known without a system call. This layer calls none of the others.
//!
//! mio_wasi subscribes to writability twice after every read and every write (`IoSourceState::do_io` in its
//! `src/sys/wasi/wasmedge.rs` sets `writestate` to 2), so every request would cause two waits that return at once and
//! report nothing new. A socket that was reported writable stays writable as long as every write is complete. The poll
//! can leave it out. After an incomplete write or a connect the state is unknown again.
//!
//! A listener is never writable, but tokio_wasi subscribes to its writability all the same.

#[cfg(target_os = "wasi")]
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::net::SocketAddr;

use exchange::Exchange;

use crate::sys::errno;
#[cfg(target_os = "wasi")]
use crate::sys::local;
use crate::sys::poll_types::Fd;

mod exchange;

#[cfg(target_os = "wasi")]
thread_local! {
    static FD_TABLE: RefCell<FdTable> = const { RefCell::new(FdTable::new()) };
}

/// The maximum number of finished connects that are kept; when it is reached, all are dropped.
const MAX_FINISHED_CONNECTS: usize = 256;

/// Whether a socket is writable, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Writability {
    /// Only the kernel knows.
    #[default]
    Unknown,
    /// It is writable, and this was reported to its owner.
    Ready,
    /// It is a listener.
    Never,
}

/// How a connect ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FinishedConnect {
    /// The address.
    pub(crate) to: SocketAddr,
    /// Whether the connection was made.
    pub(crate) reached: bool,
    /// When it ended, in nanoseconds.
    pub(crate) at: u64,
}

/// The state of one socket.
#[derive(Clone, Copy, Default)]
struct Socket {
    writability: Writability,
    exchange: Exchange,
    nonblocking: bool,
    /// An error that a probe took from the kernel, or 0. The next call of the owner returns it.
    pending_error: u16,
    /// The address of a connect whose result is not known yet.
    connecting: Option<SocketAddr>,
}

/// The sockets that this crate has opened and not closed.
pub(crate) struct FdTable {
    sockets: HashMap<Fd, Socket, BuildHasherDefault<FdHasher>>,
    finished_connects: Vec<FinishedConnect>,
    /// The number of the present wait.
    wait: u32,
    /// The number of sockets that had input after a wait, over all waits.
    sockets_with_input: u32,
}

/// Runs `act` on the process's table; returns the default while the process ends.
#[cfg(target_os = "wasi")]
pub(crate) fn with<R: Default>(act: impl FnOnce(&mut FdTable) -> R) -> R {
    local::with(&FD_TABLE, act).unwrap_or_default()
}

impl FdTable {
    /// An empty table.
    pub(crate) const fn new() -> Self {
        Self {
            sockets: HashMap::with_hasher(BuildHasherDefault::new()),
            finished_connects: Vec::new(),
            wait: 0,
            sockets_with_input: 0,
        }
    }

    /// A socket was opened. Another one may have had the same number before.
    pub(crate) fn opened(&mut self, fd: Fd) {
        self.sockets.insert(fd, Socket::default());
    }

    /// A socket is closed. A connect without a result has failed then: its owner gave up.
    pub(crate) fn closed(&mut self, fd: Fd, now: impl FnOnce() -> u64) {
        if let Some(to) = self.sockets.remove(&fd).and_then(|socket| socket.connecting) {
            self.finish_connect(FinishedConnect { to, reached: false, at: now() });
        }
    }

    /// A socket listens from now on.
    pub(crate) fn listening(&mut self, fd: Fd) {
        self.set_writability(fd, Writability::Never);
    }

    /// The descriptors of all sockets.
    pub(crate) fn sockets(&self) -> Vec<Fd> {
        self.sockets.keys().copied().collect()
    }

    /// A wait begins.
    pub(crate) fn begin_wait(&mut self) {
        self.wait = self.wait.wrapping_add(1);
    }

    /// A socket had input, or its end.
    pub(crate) fn received(&mut self, fd: Fd) {
        let wait = self.wait;
        if self.sockets.get_mut(&fd).is_some_and(|socket| socket.exchange.received(wait)) {
            self.sockets_with_input = self.sockets_with_input.wrapping_add(1);
        }
    }

    /// The number of sockets that had input after a wait, over all waits; it wraps.
    pub(crate) fn sockets_with_input(&self) -> u32 {
        self.sockets_with_input
    }

    /// Something was sent.
    pub(crate) fn sent(&mut self, fd: Fd) {
        if let Some(socket) = self.sockets.get_mut(&fd) {
            socket.exchange.sent();
        }
    }

    /// Whether the peer has reason to send something now. True for a descriptor that this crate did not open.
    pub(crate) fn expects_input(&self, fd: Fd) -> bool {
        self.sockets.get(&fd).is_none_or(|socket| socket.exchange.expects_input(self.wait))
    }

    /// The kernel did not take all of a write.
    pub(crate) fn write_incomplete(&mut self, fd: Fd) {
        self.set_writability(fd, Writability::Unknown);
    }

    /// The kernel has reported that a socket is writable, and its owner gets the event.
    pub(crate) fn mark_writable(&mut self, fd: Fd) {
        self.set_writability(fd, Writability::Ready);
    }

    /// Whether a socket is writable, as far as is known.
    pub(crate) fn writability(&self, fd: Fd) -> Writability {
        self.sockets.get(&fd).map(|socket| socket.writability).unwrap_or_default()
    }

    fn set_writability(&mut self, fd: Fd, writability: Writability) {
        if let Some(socket) = self.sockets.get_mut(&fd) {
            socket.writability = writability;
        }
    }

    /// A connect begins.
    pub(crate) fn connecting(&mut self, fd: Fd, to: SocketAddr) {
        if let Some(socket) = self.sockets.get_mut(&fd) {
            socket.writability = Writability::Unknown;
            socket.connecting = Some(to);
        }
    }

    /// A connect, read or write has ended. The first result after a connect in progress is the result of that connect.
    pub(crate) fn io_finished<T>(&mut self, fd: Fd, result: &io::Result<T>, now: impl FnOnce() -> u64) {
        let is_unfinished = |error: &io::Error| errno::is(error, errno::AGAIN) || errno::is(error, errno::INPROGRESS);
        if result.as_ref().is_err_and(is_unfinished) {
            return;
        }
        if let Some(to) = self.sockets.get_mut(&fd).and_then(|socket| socket.connecting.take()) {
            self.finish_connect(FinishedConnect { to, reached: result.is_ok(), at: now() });
        }
    }

    fn finish_connect(&mut self, finished: FinishedConnect) {
        self.finished_connects.retain(|earlier| earlier.to != finished.to);
        if self.finished_connects.len() >= MAX_FINISHED_CONNECTS {
            self.finished_connects.clear();
        }
        self.finished_connects.push(finished);
    }

    /// Takes the connects that have ended since the last call, the last one of each address.
    pub(crate) fn take_finished_connects(&mut self) -> Vec<FinishedConnect> {
        std::mem::take(&mut self.finished_connects)
    }

    /// Keeps an error that a probe took from the kernel, which reports it only once.
    pub(crate) fn set_pending_error(&mut self, fd: Fd, number: u16) {
        if let Some(socket) = self.sockets.get_mut(&fd) {
            socket.pending_error = number;
        }
    }

    /// The kept error, or 0. None for a descriptor that this crate did not open, or has closed.
    pub(crate) fn pending_error(&self, fd: Fd) -> Option<u16> {
        self.sockets.get(&fd).map(|socket| socket.pending_error)
    }

    /// Takes the kept error; 0 is none.
    pub(crate) fn take_pending_error(&mut self, fd: Fd) -> u16 {
        self.sockets.get_mut(&fd).map(|socket| std::mem::take(&mut socket.pending_error)).unwrap_or_default()
    }

    /// A socket was made non-blocking, or blocking again.
    pub(crate) fn set_nonblocking(&mut self, fd: Fd, nonblocking: bool) {
        if let Some(socket) = self.sockets.get_mut(&fd) {
            socket.nonblocking = nonblocking;
        }
    }

    /// Whether it is known that the socket is non-blocking.
    pub(crate) fn is_nonblocking(&self, fd: Fd) -> bool {
        self.sockets.get(&fd).is_some_and(|socket| socket.nonblocking)
    }

    /// Whether a read of one byte returns at once and shows whether there is input: the socket is non-blocking, no
    /// listener, and has no kept error.
    pub(crate) fn can_peek(&self, fd: Fd) -> bool {
        let can_peek = |socket: &Socket| {
            socket.nonblocking && socket.writability != Writability::Never && socket.pending_error == errno::SUCCESS
        };
        self.sockets.get(&fd).is_some_and(can_peek)
    }
}

/// Hashes a descriptor by one multiplication. The runtime's descriptors are random numbers.
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

#[cfg(test)]
#[path = "fd_table_tests.rs"]
mod tests;
