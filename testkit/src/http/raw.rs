//! One TCP connection: bytes out, bytes in. It sends what no ordinary client would, and reads responses piece by piece.

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::net::sockopt::{set_socket_linger, set_socket_recv_buffer_size};

/// The timeout of each read and write unless [`RawConnection::set_timeout`] sets another one.
const IO_TIMEOUT: Duration = Duration::from_secs(20);

/// One connection to a server.
#[derive(Debug)]
pub struct RawConnection {
    pub(super) stream: TcpStream,
    /// Bytes that were received and not yet consumed.
    pub(super) buffer: Vec<u8>,
    pub(super) timeout: Duration,
}

impl RawConnection {
    /// Connects.
    ///
    /// # Errors
    /// When the server does not accept the connection.
    pub fn connect(address: SocketAddr) -> Result<Self> {
        Self::connect_timeout(address, IO_TIMEOUT)
    }

    /// Connects; neither that nor any later read or write takes longer than `timeout`.
    ///
    /// # Errors
    /// When the server does not accept the connection in time.
    pub fn connect_timeout(address: SocketAddr, timeout: Duration) -> Result<Self> {
        let stream =
            TcpStream::connect_timeout(&address, timeout).with_context(|| format!("no connection to {address}"))?;
        stream.set_nodelay(true)?;
        let mut connection = Self { stream, buffer: Vec::new(), timeout };
        connection.set_timeout(timeout)?;
        Ok(connection)
    }

    /// Connects with a receive buffer of 16 KiB in the kernel, so that the server notices a slow reader early.
    ///
    /// # Errors
    /// As [`RawConnection::connect`].
    pub fn connect_with_small_buffer(address: SocketAddr) -> Result<Self> {
        let connection = Self::connect(address)?;
        connection.set_receive_buffer(16 * 1024)?;
        Ok(connection)
    }

    /// Sets the size of the receive buffer in the kernel, in bytes.
    ///
    /// # Errors
    /// The system's.
    pub fn set_receive_buffer(&self, bytes: usize) -> io::Result<()> {
        Ok(set_socket_recv_buffer_size(&self.stream, bytes)?)
    }

    /// Sets the timeout of each read and write.
    ///
    /// # Errors
    /// When it is zero.
    pub fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.timeout = timeout;
        self.stream.set_read_timeout(Some(timeout))?;
        self.stream.set_write_timeout(Some(timeout))
    }

    /// The socket, for options that are missing here.
    #[must_use]
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// A second handle of the same connection, to send with while this one reads. Received bytes stay with this one.
    ///
    /// # Errors
    /// When the process has no descriptor left.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { stream: self.stream.try_clone()?, buffer: Vec::new(), timeout: self.timeout })
    }

    /// Sends all bytes.
    ///
    /// # Errors
    /// When the connection does not take them in time.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Sends bytes in pieces of `piece` bytes, with a pause after each.
    ///
    /// # Errors
    /// When the connection does not take them in time.
    pub fn send_slowly(&mut self, bytes: impl AsRef<[u8]>, piece: usize, pause: Duration) -> io::Result<()> {
        for piece in bytes.as_ref().chunks(piece.max(1)) {
            self.send(piece)?;
            thread::sleep(pause);
        }
        Ok(())
    }

    /// Closes the sending half; the response can still be read.
    ///
    /// # Errors
    /// When the connection is closed already.
    pub fn shutdown_write(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Closes the connection with a reset (RST).
    ///
    /// # Errors
    /// When the kernel does not accept the option.
    pub fn reset(self) -> io::Result<()> {
        set_socket_linger(&self.stream, Some(Duration::ZERO)).map_err(io::Error::from)
    }
}

#[cfg(test)]
#[path = "raw_tests.rs"]
mod tests;
