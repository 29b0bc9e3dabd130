//! The binding to WasmEdge's sockets: what idle connections cost a busy one, ours, the published one, and a native process.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testbed::Service;

use crate::contest::{Contest, Contestant};
use crate::{Plan, say};

/// How many idle connections there are beside the busy one.
const CROWDS: [usize; 6] = [0, 100, 500, 1_000, 2_000, 5_000];

/// Every contestant answers this with a short text.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: bench\r\n\r\n";

/// A row of the table: processor time and latency of a request, for each crowd.
struct Curve {
    contestant: Contestant,
    points: Vec<(Duration, Duration)>,
}

/// The table.
pub(crate) fn measure(contest: &Contest, plan: &Plan) -> Result<String> {
    more_descriptors()?;
    let contestants = [Contestant::Native, Contestant::Aot, Contestant::Demo];
    let curves: Result<Vec<Curve>> =
        contestants.into_iter().map(|contestant| curve(contest, contestant, plan)).collect();
    Ok(table(&curves?))
}

/// Lets this process, and what it starts from now on, have enough descriptors.
fn more_descriptors() -> Result<()> {
    let pid = std::process::id().to_string();
    let status =
        Command::new("prlimit").args(["--pid", &pid, "--nofile=16384:"]).status().context("cannot run prlimit")?;
    ensure!(status.success(), "5,000 connections need `ulimit -n 16384`");
    Ok(())
}

fn curve(contest: &Contest, contestant: Contestant, plan: &Plan) -> Result<Curve> {
    let builder = contest.builder(contestant).env("MAX_CONNECTIONS", "8192").env("IDLE_TIMEOUT", "30m");
    let service = builder.start()?;
    let mut busy = connect(&service)?;
    let (mut crowd, mut points) = (Vec::new(), Vec::new());
    for size in CROWDS {
        while crowd.len() < size {
            let mut one = connect(&service)?;
            ask(&mut one)?;
            crowd.push(one);
        }
        run(&service, &mut busy, Duration::from_millis(300))?;
        let point = run(&service, &mut busy, Duration::from_secs(u64::from(plan.seconds)))?;
        say(&format!("{}: {size} idle connections: {:?} of processor time a request", contestant.name(), point.0));
        points.push(point);
    }
    Ok(Curve { contestant, points })
}

fn connect(service: &Service) -> Result<TcpStream> {
    let stream = TcpStream::connect(service.addr())?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(stream)
}

/// One request and its whole answer.
fn ask(stream: &mut TcpStream) -> Result<()> {
    stream.write_all(REQUEST)?;
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

/// Whether head and body are there.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(answer.get(..end).unwrap_or_default()).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    length.is_none_or(|length| answer.len() >= end + 4 + length)
}

/// Requests one after another for so long: processor time and time of each.
fn run(service: &Service, busy: &mut TcpStream, time: Duration) -> Result<(Duration, Duration)> {
    let (start, before, mut requests) = (Instant::now(), service.cpu_time()?, 0);
    while start.elapsed() < time {
        ask(busy)?;
        requests += 1;
    }
    Ok((service.cpu_time()?.saturating_sub(before) / requests, start.elapsed() / requests))
}

fn table(curves: &[Curve]) -> String {
    let mut text = String::from(
        "### The binding\n\nOne busy connection asking `GET /` beside idle keep-alive ones: the service's processor time for each request in µs, and in \
         brackets the time until the answer in µs. The published binding's answers wait for the client's delayed acknowledgement, with its \
         idle connections' cost hidden in that wait.\n\n|",
    );
    for size in CROWDS {
        text += &format!(" | {size} idle");
    }
    text += &format!(" |\n|---|{}\n", "---:|".repeat(CROWDS.len()));
    for curve in curves {
        text += &format!("| {}", curve.contestant.name());
        for (cpu, latency) in &curve.points {
            text += &format!(" | {:.0} ({:.0})", cpu.as_secs_f64() * 1e6, latency.as_secs_f64() * 1e6);
        }
        text += " |\n";
    }
    text
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
