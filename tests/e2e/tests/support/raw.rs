//! A socket to the service, for what no client would send, and for reading answers as they come.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::Problem;

/// The longest a test waits for bytes.
const PATIENCE: Duration = Duration::from_secs(20);

/// One connection.
pub(crate) struct Raw {
    socket: TcpStream,
    read: Vec<u8>,
}

/// An answer taken off the wire.
#[derive(Debug)]
pub(crate) struct RawReply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Raw {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect_timeout(&address, PATIENCE).expect("the service accepts connections");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        socket.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        socket.set_nodelay(true).expect("an option");
        Self { socket, read: Vec::new() }
    }

    /// A connection whose kernel buffer for what comes in is as small as can be, so that a reader that stops is felt.
    pub(crate) fn connect_narrow(address: SocketAddr) -> Self {
        let raw = Self::connect(address);
        rustix::net::sockopt::set_socket_recv_buffer_size(&raw.socket, 16 * 1024).expect("a buffer size");
        raw
    }

    /// Sends bytes. A service that has closed already is no failure here: its answer may still be there to read.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.try_send(bytes);
        self
    }

    /// Sends bytes, and tells whether the connection took them.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.socket.write_all(bytes.as_ref())
    }

    /// Another hold on the same connection, to send with while this one reads.
    pub(crate) fn sender(&self) -> Self {
        Self { socket: self.socket.try_clone().expect("a descriptor"), read: Vec::new() }
    }

    /// Ends the sending half.
    pub(crate) fn finish(&mut self) -> &mut Self {
        let _ = self.socket.shutdown(Shutdown::Write);
        self
    }

    /// Drops the connection with a reset instead of a farewell.
    pub(crate) fn reset(self) {
        rustix::net::sockopt::set_socket_linger(&self.socket, Some(Duration::ZERO)).expect("an option");
    }

    /// Reads once; 0 is the end.
    pub(crate) fn read_some(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.socket.read(buffer)
    }

    /// Reads so many pieces of at most a page, with a pause after each; they are the beginning of the next answer.
    pub(crate) fn sip(&mut self, times: usize, pause: Duration) {
        let mut buffer = [0; 4096];
        for _ in 0..times {
            let count = self.socket.read(&mut buffer).expect("something to read");
            self.read.extend_from_slice(&buffer[..count]);
            std::thread::sleep(pause);
        }
    }

    /// The next answer; `None` when the connection ended (or was reset) instead.
    pub(crate) fn reply(&mut self) -> Option<RawReply> {
        self.reply_to("GET")
    }

    /// The next answer to a request of that method: one to HEAD has no body, whatever its head says.
    pub(crate) fn reply_to(&mut self, method: &str) -> Option<RawReply> {
        let end = loop {
            if let Some(at) = find(&self.read, b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more() {
                return None;
            }
        };
        let head: Vec<u8> = self.read.drain(..end).collect();
        let head = String::from_utf8_lossy(&head).into_owned();
        let status =
            head.get(9..12).and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("no status: {head}"));
        let mut reply = RawReply { status, head, body: Vec::new() };
        if method == "HEAD" || status == 204 || status == 304 || status < 200 {
            return Some(reply);
        }
        if reply.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            reply.body = self.chunks()?;
        } else if let Some(length) = reply.header("content-length") {
            let length: usize = length.parse().expect("a length");
            reply.body = self.exactly(length)?;
        } else {
            while self.more() {}
            reply.body = std::mem::take(&mut self.read);
        }
        Some(reply)
    }

    /// The next answer, which must be there.
    #[track_caller]
    pub(crate) fn must_reply(&mut self) -> RawReply {
        self.reply().expect("an answer before the end of the connection")
    }

    /// Everything until the service closes the connection; fails when it does not within the patience of a test.
    #[track_caller]
    pub(crate) fn until_closed(&mut self) -> Vec<u8> {
        let started = Instant::now();
        while self.more() && started.elapsed() < PATIENCE {}
        assert!(started.elapsed() < PATIENCE, "the service did not close the connection");
        std::mem::take(&mut self.read)
    }

    /// Whether the service has ended its half of the connection, without waiting for it. What it wrote is kept.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.socket.set_nonblocking(true).expect("an option");
        let mut buffer = [0; 4096];
        let closed = match self.socket.read(&mut buffer) {
            Ok(0) => true,
            Ok(count) => {
                self.read.extend_from_slice(&buffer[..count]);
                false
            }
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
        self.socket.set_nonblocking(false).expect("an option");
        closed
    }

    /// How long it took the service to close the connection, which it must do within the bound.
    #[track_caller]
    pub(crate) fn closed_within(&mut self, bound: Duration) -> Duration {
        let started = Instant::now();
        self.until_closed();
        let took = started.elapsed();
        assert!(took <= bound, "closed after {took:?} instead of {bound:?}");
        took
    }

    /// Everything up to and with `needle`, if that comes in time; what was read is taken off.
    pub(crate) fn read_until(&mut self, needle: &[u8], bound: Duration) -> Option<Vec<u8>> {
        let started = Instant::now();
        loop {
            if let Some(at) = find(&self.read, needle) {
                return Some(self.read.drain(..at + needle.len()).collect());
            }
            let left = bound.checked_sub(started.elapsed()).filter(|left| !left.is_zero())?;
            self.socket.set_read_timeout(Some(left)).expect("a timeout");
            let more = self.more();
            self.socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            if !more {
                return None;
            }
        }
    }

    /// Reads what is there; false at the end, after a reset, and when nothing comes.
    fn more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.socket.read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => {
                    self.read.extend_from_slice(&buffer[..count]);
                    return true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    fn exactly(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.read.len() < length {
            if !self.more() {
                return None;
            }
        }
        Some(self.read.drain(..length).collect())
    }

    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(at) = find(&self.read, b"\r\n") {
                let line: Vec<u8> = self.read.drain(..at + 2).take(at).collect();
                return Some(String::from_utf8_lossy(&line).into_owned());
            }
            if !self.more() {
                return None;
            }
        }
    }

    /// A chunked body; `None` when it is cut short.
    fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(self.line()?.trim(), 16).expect("a chunk's size");
            body.extend(self.exactly(size)?);
            self.exactly(2)?;
            if size == 0 {
                return Some(body);
            }
        }
    }
}

impl RawReply {
    /// Checks that it is a problem, whichever it is.
    #[track_caller]
    pub(crate) fn expect_any_problem(&self) -> Problem {
        let text = self.text();
        let slug = text.split_once("\"urn:order-service:problem:").and_then(|(_, rest)| rest.split('"').next());
        let slug = slug.unwrap_or_else(|| panic!("no problem: {} {text}", self.head));
        self.expect_problem(self.status, slug)
    }

    /// A header's value, if it is there.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The problem it must be.
    #[track_caller]
    pub(crate) fn expect_problem(&self, status: u16, slug: &str) -> Problem {
        let (content_type, request_id) = (self.header("content-type"), self.header("x-request-id"));
        Problem::check(status, slug, self.status, content_type, request_id, &self.body)
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
