//! UDP.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use crate::names::{ToSocketAddrs, first_that_works};
use crate::socket::{AddressFamily, Socket, SocketType};

/// A UDP socket.
#[derive(Debug)]
pub struct UdpSocket {
    s: Socket,
}

impl UdpSocket {
    /// Binds to the first address that can be bound.
    ///
    /// # Errors
    /// The last address's error, or the name's.
    pub fn bind<A: ToSocketAddrs>(addrs: A) -> io::Result<Self> {
        first_that_works(addrs, |address| {
            let s = Socket::new(AddressFamily::from(&address), SocketType::Datagram)?;
            s.bind(&address)?;
            Ok(Self { s })
        })
    }

    /// Receives a datagram and says where it came from.
    ///
    /// # Errors
    /// The kernel's.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.s.recv_from(buf)
    }

    /// Sends a datagram to the first of the addresses.
    ///
    /// # Errors
    /// The kernel's, or the name's.
    pub fn send_to<A: ToSocketAddrs>(&self, buf: &[u8], to: A) -> io::Result<usize> {
        let to = to.to_socket_addrs()?.next().ok_or(io::ErrorKind::InvalidInput)?;
        self.s.send_to(buf, to)
    }

    /// The local address.
    ///
    /// # Errors
    /// The kernel's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.s.get_local()
    }
}

impl AsRef<Socket> for UdpSocket {
    fn as_ref(&self) -> &Socket {
        &self.s
    }
}

impl AsMut<Socket> for UdpSocket {
    fn as_mut(&mut self) -> &mut Socket {
        &mut self.s
    }
}

impl AsFd for UdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.s.as_fd()
    }
}

impl AsRawFd for UdpSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.s.as_raw_fd()
    }
}
