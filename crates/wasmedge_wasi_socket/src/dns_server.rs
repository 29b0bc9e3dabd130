//! Asking the name server that `DNS_SERVER` names, over TCP.
//!
//! All of a lookup has one bound, by the clock: a server that takes the connection and is silent, one that sends a byte now and then, and a
//! process that is frozen meanwhile are the same to it. The socket is non-blocking and each wait ends at that moment, because a bound
//! that the kernel keeps (`SO_RCVTIMEO`) is one for each call, and begins anew when a signal interrupts the call.

use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::dns::{self, Refusal};
use crate::socket::{AddressFamily, Socket, SocketType};
use crate::wasi_poll::{EVENTTYPE_FD_READ, EVENTTYPE_FD_WRITE, Eventtype};
use crate::{errno, host, wait};

/// How long a lookup may take, in nanoseconds: all questions, answers and connects together.
const BOUND: u64 = 5_000_000_000;

/// The addresses of a name, with port 0: IPv4, or where there is none, IPv6.
pub(crate) fn addresses(server: &str, node: &str) -> Result<Vec<SocketAddr>, u16> {
    let until = host::now().saturating_add(BOUND);
    let server = server
        .parse()
        .or_else(|_| server.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53)))
        .map_err(|_| errno::AISYSTEM)?;
    let mut found = ask(server, node, dns::A, until)?;
    if found.is_empty() {
        found = ask(server, node, dns::AAAA, until)?;
    }
    if found.is_empty() {
        return Err(errno::AINODATA);
    }
    Ok(found.into_iter().map(|address| SocketAddr::new(address, 0)).collect())
}

/// Asks for the addresses of one kind.
fn ask(server: SocketAddr, node: &str, kind: u16, until: u64) -> Result<Vec<IpAddr>, u16> {
    let id = (host::now() >> 10) as u16;
    let question = dns::question(id, node, kind).ok_or(errno::AINONAME)?;
    let message = exchange(server, &question, until).map_err(|_| errno::AIAGAIN)?;
    dns::addresses(id, &message).map_err(|refusal| match refusal {
        Refusal::NoSuchName => errno::AINONAME,
        Refusal::TryAgain | Refusal::Garbled => errno::AIAGAIN,
    })
}

/// Sends a question and reads the answer.
fn exchange(server: SocketAddr, question: &[u8], until: u64) -> io::Result<Vec<u8>> {
    let socket = Socket::new(AddressFamily::from(&server), SocketType::Stream)?;
    socket.set_nonblocking(true)?;
    let bounded = Bounded { socket, until };
    bounded.connect(&server)?;
    bounded.write(question)?;
    let mut length = [0; 2];
    bounded.read(&mut length)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    bounded.read(&mut message)?;
    Ok(message)
}

/// A non-blocking socket, and the moment at which it is given up.
struct Bounded {
    socket: Socket,
    until: u64,
}

impl Bounded {
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
            let sent = self.patiently(EVENTTYPE_FD_WRITE, || self.socket.send(bytes))?;
            bytes = bytes.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    fn read(&self, mut place: &mut [u8]) -> io::Result<()> {
        while !place.is_empty() {
            let read = self.patiently(EVENTTYPE_FD_READ, || self.socket.recv(place))?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            place = place.get_mut(read..).unwrap_or_default();
        }
        Ok(())
    }

    /// Makes a call until it does something, and waits in between.
    fn patiently(&self, kind: Eventtype, mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
        loop {
            match call() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.is_ready(kind)?;
                }
                result => return result,
            }
        }
    }

    /// Waits; whether the socket is ready then, or an error when the time is over.
    fn is_ready(&self, kind: Eventtype) -> io::Result<bool> {
        let ready = wait::until_ready(self.socket.number(), kind, Some(self.until));
        if ready || host::now() < self.until { Ok(ready) } else { Err(io::ErrorKind::TimedOut.into()) }
    }
}
