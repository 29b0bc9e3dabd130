//! The host functions for descriptors and waits, with safe signatures.

use std::io;
use std::net::SocketAddr;

use super::abi::{self, Address};
use super::poll_types::{Event, Subscription};
use super::{Descriptor, address, errno};

/// What the runtime knows of a descriptor.
pub(crate) struct FdStatus {
    /// Whether it is a regular file or a directory.
    pub(crate) is_file: bool,
    /// Whether it is non-blocking.
    pub(crate) is_nonblocking: bool,
}

/// Repeats a call as long as a signal interrupts it.
pub(super) fn retry(mut call: impl FnMut() -> u32) -> io::Result<()> {
    loop {
        let result = call();
        if result != u32::from(errno::INTR) {
            return errno::check(result);
        }
    }
}

/// Opens a socket of an address family and a type, by the runtime's numbers.
pub(crate) fn open(family: u8, kind: u8) -> io::Result<Descriptor> {
    let mut fd = 0;
    // SAFETY: `fd` is a live u32, the only memory that is written.
    errno::check(unsafe { abi::sock_open(u32::from(family), u32::from(kind), &mut fd) })?;
    Ok(Descriptor::opened(fd))
}

/// Accepts a connection.
pub(crate) fn accept(fd: u32) -> io::Result<Descriptor> {
    let mut accepted = 0;
    retry(|| {
        // SAFETY: `accepted` is a live u32, the only memory that is written.
        unsafe { abi::sock_accept(fd, &mut accepted) }
    })?;
    Ok(Descriptor::opened(accepted))
}

/// Connects. Not repeated after a signal: the kernel goes on connecting.
pub(crate) fn connect(fd: u32, to: &SocketAddr) -> io::Result<()> {
    let (mut bytes, size) = address::plain(to.ip());
    let address = Address { buf: bytes.as_mut_ptr(), size };
    // SAFETY: `address` points at `bytes`, which holds at least `size` bytes, and both outlive the call.
    errno::check(unsafe { abi::sock_connect(fd, &address, u32::from(to.port())) })
}

/// Binds to a local address.
pub(crate) fn bind(fd: u32, to: &SocketAddr) -> io::Result<()> {
    let (mut bytes, size) = address::plain(to.ip());
    let address = Address { buf: bytes.as_mut_ptr(), size };
    // SAFETY: `address` points at `bytes`, which holds at least `size` bytes, and both outlive the call.
    errno::check(unsafe { abi::sock_bind(fd, &address, u32::from(to.port())) })
}

/// Listens.
pub(crate) fn listen(fd: u32, backlog: u32) -> io::Result<()> {
    // SAFETY: the call takes numbers only.
    errno::check(unsafe { abi::sock_listen(fd, backlog) })
}

/// Shuts down reading (1), writing (2) or both (3).
pub(crate) fn shutdown(fd: u32, how: u32) -> io::Result<()> {
    // SAFETY: the call takes numbers only.
    errno::check(unsafe { abi::sock_shutdown(fd, how) })
}

/// The local address.
pub(crate) fn local_address(fd: u32) -> io::Result<SocketAddr> {
    // SAFETY: `socket_address` passes live memory to write to.
    socket_address(|address, family, port| unsafe { abi::sock_getlocaladdr(fd, address, family, port) })
}

/// The peer's address.
pub(crate) fn peer_address(fd: u32) -> io::Result<SocketAddr> {
    // SAFETY: `socket_address` passes live memory to write to.
    socket_address(|address, family, port| unsafe { abi::sock_getpeeraddr(fd, address, family, port) })
}

/// One of the two addresses of a socket.
fn socket_address(call: impl FnOnce(*const Address, *mut u32, *mut u32) -> u32) -> io::Result<SocketAddr> {
    let mut bytes = [0; 16];
    let address = Address { buf: bytes.as_mut_ptr(), size: bytes.len() };
    let (mut family, mut port) = (0, 0);
    errno::check(call(&address, &mut family, &mut port))?;
    address::from_plain(bytes, family, port).ok_or_else(|| io::ErrorKind::Unsupported.into())
}

/// What the runtime knows of a descriptor, or the error number.
pub(crate) fn fd_status(fd: u32) -> Result<FdStatus, u16> {
    let mut stat = abi::FdStat::default();
    // SAFETY: `stat` is a live value of the type that the runtime fills in.
    match unsafe { abi::fd_fdstat_get(fd, &mut stat) } {
        0 => Ok(FdStatus {
            is_file: matches!(stat.filetype, abi::DIRECTORY | abi::REGULAR_FILE),
            is_nonblocking: stat.flags & abi::NONBLOCK != 0,
        }),
        number => Err(u16::try_from(number).unwrap_or(errno::BADF)),
    }
}

/// Makes a socket non-blocking, or blocking again. One system call: a socket has no other flag that would have to be
/// kept.
pub(crate) fn set_nonblocking(fd: u32, nonblocking: bool) -> io::Result<()> {
    let flags = if nonblocking { u32::from(abi::NONBLOCK) } else { 0 };
    // SAFETY: the call takes numbers only.
    errno::check(unsafe { abi::fd_fdstat_set_flags(fd, flags) })
}

/// Waits once. Fills `events` and returns their number, or None when the call fails.
pub(crate) fn poll_oneoff(subscriptions: &[Subscription], events: &mut [Event]) -> Option<usize> {
    let count = subscriptions.len().min(events.len());
    let mut happened = 0;
    // SAFETY: there are at least `count` subscriptions, whose tags match their unions, and as many events. Both outlive
    // the call.
    let result = unsafe { abi::poll_oneoff(subscriptions.as_ptr(), events.as_mut_ptr(), count, &mut happened) };
    (result == 0).then_some(happened)
}
