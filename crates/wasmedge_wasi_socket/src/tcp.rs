//! TCP: streams and listeners, as `std::net` has them.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, RawFd};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::names::{ToSocketAddrs, first_that_works};
use crate::socket::{AddressFamily, Socket, SocketOptLevel, SocketOptName, SocketType};
use crate::{edges, errno};

/// How many connections may wait to be accepted; the kernel bounds it by `net.core.somaxconn`.
const BACKLOG: i32 = 1024;

/// How many connections a non-blocking listener gives in a row, those that are passed over included, until it says that there is none. Each
/// costs the runtime some 20 µs, which is what the others wait for in a flood; the wait after four adds a twentieth to that.
const TURN: u32 = 4;

/// A TCP connection.
#[derive(Debug)]
pub struct TcpStream {
    s: Socket,
}

/// A TCP listener.
#[derive(Debug)]
pub struct TcpListener {
    s: Socket,
    /// The address that was asked for.
    pub address: io::Result<SocketAddr>,
    /// The port that was asked for.
    pub port: Option<u16>,
    /// Connections accepted in a row.
    in_a_row: AtomicU32,
}

/// The connections of a listener, one after another; see [`TcpListener::incoming`].
#[derive(Debug)]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl TcpStream {
    /// Connects to the first address that takes the connection, waiting for it.
    ///
    /// # Errors
    /// The last address's error, or the name's.
    pub fn connect<A: ToSocketAddrs>(addrs: A) -> io::Result<Self> {
        first_that_works(addrs, |address| {
            let s = Socket::new(AddressFamily::from(&address), SocketType::Stream)?;
            s.connect(&address)?;
            Ok(Self { s })
        })
    }

    /// The stream of a socket that is connected or about to be.
    #[must_use]
    pub fn new(s: Socket) -> Self {
        Self { s }
    }

    /// Ends one or both directions.
    ///
    /// # Errors
    /// The kernel's.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.s.shutdown(how)
    }

    /// The peer's address.
    ///
    /// # Errors
    /// The kernel's, when the connection is gone.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.s.get_peer()
    }

    /// The local address.
    ///
    /// # Errors
    /// The kernel's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.s.get_local()
    }

    /// Makes the stream non-blocking, or blocking again.
    ///
    /// # Errors
    /// The runtime's.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.s.set_nonblocking(nonblocking)
    }
}

impl TcpListener {
    /// Listens on the first address that can be bound, with `SO_REUSEADDR`.
    ///
    /// # Errors
    /// The last address's error, or the name's.
    pub fn bind<A: ToSocketAddrs>(addrs: A, nonblocking: bool) -> io::Result<Self> {
        first_that_works(addrs, |address| {
            let s = Socket::new(AddressFamily::from(&address), SocketType::Stream)?;
            s.setsockopt(SocketOptLevel::SolSocket, SocketOptName::SoReuseaddr, 1_i32)?;
            s.bind(&address)?;
            s.listen(BACKLOG)?;
            s.set_nonblocking(nonblocking)?;
            Ok(Self { s, port: Some(address.port()), address: Ok(address), in_a_row: AtomicU32::new(0) })
        })
    }

    /// Accepts a connection.
    ///
    /// A connection that its client has reset meanwhile is no connection: it is passed over and the next one is taken. Health checks of load
    /// balancers and port scanners make such connections all the time, and an error here would make an accept loop pause. So is one for which
    /// the network has an error already (unreachable, down: accept(2)), but for three in a row, after which the error is given: the next call
    /// might meet the same.
    ///
    /// A non-blocking listener says `WouldBlock` after four connections in a row even if there are more: its next wait ends at once, and
    /// meanwhile everybody else has had a turn. Without that a flood keeps an accept loop, and with it the one thread, to itself.
    ///
    /// # Errors
    /// `WouldBlock` on a non-blocking listener when there is none. Otherwise descriptors (33, 41) or memory (42, 48) used up, after which wait a
    /// little before the next call: a connection that is waiting stays in the kernel's queue. And whatever else the kernel has, as that a rule of
    /// its filter forbids it (63).
    pub fn accept(&self, nonblocking: bool) -> io::Result<(TcpStream, SocketAddr)> {
        let shares = edges::returns_at_once(self.s.as_raw_fd() as u32);
        let mut failed = 0;
        loop {
            if shares && self.in_a_row.fetch_add(1, Relaxed) >= TURN {
                self.in_a_row.store(0, Relaxed);
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let s = match self.s.accept(nonblocking) {
                Ok(s) => s,
                Err(error) if errno::is(&error, errno::CONNABORTED) => continue,
                Err(error) if failed + 1 < TURN && errno::is_of_one_connection(&error) => {
                    failed += 1;
                    continue;
                }
                Err(error) => {
                    self.in_a_row.store(0, Relaxed);
                    return Err(error);
                }
            };
            // The kernel has the peer's address as long as the connection stands, so failing to have it says that it was reset.
            if let Ok(peer) = s.get_peer() {
                return Ok((TcpStream { s }, peer));
            }
        }
    }

    /// The connections, one after another, each blocking.
    #[must_use]
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// The local address; with port 0 asked for, the port that the kernel chose.
    ///
    /// # Errors
    /// The kernel's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.s.get_local()
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
        self.s.recv(buf)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.s.recv_vectored(bufs, 0).map(|(length, _)| length)
    }
}

impl Write for &TcpStream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.s.send(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.s.send_vectored(bufs, 0)
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
    fn from(s: Socket) -> Self {
        Self { s }
    }
}

impl FromRawFd for TcpStream {
    unsafe fn from_raw_fd(fd: RawFd) -> Self {
        // SAFETY: the caller gives up the descriptor, as this function asks of it.
        Self { s: unsafe { Socket::from_raw_fd(fd) } }
    }
}

impl FromRawFd for TcpListener {
    unsafe fn from_raw_fd(fd: RawFd) -> Self {
        // SAFETY: the caller gives up the descriptor, as this function asks of it.
        let s = unsafe { Socket::from_raw_fd(fd) };
        let address = s.get_local();
        Self { port: address.as_ref().ok().map(SocketAddr::port), address, s, in_a_row: AtomicU32::new(0) }
    }
}

/// The traits that give access to the socket and its number, the same for both types.
macro_rules! lends_its_socket {
    ($name:ty) => {
        impl AsRef<Socket> for $name {
            fn as_ref(&self) -> &Socket {
                &self.s
            }
        }

        impl AsMut<Socket> for $name {
            fn as_mut(&mut self) -> &mut Socket {
                &mut self.s
            }
        }

        impl AsFd for $name {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.s.as_fd()
            }
        }

        impl AsRawFd for $name {
            fn as_raw_fd(&self) -> RawFd {
                self.s.as_raw_fd()
            }
        }

        impl IntoRawFd for $name {
            fn into_raw_fd(self) -> RawFd {
                self.s.into_raw_fd()
            }
        }
    };
}

lends_its_socket!(TcpStream);
lends_its_socket!(TcpListener);
