//! As much of an HTTP client as is measured with here.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// One request, and 2xx for an answer.
pub(crate) fn post(port: u16, path: &str, body: &str) -> Result<()> {
    let head = format!("POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n");
    let request = format!("{head}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    whole(port, &request).map(drop)
}

/// `DELETE path`, and 2xx for an answer.
pub(crate) fn delete(port: u16, path: &str) -> Result<()> {
    whole(port, &get(path).replacen("GET", "DELETE", 1)).map(drop)
}

/// The answer of `GET path`, head and all; its chunks are not taken apart.
pub(crate) fn text(port: u16, path: &str) -> Result<String> {
    whole(port, &get(path))
}

fn whole(port: u16, request: &str) -> Result<String> {
    let mut answer = String::new();
    send(port, request)?.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 2"), "{}: {answer}", request.lines().next().unwrap_or_default());
    Ok(answer)
}

/// Whether `GET path` is answered with 200 now.
pub(crate) fn is_served(port: u16, path: &str) -> bool {
    is_served_at(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), path, Duration::from_secs(60))
}

/// The same at any address; nothing of it takes longer than `limit`.
pub(crate) fn is_served_at(address: SocketAddr, path: &str, limit: Duration) -> bool {
    let ask = || -> Result<bool> {
        let mut status = [0; 12];
        send_to(address, &get(path), limit)?.read_exact(&mut status)?;
        Ok(status.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

/// The body of `GET path` in chunks, as it comes.
#[derive(Debug)]
pub(crate) struct Body {
    stream: BufReader<TcpStream>,
    /// From the request's last byte to the body's first.
    pub(crate) first_byte: Duration,
    /// Of the chunk that is being read.
    left: usize,
    ended: bool,
}

impl Body {
    pub(crate) fn get(port: u16, path: &str) -> Result<Self> {
        let stream = send(port, &get(path))?;
        let start = Instant::now();
        let mut stream = BufReader::with_capacity(64 * 1024, stream);
        let mut line = String::new();
        stream.read_line(&mut line)?;
        ensure!(line.contains(" 200 "), "GET {path}: {line}");
        let mut chunked = false;
        while line.trim_end() != "" {
            line.clear();
            stream.read_line(&mut line)?;
            chunked |= line.to_ascii_lowercase().trim_end() == "transfer-encoding: chunked";
        }
        ensure!(chunked, "GET {path} is not streamed: no Transfer-Encoding: chunked");
        let left = chunk_size(&mut stream)?;
        stream.fill_buf()?;
        Ok(Self { stream, first_byte: start.elapsed(), left, ended: left == 0 })
    }

    /// The next bytes into `buffer`; 0 at the proper end.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        // Not before it is asked for: the next chunk may be long in coming.
        if self.left == 0 && !self.ended {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            self.left = chunk_size(&mut self.stream)?;
            self.ended = self.left == 0;
        }
        if self.ended {
            return Ok(0);
        }
        let wanted = buffer.len().min(self.left);
        let length = self.stream.read(buffer.get_mut(..wanted).unwrap_or_default())?;
        ensure!(length > 0, "the answer was cut");
        self.left -= length;
        Ok(length)
    }
}

fn chunk_size(stream: &mut impl BufRead) -> Result<usize> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    usize::from_str_radix(line.trim_end(), 16).with_context(|| format!("a chunk of size {line:?}"))
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
}

fn send(port: u16, request: &str) -> Result<TcpStream> {
    send_to(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), request, Duration::from_secs(60))
}

fn send_to(address: SocketAddr, request: &str, limit: Duration) -> Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.write_all(request.as_bytes())?;
    Ok(stream)
}
