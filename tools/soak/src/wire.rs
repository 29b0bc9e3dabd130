//! A connection that knows what every answer must be, to the byte.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// The longest that any answer may take; the longest freeze is a small part of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// One connection to the service.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    /// What has come and belongs to no answer yet.
    read: Vec<u8>,
}

impl Wire {
    /// A new connection.
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).context("no connection")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::new() })
    }

    /// A new connection with little room for what comes in, so that the service feels a slow reader.
    pub(crate) fn connect_narrow(address: SocketAddr) -> Result<Self> {
        let wire = Self::connect(address)?;
        rustix::net::sockopt::set_socket_recv_buffer_size(&wire.stream, 16 * 1024)?;
        Ok(wire)
    }

    /// Sends all of it at once.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).context("sending failed")
    }

    /// Ends the sending half; the answer can still come.
    pub(crate) fn finish(&self) -> Result<()> {
        self.stream.shutdown(Shutdown::Write).context("the sending half cannot be ended")
    }

    /// Drops the connection with a reset instead of a farewell.
    pub(crate) fn reset(self) -> Result<()> {
        rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO)).context("no reset")
    }

    /// The next answer, its chunks put together and its date taken out, which must be `expected` in every byte.
    pub(crate) fn must_answer(&mut self, expected: &str) -> Result<()> {
        let answer = self.answer()?;
        if answer == expected {
            ensure!(self.read.is_empty(), "{} bytes follow the answer", self.read.len());
            return Ok(());
        }
        bail!("instead of\n{}\nthis came:\n{}", shortened(expected), shortened(&answer))
    }

    /// The end of the connection, which must be next.
    pub(crate) fn must_end(&mut self) -> Result<()> {
        ensure!(!self.more()?, "{} bytes came instead of the end", self.read.len());
        Ok(())
    }

    /// The next answer: its head without the date, and its body.
    pub(crate) fn answer(&mut self) -> Result<String> {
        let head = self.head()?;
        let body = if is_chunked(&head) { self.chunks()? } else { self.take(content_length(&head))? };
        Ok(without_date(&head) + std::str::from_utf8(&body)?)
    }

    fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(piece) = self.chunk()? {
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// Everything up to the empty line, that line included.
    pub(crate) fn head(&mut self) -> Result<String> {
        let bytes = self.until(b"\r\n\r\n")?;
        Ok(String::from_utf8(bytes)?)
    }

    /// The next chunk of a body; none after the last.
    pub(crate) fn chunk(&mut self) -> Result<Option<Vec<u8>>> {
        let line = self.until(b"\r\n")?;
        let line = String::from_utf8(line)?;
        let size = usize::from_str_radix(line.trim_end(), 16).with_context(|| format!("a chunk of size {line:?}"))?;
        let piece = self.take(size)?;
        ensure!(self.take(2)? == b"\r\n", "a chunk does not end where it should");
        Ok((size > 0).then_some(piece))
    }

    /// Reads once; false at the end.
    pub(crate) fn more(&mut self) -> Result<bool> {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(count) => {
                    self.read.extend_from_slice(buffer.get(..count).unwrap_or_default());
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("reading failed"),
            }
        }
    }

    fn until(&mut self, end: &[u8]) -> Result<Vec<u8>> {
        loop {
            if let Some(at) = self.read.windows(end.len()).position(|bytes| bytes == end) {
                return Ok(self.read.drain(..at + end.len()).collect());
            }
            ensure!(self.more()?, "the connection ended within an answer, or before it");
        }
    }

    fn take(&mut self, length: usize) -> Result<Vec<u8>> {
        while self.read.len() < length {
            ensure!(self.more()?, "the connection ended within a body");
        }
        Ok(self.read.drain(..length).collect())
    }
}

/// The head without its line for the date, the one thing that cannot be known before.
pub(crate) fn without_date(head: &str) -> String {
    head.split_inclusive("\r\n").filter(|line| !line.starts_with("date: ")).collect()
}

fn is_chunked(head: &str) -> bool {
    head.contains("\r\ntransfer-encoding: chunked\r\n")
}

fn content_length(head: &str) -> usize {
    let value = head.split("\r\n").find_map(|line| line.strip_prefix("content-length: "));
    value.and_then(|value| value.parse().ok()).unwrap_or_default()
}

/// As much of a text as a person reads.
fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(600).collect();
    if short.len() < text.len() {
        short += &format!("… ({} bytes)", text.len());
    }
    short
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// What a client makes of these bytes from a server.
    fn heard(bytes: &'static [u8], expected: &str) -> Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut wire = Wire::connect(listener.local_addr()?)?;
        listener.accept()?.0.write_all(bytes)?;
        wire.must_answer(expected)
    }

    #[test]
    fn an_answer_is_the_same_in_one_piece_and_in_chunks_and_whatever_its_date() -> Result<()> {
        heard(
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ndate: x\r\n\r\nab",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab",
        )?;
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        heard(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ndate: y\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
            &format!("{head}ab"),
        )
    }

    #[test]
    fn another_byte_one_too_few_and_one_too_many_are_wrong() {
        let expected = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab";
        assert!(heard(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nac", expected).is_err());
        assert!(heard(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na", expected).is_err());
        assert!(heard(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nabc", expected).is_err());
    }
}
