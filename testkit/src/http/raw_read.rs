//! Reading from a [`RawConnection`]: bytes, chunks and whole responses.

use std::io::{self, ErrorKind, Read};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::raw::RawConnection;
use super::raw_response::{RawHead, RawResponse};

impl RawConnection {
    /// Bytes that were received and not yet consumed.
    #[must_use]
    pub fn buffered(&self) -> &[u8] {
        &self.buffer
    }

    /// Receives once, past what is [`RawConnection::buffered`]; 0 at the end.
    ///
    /// # Errors
    /// When the connection was reset, or nothing came in time.
    pub fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.read(into)
    }

    /// Receives `times` pieces of at most 4 KiB into the buffer, with a pause after each.
    ///
    /// # Errors
    /// When a piece does not come.
    pub fn read_slowly(&mut self, times: usize, pause: Duration) -> Result<()> {
        for _ in 0..times {
            ensure!(self.fill(4096)?, "the connection ended");
            thread::sleep(pause);
        }
        Ok(())
    }

    /// Receives more bytes into the buffer; false at the end of the connection.
    ///
    /// # Errors
    /// When the connection was reset, or nothing came in time.
    pub fn read_more(&mut self) -> io::Result<bool> {
        self.fill(16 * 1024)
    }

    fn fill(&mut self, limit: usize) -> io::Result<bool> {
        let start = self.buffer.len();
        self.buffer.resize(start + limit, 0);
        let result = loop {
            match self.stream.read(self.buffer.get_mut(start..).unwrap_or_default()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(start + result.as_ref().copied().unwrap_or_default());
        result.map(|count| count > 0)
    }

    /// Reads up to and including `end`.
    ///
    /// # Errors
    /// When the connection ends, is reset or is silent before.
    pub fn read_until(&mut self, end: &[u8]) -> Result<Vec<u8>> {
        let mut searched = 0;
        loop {
            let from = self.buffer.get(searched..).unwrap_or_default();
            if let Some(at) = from.windows(end.len()).position(|window| window == end) {
                return Ok(self.buffer.drain(..searched + at + end.len()).collect());
            }
            searched = self.buffer.len().saturating_sub(end.len().saturating_sub(1));
            ensure!(self.read_more()?, "the connection ended after {} bytes", self.buffer.len());
        }
    }

    /// The same, all within `timeout`.
    ///
    /// # Errors
    /// As [`RawConnection::read_until`].
    pub fn read_until_within(&mut self, end: &[u8], timeout: Duration) -> Result<Vec<u8>> {
        let deadline = Instant::now() + timeout;
        let usual = self.timeout;
        let result = loop {
            let remaining = deadline.saturating_duration_since(Instant::now());
            if let Some(at) = self.buffer.windows(end.len()).position(|window| window == end) {
                break Ok(self.buffer.drain(..at + end.len()).collect());
            }
            if remaining.is_zero() {
                break Err(anyhow::anyhow!("not within {timeout:?}"));
            }
            self.set_timeout(remaining)?;
            match self.read_more() {
                Ok(true) => {}
                Ok(false) => break Err(anyhow::anyhow!("the connection ended")),
                Err(error) => break Err(error.into()),
            }
        };
        self.set_timeout(usual)?;
        result
    }

    /// Reads exactly `length` bytes.
    ///
    /// # Errors
    /// When the connection ends, is reset or is silent before.
    pub fn read_exact(&mut self, length: usize) -> Result<Vec<u8>> {
        while self.buffer.len() < length {
            ensure!(self.read_more()?, "the connection ended after {} of {length} bytes", self.buffer.len());
        }
        Ok(self.buffer.drain(..length).collect())
    }

    /// Reads a response's head.
    ///
    /// # Errors
    /// When the connection ends before, or what comes is not HTTP.
    pub fn read_head(&mut self) -> Result<RawHead> {
        let bytes = self.read_until(b"\r\n\r\n")?;
        RawHead::parse(&String::from_utf8_lossy(&bytes))
    }

    /// Reads the next chunk of a chunked body; `None` after the last one.
    ///
    /// # Errors
    /// When the connection ends before, or what comes is not a chunk.
    pub fn read_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        let line = String::from_utf8_lossy(&self.read_until(b"\r\n")?).into_owned();
        let size = usize::from_str_radix(line.trim_end(), 16).with_context(|| format!("not a chunk size: {line:?}"))?;
        let chunk = self.read_exact(size)?;
        ensure!(self.read_exact(2)? == b"\r\n", "no line end after a chunk");
        Ok((size > 0).then_some(chunk))
    }

    /// Reads the next response, to a request that was not `HEAD`.
    ///
    /// # Errors
    /// When the connection ends before its end, or what comes is not HTTP.
    pub fn read_response(&mut self) -> Result<RawResponse> {
        self.read_response_to("GET")
    }

    /// Reads the next response to a request of that method: a response to `HEAD` has no body.
    ///
    /// # Errors
    /// As [`RawConnection::read_response`].
    pub fn read_response_to(&mut self, method: &str) -> Result<RawResponse> {
        let head = self.read_head()?;
        let body = if head.has_no_body(method) {
            Vec::new()
        } else if head.is_chunked() {
            let mut body = Vec::new();
            while let Some(chunk) = self.read_chunk()? {
                body.extend(chunk);
            }
            body
        } else if let Some(length) = head.content_length()? {
            self.read_exact(length)?
        } else {
            self.read_to_end()?
        };
        Ok(RawResponse { head, body })
    }

    /// Reads until the server closes the connection. A reset counts as an end.
    ///
    /// # Errors
    /// When the server does not close it within the timeout of one read after its last byte.
    pub fn read_to_end(&mut self) -> Result<Vec<u8>> {
        loop {
            match self.read_more() {
                Ok(true) => {}
                Err(error) if is_timeout(&error) => bail!("the server did not close the connection"),
                Ok(false) | Err(_) => return Ok(std::mem::take(&mut self.buffer)),
            }
        }
    }

    /// Whether the server has closed or reset the connection. This does not wait, and keeps what the server has sent.
    ///
    /// # Errors
    /// When the socket does not change its mode.
    pub fn is_closed(&mut self) -> io::Result<bool> {
        self.stream.set_nonblocking(true)?;
        let closed = match self.read_more() {
            Ok(more) => !more,
            Err(error) => !is_timeout(&error),
        };
        self.stream.set_nonblocking(false)?;
        Ok(closed)
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
