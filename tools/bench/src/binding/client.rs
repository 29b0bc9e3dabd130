//! A client with one connection, as little of it as can be, so that what is measured is the service.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use testkit::Service;

/// Every contestant answers this with a short text.
pub(crate) const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: bench\r\n\r\n";

pub(crate) fn connect(service: &Service) -> Result<TcpStream> {
    let stream = TcpStream::connect(service.addr())?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(stream)
}

/// So many connections that have asked once and keep quiet from now on.
pub(crate) fn crowd(service: &Service, size: usize) -> Result<Vec<TcpStream>> {
    let mut crowd = Vec::with_capacity(size);
    for _ in 0..size {
        let mut one = connect(service)?;
        ask(&mut one)?;
        crowd.push(one);
    }
    Ok(crowd)
}

/// One request and its whole answer: how long it took.
pub(crate) fn ask(stream: &mut TcpStream) -> Result<Duration> {
    let asked = Instant::now();
    stream.write_all(REQUEST)?;
    answer(stream)?;
    Ok(asked.elapsed())
}

fn answer(stream: &mut TcpStream) -> Result<()> {
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut buffer)?;
        ensure!(read > 0, "the connection was closed");
        answer.extend_from_slice(buffer.get(..read).unwrap_or_default());
        if is_whole(&answer) {
            ensure!(answer.starts_with(b"HTTP/1.1 200"), "another answer than 200");
            return Ok(());
        }
    }
}

/// Keeps so many connections busy at once, from one thread, until it is told to stop.
pub(crate) fn keep_busy<'scope>(
    scope: &'scope Scope<'scope, '_>,
    service: &'scope Service,
    connections: usize,
    stop: &'scope AtomicBool,
) -> ScopedJoinHandle<'scope, Result<()>> {
    scope.spawn(move || {
        let mut busy = crowd(service, connections)?;
        while !stop.load(Ordering::Relaxed) {
            for stream in &mut busy {
                stream.write_all(REQUEST)?;
            }
            for stream in &mut busy {
                answer(stream)?;
            }
        }
        Ok(())
    })
}

/// Whether head and body are there.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(answer.get(..end).unwrap_or_default()).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    length.is_none_or(|length| answer.len() >= end + 4 + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_body_is_there() {
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\n"));
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"));
        assert!(is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"));
    }
}
