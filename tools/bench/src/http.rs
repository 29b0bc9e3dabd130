//! Requests whose time is measured. They use testkit's raw connection: a library's client would be part of the figures.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testkit::http::RawConnection;

/// The timeout of a request to a server on this machine.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A request on a connection of its own.
fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
}

/// Whether the response to `GET path` on this machine is 200.
pub(crate) fn is_ok(port: u16, path: &str) -> bool {
    is_ok_at(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), path, REQUEST_TIMEOUT)
}

/// The same at any address. Neither connecting nor a read takes longer than `timeout`.
pub(crate) fn is_ok_at(address: SocketAddr, path: &str, timeout: Duration) -> bool {
    let request = || -> Result<u16> {
        let mut connection = RawConnection::connect_timeout(address, timeout)?;
        connection.send(get(path))?;
        Ok(connection.read_head()?.status)
    };
    request().is_ok_and(|status| status == 200)
}

/// The chunked body of a response, read as it arrives.
#[derive(Debug)]
pub(crate) struct ChunkedBody {
    connection: RawConnection,
    /// From the request's last byte to the body's first.
    pub(crate) time_to_first_byte: Duration,
    /// Unread bytes of the current chunk.
    remaining: usize,
    ended: bool,
}

impl ChunkedBody {
    pub(crate) fn get(port: u16, path: &str) -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut connection = RawConnection::connect_timeout(address, REQUEST_TIMEOUT)?;
        connection.send(get(path))?;
        let start = Instant::now();
        let head = connection.read_head()?;
        ensure!(head.status == 200, "GET {path}: {}", head.text);
        ensure!(head.is_chunked(), "GET {path} is not streamed: {}", head.text);
        let remaining = chunk_size(&mut connection)?;
        while connection.buffered().is_empty() {
            ensure!(connection.read_more()?, "the response was cut");
        }
        Ok(Self { connection, time_to_first_byte: start.elapsed(), remaining, ended: remaining == 0 })
    }

    /// Reads into `buffer`; returns 0 at the end of the body. Chunks go directly into the buffer: copies would slow
    /// down the client, which shares the processors with the service.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        // Only on demand: the next chunk may take long.
        if self.remaining == 0 && !self.ended {
            ensure!(self.connection.read_exact(2)? == b"\r\n", "no line end after a chunk");
            self.remaining = chunk_size(&mut self.connection)?;
            self.ended = self.remaining == 0;
        }
        if self.ended {
            return Ok(0);
        }
        let wanted = buffer.len().min(self.remaining);
        let buffered = self.connection.buffered().len().min(wanted);
        let length = if buffered > 0 {
            let bytes = self.connection.read_exact(buffered)?;
            buffer.get_mut(..buffered).context("no room")?.copy_from_slice(&bytes);
            buffered
        } else {
            self.connection.read(buffer.get_mut(..wanted).unwrap_or_default())?
        };
        ensure!(length > 0, "the response was cut");
        self.remaining -= length;
        Ok(length)
    }
}

fn chunk_size(connection: &mut RawConnection) -> Result<usize> {
    let line = String::from_utf8_lossy(&connection.read_until(b"\r\n")?).into_owned();
    usize::from_str_radix(line.trim_end(), 16).with_context(|| format!("not a chunk size: {line:?}"))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_chunked_body_is_read_to_its_end_in_pieces_of_any_size() -> Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let server = std::thread::spawn(move || -> Result<()> {
            let mut stream = listener.accept()?.0;
            let mut request = [0; 1024];
            ensure!(stream.read(&mut request)? > 0);
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            Ok(write!(stream, "{head}5\r\nabcde\r\n2\r\nfg\r\n0\r\n\r\n")?)
        });
        let mut body = ChunkedBody::get(port, "/")?;
        let (mut buffer, mut all) = ([0; 3], Vec::new());
        loop {
            let length = body.read(&mut buffer)?;
            if length == 0 {
                break;
            }
            all.extend_from_slice(buffer.get(..length).unwrap_or_default());
        }
        assert_eq!(all, b"abcdefg");
        server.join().map_err(|_| anyhow::anyhow!("the server panicked"))?
    }
}
