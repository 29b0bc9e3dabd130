//! Conversion of sockets from and to descriptors.
#![expect(unsafe_code, reason = "`FromRawFd` is an unsafe trait method: the caller vouches for the descriptor")]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, RawFd};

use super::socket::Socket;
use super::{TcpListener, TcpStream, UdpSocket};
use crate::sys::Descriptor;

impl FromRawFd for Socket {
    unsafe fn from_raw_fd(fd: RawFd) -> Self {
        // SAFETY: the caller hands over the descriptor, as this method requires.
        Self::foreign(unsafe { Descriptor::from_raw_fd(fd) })
    }
}

impl FromRawFd for TcpStream {
    unsafe fn from_raw_fd(fd: RawFd) -> Self {
        // SAFETY: the caller hands over the descriptor, as this method requires.
        Self::new(unsafe { Socket::from_raw_fd(fd) })
    }
}

impl FromRawFd for TcpListener {
    unsafe fn from_raw_fd(fd: RawFd) -> Self {
        // SAFETY: the caller hands over the descriptor, as this method requires.
        let socket = unsafe { Socket::from_raw_fd(fd) };
        let address = socket.get_local();
        Self::of(socket, address)
    }
}

/// The traits that give access to the descriptor of the socket inside.
macro_rules! impl_fd_access {
    ($($name:ty),*) => {$(
        impl AsRef<Socket> for $name {
            fn as_ref(&self) -> &Socket {
                &self.socket
            }
        }

        impl AsMut<Socket> for $name {
            fn as_mut(&mut self) -> &mut Socket {
                &mut self.socket
            }
        }

        impl AsFd for $name {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.socket.as_fd()
            }
        }

        impl AsRawFd for $name {
            fn as_raw_fd(&self) -> RawFd {
                self.socket.as_raw_fd()
            }
        }
    )*};
}

impl_fd_access!(TcpStream, TcpListener, UdpSocket);

impl IntoRawFd for TcpStream {
    fn into_raw_fd(self) -> RawFd {
        self.socket.into_raw_fd()
    }
}

impl IntoRawFd for TcpListener {
    fn into_raw_fd(self) -> RawFd {
        self.socket.into_raw_fd()
    }
}
