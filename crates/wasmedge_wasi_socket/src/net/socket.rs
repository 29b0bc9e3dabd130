//! A bare socket, and the runtime's types of sockets.
//!
//! A [`Socket`] is one descriptor, closed when dropped. A read or write takes one buffer or many. Many buffers leave in
//! one call, so the head and the body of a message share a packet (WasmEdge has no `TCP_NODELAY`).
//!
//! A call that a signal interrupts is repeated: freezing and thawing a process interrupts its calls.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::ManuallyDrop;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, RawFd};

pub use super::options::{SocketOptLevel, SocketOptName};
use crate::fd_table;
use crate::poller::wasi_backend::{mark_active, wait_until_ready};
use crate::sys::poll_types::EVENTTYPE_FD_WRITE;
use crate::sys::{Descriptor, calls, clock, errno, transfer};

/// Reads without taking the input (`__WASI_RIFLAGS_RECV_PEEK`).
pub const MSG_PEEK: u16 = transfer::PEEK;
/// Waits until the buffers are full (`__WASI_RIFLAGS_RECV_WAITALL`).
pub const MSG_WAITALL: u16 = 2;
/// In the returned flags: a datagram was longer than the buffers (`__WASI_ROFLAGS_RECV_DATA_TRUNCATED`).
pub const MSG_TRUNC: u16 = 1;

/// IPv4 or IPv6 (`__wasi_address_family_t`).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum AddressFamily {
    /// Unspecified.
    Unspec = 0,
    /// IPv4.
    Inet4 = 1,
    /// IPv6.
    Inet6 = 2,
}

impl AddressFamily {
    /// Whether it is unspecified.
    #[must_use]
    pub fn is_unspec(&self) -> bool {
        *self == Self::Unspec
    }

    /// Whether it is IPv4.
    #[must_use]
    pub fn is_v4(&self) -> bool {
        *self == Self::Inet4
    }

    /// Whether it is IPv6.
    #[must_use]
    pub fn is_v6(&self) -> bool {
        *self == Self::Inet6
    }
}

impl From<&SocketAddr> for AddressFamily {
    fn from(address: &SocketAddr) -> Self {
        if address.is_ipv4() { Self::Inet4 } else { Self::Inet6 }
    }
}

/// A stream or datagrams (`__wasi_sock_type_t`).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SocketType {
    /// Unspecified.
    Any = 0,
    /// UDP.
    Datagram = 1,
    /// TCP.
    Stream = 2,
}

/// A socket of the runtime; closed when dropped.
#[derive(Debug)]
pub struct Socket {
    descriptor: Descriptor,
}

impl Socket {
    /// Opens a socket.
    ///
    /// # Errors
    /// The runtime's: the limit of descriptors is reached, or the family is not supported.
    pub fn new(family: AddressFamily, kind: SocketType) -> io::Result<Self> {
        calls::open(family as u8, kind as u8).map(Self::opened)
    }

    /// The socket of a descriptor that was just opened.
    fn opened(descriptor: Descriptor) -> Self {
        fd_table::with(|table| table.opened(descriptor.number()));
        mark_active(descriptor.number());
        Self { descriptor }
    }

    /// The socket of a descriptor that another crate has opened; nothing is known of it.
    pub(super) fn foreign(descriptor: Descriptor) -> Self {
        Self { descriptor }
    }

    /// The number as the runtime takes it.
    pub(crate) fn number(&self) -> u32 {
        self.descriptor.number()
    }

    /// Returns the error that a probe took from the kernel.
    pub(super) fn check_pending_error(&self) -> io::Result<()> {
        errno::check(fd_table::with(|table| table.take_pending_error(self.number())).into())
    }

    /// Records the end of a write of `length` bytes.
    fn written(&self, length: usize, result: &io::Result<usize>) {
        fd_table::with(|table| {
            if result.is_ok() {
                table.sent(self.number());
            }
            if !result.as_ref().is_ok_and(|sent| *sent == length) {
                table.write_incomplete(self.number());
            }
        });
        mark_active(self.number());
    }

