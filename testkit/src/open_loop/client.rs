//! One connection of an open loop, without blocking.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

/// A client that sends one request at a time.
pub(super) struct Client<'a> {
    address: SocketAddr,
    request: &'a str,
    /// The client's number in the poll.
    index: u64,
    stream: Option<TcpStream>,
    exchange: Option<Exchange>,
}

/// A request without its whole response.
struct Exchange {
    due: Duration,
    sent: Instant,
    /// The bytes of the request that the socket has taken.
    written: usize,
    received: Vec<u8>,
    head: Option<Head>,
}

/// What a response's head says.
#[derive(Clone, Copy)]
struct Head {
    status: u16,
    /// The bytes of the head and the body.
    total: usize,
    closes: bool,
}

/// What became of a request.
pub(super) struct Response {
    /// None where the connection ended without a response.
    pub(super) status: Option<u16>,
    pub(super) due: Duration,
    pub(super) sent: Instant,
}

impl<'a> Client<'a> {
    pub(super) fn new(address: SocketAddr, request: &'a str, index: u64) -> Self {
        Self { address, request, index, stream: None, exchange: None }
    }

    /// When the request in progress was sent.
    pub(super) fn sent_at(&self) -> Option<Instant> {
        self.exchange.as_ref().map(|exchange| exchange.sent)
    }

    /// Opens the connection.
    ///
    /// # Errors
    /// When there is no descriptor left, or nobody listens.
    pub(super) fn connect(&mut self, poll: &OwnedFd) -> Result<()> {
        let family = if self.address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(family, SocketType::STREAM, flags, None).context("cannot open a connection")?;
        match rustix::net::connect(&socket, &self.address) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error).context("cannot open a connection"),
        }
        // Each event once: a socket is always writable, and all input is read at each event.
        let events = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
        epoll::add(poll, &socket, EventData::new_u64(self.index), events)?;
        self.stream = Some(TcpStream::from(socket));
        Ok(())
    }

    /// Sends the request that is due at `due`. An error ends the exchange at the next event.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub(super) fn send(&mut self, due: Duration, poll: &OwnedFd) -> Result<()> {
        if self.stream.is_none() {
            self.connect(poll)?;
        }
        self.exchange = Some(Exchange { due, sent: Instant::now(), written: 0, received: Vec::new(), head: None });
        self.write();
        Ok(())
    }

    /// Writes and reads as far as that goes; returns what became of the request once that is known.
    ///
    /// # Errors
    /// When the response is none that this client can read.
    pub(super) fn advance(&mut self) -> Result<Option<Response>> {
        self.write();
        let has_ended = self.read();
        let Some(exchange) = &mut self.exchange else {
            if has_ended {
                self.stream = None;
            }
            return Ok(None);
        };
        if exchange.head.is_none() {
            exchange.head = parse_head(&exchange.received)?;
        }
        let length = exchange.received.len();
        Ok(match exchange.head.filter(|head| length >= head.total) {
            Some(head) => self.end(Some(head.status), head.closes || has_ended),
            None if has_ended => self.fail(),
            None => None,
        })
    }

    /// Ends the request in progress without a response, and the connection. The next request opens another.
    pub(super) fn fail(&mut self) -> Option<Response> {
        self.end(None, true)
    }

    fn end(&mut self, status: Option<u16>, closes: bool) -> Option<Response> {
        if closes {
            self.stream = None;
        }
        self.exchange.take().map(|Exchange { due, sent, .. }| Response { status, due, sent })
    }

    fn write(&mut self) {
        let (Some(stream), Some(exchange)) = (&mut self.stream, &mut self.exchange) else { return };
        while let Some(rest) = self.request.as_bytes().get(exchange.written..).filter(|rest| !rest.is_empty()) {
            match stream.write(rest) {
                Ok(count) if count > 0 => exchange.written += count,
                // The next event says more.
                _ => return,
            }
        }
    }

    /// Reads all that has come; returns whether the connection has ended.
    fn read(&mut self) -> bool {
        let Some(stream) = &mut self.stream else { return false };
        let mut buffer = [0; 65_536];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return true,
                Ok(count) => {
                    if let Some(exchange) = &mut self.exchange {
                        exchange.received.extend_from_slice(buffer.get(..count).unwrap_or_default());
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // NotConnected: not yet.
                Err(error) => return !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected),
            }
        }
    }
}

/// The head of a response; None if it is not whole.
fn parse_head(received: &[u8]) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = response.parse(received).context("no response of HTTP/1.1")? else {
        return Ok(None);
    };
    let value = |name: &str| {
        let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    };
    let body: usize = value("content-length").and_then(|text| text.parse().ok()).context("no Content-Length")?;
    let closes = value("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Ok(Some(Head { status: response.code.context("no status")?, total: length + body, closes }))
}
