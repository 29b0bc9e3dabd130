//! A bare socket and the runtime's words for what it can be.
//!
//! [`Socket`] is one descriptor, closed when the value goes. Reads and writes take one buffer or many; many leave in one
//! call, which is what keeps the head and the body of a message in one packet (WasmEdge knows no `TCP_NODELAY`).
//!
//! A call that a signal interrupts is made again: on this platform a process is interrupted whenever it is frozen and thawed.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::ManuallyDrop;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, RawFd};

use crate::host::{self, Address, Piece};
pub use crate::options::{SocketOptLevel, SocketOptName};
use crate::wasi_poll::EVENTTYPE_FD_WRITE;
use crate::{addr, edges, errno};

/// Leaves what is read in the socket (`__WASI_RIFLAGS_RECV_PEEK`).
pub const MSG_PEEK: u16 = 1;
/// Waits until the buffers are full (`__WASI_RIFLAGS_RECV_WAITALL`).
pub const MSG_WAITALL: u16 = 2;
/// In the flags that come back: a datagram was longer than the buffers (`__WASI_ROFLAGS_RECV_DATA_TRUNCATED`).
pub const MSG_TRUNC: u16 = 1;

/// The number of buffers that one call takes (`kIOVMax` in `environ.h`).
const MOST_PIECES: usize = 1024;

/// IPv4 or IPv6 (`__wasi_address_family_t`).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum AddressFamily {
    /// Not said.
    Unspec = 0,
    /// IPv4.
    Inet4 = addr::INET4,
    /// IPv6.
    Inet6 = addr::INET6,
}

impl AddressFamily {
    /// Whether no family is said.
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
    /// Not said.
    Any = 0,
    /// UDP.
    Datagram = 1,
    /// TCP.
    Stream = 2,
}

/// A socket of the runtime; closed when dropped.
#[derive(Debug)]
pub struct Socket {
    fd: RawFd,
}

impl Socket {
    /// Opens a socket.
    ///
    /// # Errors
    /// The runtime's: no descriptor left, or the family is not there.
    pub fn new(family: AddressFamily, kind: SocketType) -> io::Result<Self> {
        let mut fd = 0;
        // SAFETY: `fd` is a live u32, the only thing written to.
        errno::check(unsafe { host::sock_open(family as u32, kind as u32, &mut fd) })?;
        Ok(Self::opened(fd))
    }

    /// The owner of a descriptor that the runtime has just given out.
    fn opened(fd: u32) -> Self {
        edges::opened(fd);
        Self { fd: fd as i32 }
    }

    /// The number as the runtime takes it.
    pub(crate) fn number(&self) -> u32 {
        self.fd as u32
    }

    /// Makes a call until no signal interrupts it, unless the socket has an error that was met while waiting: that comes first.
    fn unless_failed(&self, call: impl FnMut() -> u32) -> io::Result<()> {
        edges::take_failure(self.number())?;
        again(call)
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
        let bufs = bufs.get(..MOST_PIECES).unwrap_or(bufs);
        let mut sent = 0;
        let result = self.unless_failed(|| {
            // SAFETY: `IoSlice` is laid out as the target's iovec, pointer then length, which is `Piece`; std documents it. The runtime
            // only reads through the pointers, and the slices live through the call.
            unsafe { host::sock_send(self.number(), bufs.as_ptr().cast(), bufs.len(), u32::from(flags), &mut sent) }
        });
        let whole = || bufs.iter().map(|buf| buf.len()).sum::<usize>() == sent;
        edges::sent(self.number(), result.is_ok() && whole());
        edges::outcome(self.number(), &result);
        result.map(|()| sent)
    }

    /// Sends one datagram.
    ///
    /// # Errors
    /// The kernel's.
    pub fn send_to(&self, buf: &[u8], to: SocketAddr) -> io::Result<usize> {
        self.send_to_vectored(&[IoSlice::new(buf)], to, 0)
    }

    /// Sends one datagram made of many buffers.
    ///
    /// # Errors
    /// The kernel's.
    pub fn send_to_vectored(&self, bufs: &[IoSlice<'_>], to: SocketAddr, flags: u16) -> io::Result<usize> {
        let bufs = bufs.get(..MOST_PIECES).unwrap_or(bufs);
        let (mut bytes, size) = addr::plain(to.ip());
        let address = Address { buf: bytes.as_mut_ptr(), size };
        let (mut sent, port) = (0, u32::from(to.port()));
        let result = self.unless_failed(|| {
            // SAFETY: as in `send_vectored`; `address` points at `bytes`, of which `size` are there.
            unsafe {
                host::sock_send_to(
                    self.number(),
                    bufs.as_ptr().cast(),
                    bufs.len(),
                    &address,
                    port,
                    u32::from(flags),
                    &mut sent,
                )
            }
        });
        edges::sent(self.number(), result.is_ok());
        result.map(|()| sent)
    }

    /// Reads into one buffer; 0 is the end of the stream.
    ///
    /// # Errors
    /// The kernel's; `WouldBlock` on a non-blocking socket that has nothing.
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.recv_with_flags(buf, 0).map(|(length, _)| length)
    }

