//! UDP sockets.

use std::io;
use std::net::SocketAddr;

use super::socket::{AddressFamily, Socket, SocketType};
use super::to_socket_addrs::{ToSocketAddrs, try_each};

/// A UDP socket.
#[derive(Debug)]
pub struct UdpSocket {
    pub(super) socket: Socket,
}

impl UdpSocket {
    /// Binds to the first address that can be bound.
    ///
    /// # Errors
    /// The error of the last address, or of the name lookup.
    pub fn bind<A: ToSocketAddrs>(addrs: A) -> io::Result<Self> {
        try_each(addrs, |address| {
            let socket = Socket::new(AddressFamily::from(&address), SocketType::Datagram)?;
            socket.bind(&address)?;
            Ok(Self { socket })
        })
    }

    /// Receives a datagram and returns its sender.
    ///
    /// # Errors
    /// The kernel's.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.socket.recv_from(buf)
    }

    /// Sends a datagram to the first of the addresses.
    ///
    /// # Errors
    /// The kernel's, or that of the name lookup.
    pub fn send_to<A: ToSocketAddrs>(&self, buf: &[u8], to: A) -> io::Result<usize> {
        let to = to.to_socket_addrs()?.next().ok_or(io::ErrorKind::InvalidInput)?;
        self.socket.send_to(buf, to)
    }

    /// The local address.
    ///
    /// # Errors
    /// The kernel's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.get_local()
    }
}
