//! TCP streams and listeners, like those of `std::net`.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::socket::{AddressFamily, Socket, SocketOptLevel, SocketOptName, SocketType};
use super::to_socket_addrs::{ToSocketAddrs, try_each};
use crate::fd_table;
use crate::sys::errno;

/// The backlog: how many connections may wait to be accepted. The kernel limits it to `net.core.somaxconn`.
const BACKLOG: i32 = 1024;

/// The maximum number of connections that a non-blocking listener accepts in a row, skipped ones included, before it
/// reports that there is none. Each costs the runtime some 20 µs, which delays all other connections during a flood.
/// The poll after four adds a twentieth to the cost.
const MAX_ACCEPTS_IN_A_ROW: u32 = 4;

/// A TCP connection.
#[derive(Debug)]
pub struct TcpStream {
    pub(super) socket: Socket,
}

/// A TCP listener.
#[derive(Debug)]
pub struct TcpListener {
    pub(super) socket: Socket,
    /// The requested address.
    pub address: io::Result<SocketAddr>,
    /// The requested port.
    pub port: Option<u16>,
    /// The number of connections accepted in a row.
    accepts_in_a_row: AtomicU32,
}

/// An iterator over the connections of a listener; see [`TcpListener::incoming`].
#[derive(Debug)]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl TcpStream {
    /// Connects to the first address that accepts the connection, and waits for it.
    ///
    /// # Errors
    /// The error of the last address, or of the name lookup.
    pub fn connect<A: ToSocketAddrs>(addrs: A) -> io::Result<Self> {
        try_each(addrs, |address| {
            let socket = Socket::new(AddressFamily::from(&address), SocketType::Stream)?;
            socket.connect(&address)?;
            Ok(Self { socket })
        })
    }

    /// The stream of a socket that is connected or connecting.
    #[must_use]
    pub fn new(socket: Socket) -> Self {
        Self { socket }
    }

    /// Shuts down one or both directions.
    ///
    /// # Errors
    /// The kernel's.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.socket.shutdown(how)
    }

    /// The peer's address.
    ///
    /// # Errors
    /// The kernel's, when the connection is closed.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket.get_peer()
    }

    /// The local address.
    ///
    /// # Errors
    /// The kernel's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.get_local()
    }

    /// Makes the stream non-blocking, or blocking again.
    ///
    /// # Errors
    /// The runtime's.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.socket.set_nonblocking(nonblocking)
    }
}

impl TcpListener {
    /// Listens on the first address that can be bound, with `SO_REUSEADDR`.
    ///
    /// # Errors
    /// The error of the last address, or of the name lookup.
    pub fn bind<A: ToSocketAddrs>(addrs: A, nonblocking: bool) -> io::Result<Self> {
        try_each(addrs, |address| {
            let socket = Socket::new(AddressFamily::from(&address), SocketType::Stream)?;
            socket.setsockopt(SocketOptLevel::SolSocket, SocketOptName::SoReuseaddr, 1_i32)?;
            socket.bind(&address)?;
            socket.listen(BACKLOG)?;
            socket.set_nonblocking(nonblocking)?;
            Ok(Self::of(socket, Ok(address)))
        })
    }

    /// The listener of a socket.
    pub(super) fn of(socket: Socket, address: io::Result<SocketAddr>) -> Self {
        let port = address.as_ref().ok().map(SocketAddr::port);
        Self { socket, address, port, accepts_in_a_row: AtomicU32::new(0) }
    }

    /// Accepts a connection.
    ///
    /// A connection that the client has already reset is skipped. Health checks of load balancers and port scanners
    /// cause such connections all the time, and an error here would pause an accept loop. A connection with a pending
    /// network error (unreachable, down: accept(2)) is skipped too, but at most three in a row; then the error is
    /// returned, because the next call may fail the same way.
    ///
    /// A non-blocking listener returns `WouldBlock` after four connections in a row, even if there are more. Its next
    /// wait ends at once, and all other tasks run in between. Otherwise a flood of connections would occupy the only
    /// thread.
    ///
    /// # Errors
    /// `WouldBlock` on a non-blocking listener if there is no connection. Errors 33 and 41 (descriptors exhausted), 42
    /// and 48 (memory exhausted): wait before the next call; the connection stays in the kernel's backlog. Other errors
    /// of the kernel, such as 63, forbidden by a firewall rule.
    pub fn accept(&self, nonblocking: bool) -> io::Result<(TcpStream, SocketAddr)> {
        let is_nonblocking = fd_table::with(|table| table.is_nonblocking(self.socket.number()));
        let mut failed = 0;
        loop {
            if is_nonblocking && self.accepts_in_a_row.fetch_add(1, Relaxed) >= MAX_ACCEPTS_IN_A_ROW {
                self.accepts_in_a_row.store(0, Relaxed);
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let socket = match self.socket.accept(nonblocking) {
                Ok(socket) => socket,
                Err(error) if errno::is(&error, errno::CONNABORTED) => continue,
                Err(error) if failed + 1 < MAX_ACCEPTS_IN_A_ROW && errno::is_per_connection(&error) => {
                    failed += 1;
                    continue;
                }
                Err(error) => {
                    self.accepts_in_a_row.store(0, Relaxed);
                    return Err(error);
                }
            };
            // The kernel knows the peer's address as long as the connection exists; an error means that it was reset.
            if let Ok(peer) = socket.get_peer() {
                return Ok((TcpStream { socket }, peer));
            }
        }
    }

    /// An iterator over the connections; each is blocking.
    #[must_use]
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// The local address. If port 0 was requested, it has the port that the kernel chose.
    ///
    /// # Errors
    /// The kernel's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.get_local()
    }
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.listener.accept(false).map(|(stream, _)| stream))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl Read for &TcpStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.socket.recv(buf)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.socket.recv_vectored(bufs, 0).map(|(length, _)| length)
    }
}

impl Write for &TcpStream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.socket.send(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.socket.send_vectored(bufs, 0)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(bufs)
    }
}

impl Write for TcpStream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self).write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl From<Socket> for TcpStream {
    fn from(socket: Socket) -> Self {
        Self { socket }
    }
}
