//! Queries the name server of `DNS_SERVER` over TCP.
//!
//! A whole lookup has one deadline. It holds for a server that accepts the connection and stays silent, for one that
//! sends a byte now and then, and for a process that is frozen meanwhile. The socket is non-blocking and each wait ends
//! at the deadline. A timeout of the kernel (`SO_RCVTIMEO`) would apply to each call, and start again after a signal.

use std::io;
use std::net::{IpAddr, SocketAddr};

use super::dns_message::{self, ResponseError};
use crate::net::socket::{AddressFamily, Socket, SocketType};
use crate::poller::wasi_backend::wait_until_ready;
use crate::sys::poll_types::{EVENTTYPE_FD_READ, EVENTTYPE_FD_WRITE, Eventtype};
use crate::sys::{clock, errno};

/// The time for a lookup, with all connects, queries and responses, in nanoseconds.
const LOOKUP_TIMEOUT: u64 = 5_000_000_000;

/// The addresses of a name, with port 0: IPv4, or if there is none, IPv6.
pub(crate) fn addresses(server: &str, node: &str) -> Result<Vec<SocketAddr>, u16> {
    let deadline = clock::now().saturating_add(LOOKUP_TIMEOUT);
    let server = server
        .parse()
        .or_else(|_| server.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53)))
        .map_err(|_| errno::AISYSTEM)?;
    let mut found = query(server, node, dns_message::A, deadline)?;
    if found.is_empty() {
        found = query(server, node, dns_message::AAAA, deadline)?;
    }
    if found.is_empty() {
        return Err(errno::AINODATA);
    }
    Ok(found.into_iter().map(|address| SocketAddr::new(address, 0)).collect())
}

/// Queries the addresses of one record type.
fn query(server: SocketAddr, node: &str, record_type: u16, deadline: u64) -> Result<Vec<IpAddr>, u16> {
    let id = (clock::now() >> 10) as u16;
    let query = dns_message::query(id, node, record_type).ok_or(errno::AINONAME)?;
    let response = exchange(server, &query, deadline).map_err(|_| errno::AIAGAIN)?;
    dns_message::addresses(id, &response).map_err(|error| match error {
        ResponseError::NoSuchName => errno::AINONAME,
        ResponseError::TryAgain | ResponseError::Invalid => errno::AIAGAIN,
    })
}

/// Sends a query and reads the response.
fn exchange(server: SocketAddr, query: &[u8], deadline: u64) -> io::Result<Vec<u8>> {
    let socket = Socket::new(AddressFamily::from(&server), SocketType::Stream)?;
    socket.set_nonblocking(true)?;
    let connection = Connection { socket, deadline };
    connection.connect(&server)?;
    connection.write(query)?;
    let mut length = [0; 2];
    connection.read(&mut length)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    connection.read(&mut message)?;
    Ok(message)
}

/// A non-blocking socket with a deadline.
struct Connection {
    socket: Socket,
    deadline: u64,
}

impl Connection {
    fn connect(&self, to: &SocketAddr) -> io::Result<()> {
        match self.socket.connect(to) {
            Err(error) if errno::is(&error, errno::INPROGRESS) => {
                while !self.is_ready(EVENTTYPE_FD_WRITE)? {}
                self.socket.take_error()
            }
            result => result,
        }
    }

    fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let sent = self.retry_when_ready(EVENTTYPE_FD_WRITE, || self.socket.send(bytes))?;
            bytes = bytes.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    fn read(&self, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            let read = self.retry_when_ready(EVENTTYPE_FD_READ, || self.socket.recv(buffer))?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            buffer = buffer.get_mut(read..).unwrap_or_default();
        }
        Ok(())
    }

    /// Makes a call, and repeats it when the socket is ready, as long as it would block.
    fn retry_when_ready(&self, kind: Eventtype, mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
        loop {
            match call() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.is_ready(kind)?;
                }
                result => return result,
            }
        }
    }

    /// Waits; returns whether the socket is ready, or an error after the deadline.
    fn is_ready(&self, kind: Eventtype) -> io::Result<bool> {
        let ready = wait_until_ready(self.socket.number(), kind, Some(self.deadline));
        if ready || clock::now() < self.deadline { Ok(ready) } else { Err(io::ErrorKind::TimedOut.into()) }
    }
}