    /// Reads into one buffer with [`MSG_PEEK`] or [`MSG_WAITALL`]; the second number has [`MSG_TRUNC`].
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
        let count = bufs.len().min(MOST_PIECES);
        let pieces: *const Piece = bufs.as_mut_ptr().cast();
        let (mut length, mut out) = (0, 0);
        let result = self.unless_failed(|| {
            // SAFETY: `IoSliceMut` is laid out as the target's iovec, which is `Piece`; std documents it. The slices are borrowed for
            // writing and live through the call.
            unsafe { host::sock_recv(self.number(), pieces, count, u32::from(flags), &mut length, &mut out) }
        });
        edges::outcome(self.number(), &result);
        result?;
        Ok((length, out as usize))
    }

    /// Receives one datagram and says where it came from.
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
        let mut storage = [0; addr::STORAGE];
        let address = Address { buf: storage.as_mut_ptr(), size: storage.len() };
        let piece = Piece { buf: buf.as_mut_ptr(), size: buf.len() };
        let (mut length, mut out, mut port) = (0, 0, 0);
        self.unless_failed(|| {
            // SAFETY: `piece` is `buf` and `address` is `storage`, both borrowed for writing; the three numbers are live.
            unsafe {
                host::sock_recv_from(
                    self.number(),
                    &piece,
                    1,
                    &address,
                    u32::from(flags),
                    &mut port,
                    &mut length,
                    &mut out,
                )
            }
        })?;
        let from = addr::from_storage(&storage, port as u16).ok_or(io::ErrorKind::Unsupported)?;
        Ok((length, from, out as usize))
    }

    /// Whether the socket is non-blocking.
    ///
    /// # Errors
    /// The runtime's, when the descriptor is gone.
    pub fn nonblocking(&self) -> io::Result<bool> {
        let mut stat = host::FdStat::default();
        // SAFETY: `stat` is a live value of the type that the runtime fills in.
        errno::check(unsafe { host::fd_fdstat_get(self.number(), &mut stat) })?;
        Ok(stat.flags & host::NONBLOCK != 0)
    }

    /// Makes the socket non-blocking, or blocking again. One system call: a socket has no other flag that would have to be kept.
    ///
    /// # Errors
    /// The runtime's, when the descriptor is gone.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        let flags = if nonblocking { host::NONBLOCK } else { 0 };
        // SAFETY: takes numbers only.
        errno::check(unsafe { host::fd_fdstat_set_flags(self.number(), u32::from(flags)) })?;
        edges::blocks(self.number(), !nonblocking);
        Ok(())
    }

    /// Connects. On a non-blocking socket the error of number 26 (in progress) is the rule: ready to write, it is connected or has failed, which
    /// [`Socket::take_error`] tells apart.
    ///
    /// # Errors
    /// The kernel's.
    pub fn connect(&self, to: &SocketAddr) -> io::Result<()> {
        let (mut bytes, size) = addr::plain(to.ip());
        let address = Address { buf: bytes.as_mut_ptr(), size };
        edges::connects(self.number(), *to);
        let began = host::now();
        // SAFETY: `address` points at `bytes`, of which `size` are there, and both live through the call.
        let result = errno::check(unsafe { host::sock_connect(self.number(), &address, u32::from(to.port())) });
        let result = match result {
            // The kernel goes on connecting. A second call would say "already", so the wait is for the outcome.
            Err(error) if errno::is(&error, errno::INTR) => self.connected(began),
            result => result,
        };
        edges::outcome(self.number(), &result);
        result
    }

    /// Waits for the outcome of a connect that was interrupted, at most until the time for sending is over since it began; then the error is the one
    /// that the kernel has for it, "in progress".
    fn connected(&self, began: u64) -> io::Result<()> {
        let time = self.get_send_timeout()?;
        let moment = time.map(|time| began.saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)));
        if crate::wait::until_ready(self.number(), EVENTTYPE_FD_WRITE, moment) {
            self.take_error()
        } else {
            Err(errno::error(errno::INPROGRESS.into()))
        }
    }

    /// Binds to a local address.
    ///
    /// # Errors
    /// The kernel's: in use, not ours, not allowed.
    pub fn bind(&self, to: &SocketAddr) -> io::Result<()> {
        let (mut bytes, size) = addr::plain(to.ip());
        let address = Address { buf: bytes.as_mut_ptr(), size };
        // SAFETY: `address` points at `bytes`, of which `size` are there, and both live through the call.
        errno::check(unsafe { host::sock_bind(self.number(), &address, u32::from(to.port())) })
    }

    /// Listens; the kernel bounds `backlog` by `net.core.somaxconn`.
    ///
    /// # Errors
    /// The kernel's.
    pub fn listen(&self, backlog: i32) -> io::Result<()> {
        edges::listens(self.number());
        // SAFETY: takes numbers only.
        errno::check(unsafe { host::sock_listen(self.number(), backlog as u32) })
    }

    /// Accepts a connection.
    ///
    /// # Errors
    /// The kernel's: `WouldBlock` when there is none, numbers 33, 41, 42 and 48 when descriptors or memory are used up.
    pub fn accept(&self, nonblocking: bool) -> io::Result<Self> {
        let mut fd = 0;
        again(|| {
            // SAFETY: `fd` is a live u32, the only thing written to.
            unsafe { host::sock_accept(self.number(), &mut fd) }
        })?;
        let accepted = Self::opened(fd);
        if nonblocking {
            // The kernel hands out blocking sockets here, whatever the listener is.
            accepted.set_nonblocking(true)?;
        }
        Ok(accepted)
    }

    /// The local address.
    ///
    /// # Errors
    /// The kernel's.
    pub fn get_local(&self) -> io::Result<SocketAddr> {
        // SAFETY: `name` passes live places to write to, sixteen bytes among them.
        self.name(|address, family, port| unsafe { host::sock_getlocaladdr(self.number(), address, family, port) })
    }

    /// The peer's address.
    ///
    /// # Errors
    /// The kernel's: number 53 (not connected) also when the peer has reset the connection.
    pub fn get_peer(&self) -> io::Result<SocketAddr> {
        // SAFETY: `name` passes live places to write to, sixteen bytes among them.
        self.name(|address, family, port| unsafe { host::sock_getpeeraddr(self.number(), address, family, port) })
    }

    /// Asks for one of a socket's two addresses.
    fn name(&self, ask: impl FnOnce(*const Address, *mut u32, *mut u32) -> u32) -> io::Result<SocketAddr> {
        let mut bytes = [0; 16];
        let address = Address { buf: bytes.as_mut_ptr(), size: bytes.len() };
        let (mut family, mut port) = (0, 0);
        errno::check(ask(&address, &mut family, &mut port))?;
        addr::from_plain(bytes, family, port).ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    /// Ends one or both directions.
    ///
    /// # Errors
    /// The kernel's, when the socket is not connected.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let flags = match how {
            Shutdown::Read => 1,
            Shutdown::Write => 2,
            Shutdown::Both => 3,
        };
        // SAFETY: takes numbers only.
        errno::check(unsafe { host::sock_shutdown(self.number(), flags) })
    }
}