    /// Records the result of a connect, read or write.
    fn finished<T>(&self, result: &io::Result<T>) {
        fd_table::with(|table| table.io_finished(self.number(), result, clock::now));
    }

    /// Writes one buffer.
    ///
    /// # Errors
    /// The kernel's; `WouldBlock` on a non-blocking socket that is full.
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.send_vectored(&[IoSlice::new(buf)], 0)
    }

    /// Writes many buffers in one call, the first 1,024 of them. `flags` is passed on; the runtime knows none.
    ///
    /// # Errors
    /// As for [`Socket::send`].
    pub fn send_vectored(&self, bufs: &[IoSlice<'_>], flags: u16) -> io::Result<usize> {
        let bufs = bufs.get(..transfer::MAX_IOVECS).unwrap_or(bufs);
        let result = self.check_pending_error().and_then(|()| transfer::send(self.number(), bufs, flags));
        self.written(bufs.iter().map(|buf| buf.len()).sum(), &result);
        self.finished(&result);
        result
    }

    /// Sends one datagram.
    ///
    /// # Errors
    /// The kernel's.
    pub fn send_to(&self, buf: &[u8], to: SocketAddr) -> io::Result<usize> {
        self.send_to_vectored(&[IoSlice::new(buf)], to, 0)
    }

    /// Sends one datagram of many buffers.
    ///
    /// # Errors
    /// The kernel's.
    pub fn send_to_vectored(&self, bufs: &[IoSlice<'_>], to: SocketAddr, flags: u16) -> io::Result<usize> {
        let bufs = bufs.get(..transfer::MAX_IOVECS).unwrap_or(bufs);
        let result = self.check_pending_error().and_then(|()| transfer::send_to(self.number(), bufs, to, flags));
        self.written(bufs.iter().map(|buf| buf.len()).sum(), &result);
        result
    }

    /// Reads into one buffer; 0 is the end of the stream.
    ///
    /// # Errors
    /// The kernel's; `WouldBlock` on a non-blocking socket without input.
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.recv_with_flags(buf, 0).map(|(length, _)| length)
    }

    /// Reads into one buffer with [`MSG_PEEK`] or [`MSG_WAITALL`]; the second number may contain [`MSG_TRUNC`].
    ///
    /// # Errors
    /// As for [`Socket::recv`].
    pub fn recv_with_flags(&self, buf: &mut [u8], flags: u16) -> io::Result<(usize, usize)> {
        self.recv_vectored(&mut [IoSliceMut::new(buf)], flags)
    }

    /// Reads into many buffers in one call, the first 1,024 of them.
    ///
    /// # Errors
    /// As for [`Socket::recv`].
    pub fn recv_vectored(&self, bufs: &mut [IoSliceMut<'_>], flags: u16) -> io::Result<(usize, usize)> {
        let result = self.check_pending_error().and_then(|()| transfer::receive(self.number(), bufs, flags));
        self.finished(&result);
        if result.is_ok() && flags & transfer::PEEK == 0 {
            fd_table::with(|table| table.received(self.number()));
        }
        result.map(|(length, out)| (length, out as usize))
    }

    /// Receives one datagram and returns its sender.
    ///
    /// # Errors
    /// The kernel's.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.recv_from_with_flags(buf, 0).map(|(length, from, _)| (length, from))
    }

    /// The same with flags, as for [`Socket::recv_with_flags`].
    ///
    /// # Errors
    /// The kernel's.
    pub fn recv_from_with_flags(&self, buf: &mut [u8], flags: u16) -> io::Result<(usize, SocketAddr, usize)> {
        self.check_pending_error()?;
        transfer::receive_from(self.number(), buf, flags).map(|(length, from, out)| (length, from, out as usize))
    }

    /// Whether the socket is non-blocking.
    ///
    /// # Errors
    /// The runtime's, when the descriptor is closed.
    pub fn nonblocking(&self) -> io::Result<bool> {
        let status = calls::fd_status(self.number()).map_err(|number| errno::error(number.into()))?;
        Ok(status.is_nonblocking)
    }

    /// Makes the socket non-blocking, or blocking again.
    ///
    /// # Errors
    /// The runtime's, when the descriptor is closed.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        calls::set_nonblocking(self.number(), nonblocking)?;
        fd_table::with(|table| table.set_nonblocking(self.number(), nonblocking));
        Ok(())
    }

    /// Connects. A non-blocking socket usually returns error 26 (in progress) and becomes writable when it is connected
    /// or has failed; [`Socket::take_error`] tells which.
    ///
    /// # Errors
    /// The kernel's.
    pub fn connect(&self, to: &SocketAddr) -> io::Result<()> {
        fd_table::with(|table| table.connecting(self.number(), *to));
        let began = clock::now();
        let result = match calls::connect(self.number(), to) {
            // The kernel goes on connecting, and a second call would fail. So this waits for the result.
            Err(error) if errno::is(&error, errno::INTR) => self.wait_until_connected(began),
            result => result,
        };
        self.finished(&result);
        result
    }

    /// Waits for the result of an interrupted connect until the send timeout since `began` has passed; then the error
    /// is the kernel's, "in progress".
    fn wait_until_connected(&self, began: u64) -> io::Result<()> {
        let timeout = self.get_send_timeout()?;
        let nanoseconds = |timeout: std::time::Duration| u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        let deadline = timeout.map(|timeout| began.saturating_add(nanoseconds(timeout)));
        if wait_until_ready(self.number(), EVENTTYPE_FD_WRITE, deadline) {
            self.take_error()
        } else {
            Err(errno::error(errno::INPROGRESS.into()))
        }
    }

    /// Binds to a local address.
    ///
    /// # Errors
    /// The kernel's: the address is in use, not local, or not permitted.
    pub fn bind(&self, to: &SocketAddr) -> io::Result<()> {
        calls::bind(self.number(), to)
    }

    /// Listens; the kernel limits `backlog` to `net.core.somaxconn`.
    ///
    /// # Errors
    /// The kernel's.
    pub fn listen(&self, backlog: i32) -> io::Result<()> {
        fd_table::with(|table| table.listening(self.number()));
        calls::listen(self.number(), backlog as u32)
    }

    /// Accepts a connection.
    ///
    /// # Errors
    /// The kernel's: `WouldBlock` if there is none, numbers 33, 41, 42 and 48 if descriptors or memory are exhausted.
    pub fn accept(&self, nonblocking: bool) -> io::Result<Self> {
        let accepted = Self::opened(calls::accept(self.number())?);
        if nonblocking {
            // The runtime accepts blocking sockets, also from a non-blocking listener.
            accepted.set_nonblocking(true)?;
        }
        Ok(accepted)
    }

    /// The local address.
    ///
    /// # Errors
    /// The kernel's.
    pub fn get_local(&self) -> io::Result<SocketAddr> {
        calls::local_address(self.number())
    }

    /// The peer's address.
    ///
    /// # Errors
    /// The kernel's: number 53 (not connected) also if the peer has reset the connection.
    pub fn get_peer(&self) -> io::Result<SocketAddr> {
        calls::peer_address(self.number())
    }

    /// Shuts down one or both directions.
    ///
    /// # Errors
    /// The kernel's, when the socket is not connected.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let flags = match how {
            Shutdown::Read => 1,
            Shutdown::Write => 2,
            Shutdown::Both => 3,
        };
        calls::shutdown(self.number(), flags)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        fd_table::with(|table| table.closed(self.number(), clock::now));
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.descriptor.as_raw_fd()
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl IntoRawFd for Socket {
    fn into_raw_fd(self) -> RawFd {
        // The descriptor stays open, and the table keeps what is known of it.
        ManuallyDrop::new(self).as_raw_fd()
    }
}