/// Whether there is something to be read from a non-blocking socket, the end of the stream or an error included. The kernel tells an error once,
/// also to one who only looks: it is kept for the owner's next call.
pub(crate) fn has_something(fd: u32) -> bool {
    let mut byte = 0;
    let piece = Piece { buf: &raw mut byte, size: 1 };
    let (mut length, mut out) = (0, 0);
    // SAFETY: `piece` is `byte`, live like the two numbers; nothing else is written to.
    let result = unsafe { host::sock_recv(fd, &piece, 1, u32::from(MSG_PEEK), &mut length, &mut out) };
    keep(fd, result);
    result != u32::from(errno::AGAIN)
}

/// Whether an error is pending on a socket; it is kept for the owner's next call.
pub(crate) fn has_failed(fd: u32) -> bool {
    let socket = ManuallyDrop::new(Socket { fd: fd as RawFd });
    // No option is no socket: nothing is pending on it.
    let pending = socket.pending_error().unwrap_or_default();
    keep(fd, pending);
    pending != 0
}

/// Keeps the error of a look, unless it says nothing of the socket.
fn keep(fd: u32, result: u32) {
    if ![0, u32::from(errno::AGAIN), u32::from(errno::INTR)].contains(&result) {
        edges::failed(fd, u16::try_from(result).unwrap_or(errno::INVAL));
    }
}

/// Why a descriptor cannot be waited for: it is closed, or (success) it is a file, which is always ready.
pub(crate) fn refuses(fd: u32) -> Option<u16> {
    let mut stat = host::FdStat::default();
    // SAFETY: `stat` is a live value of the type that the runtime fills in.
    let result = unsafe { host::fd_fdstat_get(fd, &mut stat) };
    match result {
        0 => matches!(stat.filetype, host::DIRECTORY | host::REGULAR_FILE).then_some(errno::SUCCESS),
        number => Some(u16::try_from(number).unwrap_or(errno::BADF)),
    }
}

/// Makes a call until no signal interrupts it.
fn again(mut call: impl FnMut() -> u32) -> io::Result<()> {
    loop {
        let result = call();
        if result != u32::from(errno::INTR) {
            return errno::check(result);
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        edges::closed(self.number());
        // SAFETY: takes a number only; the descriptor is this value's own, and the value ends here. What the runtime answers changes nothing.
        let _ = unsafe { host::fd_close(self.number()) };
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.fd
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor is open as long as `self` lives, which the borrow does not outlive; the runtime gives out no -1.
        unsafe { BorrowedFd::borrow_raw(self.fd) }
    }
}

impl IntoRawFd for Socket {
    fn into_raw_fd(self) -> RawFd {
        let fd = self.fd;
        std::mem::forget(self);
        fd
    }
}

impl FromRawFd for Socket {
    unsafe fn from_raw_fd(fd: RawFd) -> Self {
        Self { fd }
    }
}
