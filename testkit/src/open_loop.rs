//! Load at a given rate, whatever the responses: an open loop, as strangers make it.
//!
//! A closed loop (wrk) slows down with the server and so never overloads it. Here each request has a time at which it
//! is due, and its latency counts from then.
//!
//! One thread drives all connections. With a thread for each connection, hundreds of threads would wake up beside the
//! one thread of the service, and the scheduler would give the service only a small share of a small machine.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;

use client::{Client, Response};

mod client;

/// Clients that get no response fail after this time.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// The status; None where the connection ended without a response.
    pub status: Option<u16>,
    /// When the request was due, from the start of the load.
    pub due: Duration,
    /// From then until the whole response.
    pub latency: Duration,
    /// From when it was sent.
    pub service_time: Duration,
}

/// Sends `request` to `address` `rate` times a second for `duration`, on that many connections. A connection that is
/// busy when its next request is due sends it late. It skips those that were due longer than one interval ago: they
/// would only measure this client.
///
/// # Errors
/// When the load is none, a connection or a poll is refused, or a response is none of HTTP/1.1 with a `Content-Length`.
pub fn run(address: SocketAddr, request: &str, rate: f64, connections: u32, duration: Duration) -> Result<Vec<Sample>> {
    ensure!(rate > 0.0 && connections > 0, "a load needs a rate and connections");
    Load::new(address, request, rate, connections, duration)?.run()
}

/// A load in progress.
struct Load<'a> {
    poll: rustix::fd::OwnedFd,
    clients: Vec<Client<'a>>,
    /// When the next request of each idle client is due, and the client's index.
    due: BinaryHeap<Reverse<(Duration, usize)>>,
    interval: Duration,
    start: Instant,
    duration: Duration,
    samples: Vec<Sample>,
}

impl<'a> Load<'a> {
    fn new(address: SocketAddr, request: &'a str, rate: f64, connections: u32, duration: Duration) -> Result<Self> {
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let interval = Duration::from_secs_f64(f64::from(connections) / rate);
        let mut clients = Vec::new();
        for index in 0..u64::from(connections) {
            let mut client = Client::new(address, request, index);
            client.connect(&poll)?;
            clients.push(client);
        }
        let first = |index: u32| interval.mul_f64(f64::from(index) / f64::from(connections));
        let due = (0..connections).map(|index| Reverse((first(index), index as usize))).collect();
        Ok(Self { poll, clients, due, interval, start: Instant::now(), duration, samples: Vec::new() })
    }

    fn run(mut self) -> Result<Vec<Sample>> {
        let mut events = Vec::with_capacity(self.clients.len());
        loop {
            self.send_due()?;
            let busy = self.clients.iter().filter_map(Client::sent_at).min();
            let next_due = self.due.peek().map(|Reverse((due, _))| self.start + *due);
            let timeout_at = busy.map(|sent| sent + RESPONSE_TIMEOUT);
            let Some(wake) = [next_due, timeout_at].into_iter().flatten().min() else { return Ok(self.samples) };
            let timeout = Timespec::try_from(wake.saturating_duration_since(Instant::now()))?;
            events.clear();
            let spare = rustix::buffer::spare_capacity(&mut events);
            match epoll::wait(&self.poll, spare, Some(&timeout)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error).context("cannot wait for connections"),
            }
            for event in &events {
                self.advance(event.data.u64() as usize)?;
            }
            if timeout_at.is_some_and(|at| at <= Instant::now()) {
                self.give_up();
            }
        }
    }

    /// Sends the requests that are due. A client whose next request is due after the end gets no further one.
    fn send_due(&mut self) -> Result<()> {
        while let Some(Reverse((due, index))) = self.due.peek().copied() {
            if due < self.duration && self.start + due > Instant::now() {
                break;
            }
            self.due.pop();
            if due < self.duration {
                let client = self.clients.get_mut(index).context("a client without a number")?;
                client.send(due, &self.poll)?;
            }
        }
        Ok(())
    }

    /// Goes on with a client that the poll reported.
    fn advance(&mut self, index: usize) -> Result<()> {
        let Some(client) = self.clients.get_mut(index) else { return Ok(()) };
        if let Some(response) = client.advance()? {
            self.finish(index, &response);
        }
        Ok(())
    }

    /// Fails the clients that have waited for too long.
    fn give_up(&mut self) {
        for index in 0..self.clients.len() {
            let overdue =
                |client: &&mut Client<'_>| client.sent_at().is_some_and(|at| at.elapsed() >= RESPONSE_TIMEOUT);
            if let Some(response) = self.clients.get_mut(index).filter(overdue).and_then(Client::fail) {
                self.finish(index, &response);
            }
        }
    }

    fn finish(&mut self, index: usize, response: &Response) {
        let Response { status, due, sent } = *response;
        let latency = self.start.elapsed().saturating_sub(due);
        self.samples.push(Sample { status, due, latency, service_time: sent.elapsed() });
        let missed = latency.as_nanos() / self.interval.as_nanos().max(1);
        let next = due + self.interval.mul_f64(missed.max(1) as f64);
        self.due.push(Reverse((next, index)));
    }
}

/// What became of a load.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// Requests a second that were served.
    pub goodput: f64,
    /// Requests that were served.
    pub served: usize,
    /// Requests that got 503.
    pub shed: usize,
    /// Requests without a response or with another status.
    pub failed: usize,
    /// The median time of a served request, from when it was sent.
    pub served_median: Duration,
    /// The 99th percentile of the same.
    pub served_p99: Duration,
    /// The median of the time of a shed request.
    pub shed_median: Duration,
    /// The 99th percentile of it.
    pub shed_p99: Duration,
}

/// Sums up the samples of a load that took `duration`.
#[must_use]
pub fn summarize(samples: &[Sample], duration: Duration) -> Summary {
    let times = |status: u16| {
        let mut times: Vec<Duration> =
            samples.iter().filter(|sample| sample.status == Some(status)).map(|sample| sample.service_time).collect();
        times.sort_unstable();
        times
    };
    let (served, shed) = (times(200), times(503));
    let percentile = |times: &[Duration], percent: usize| {
        times.get(times.len().saturating_mul(percent) / 100).copied().unwrap_or_default()
    };
    Summary {
        goodput: served.len() as f64 / duration.as_secs_f64(),
        served: served.len(),
        shed: shed.len(),
        failed: samples.len() - served.len() - shed.len(),
        served_median: percentile(&served, 50),
        served_p99: percentile(&served, 99),
        shed_median: percentile(&shed, 50),
        shed_p99: percentile(&shed, 99),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_separates_served_shed_and_failed_requests() {
        let sample = |status, millis| Sample {
            status,
            due: Duration::ZERO,
            latency: Duration::from_millis(millis),
            service_time: Duration::from_millis(millis),
        };
        let mut samples = vec![sample(Some(200), 5), sample(None, 9), sample(Some(200), 7)];
        samples.extend([3, 1, 2].map(|millis| sample(Some(503), millis)));
        let summary = summarize(&samples, Duration::from_secs(2));
        assert_eq!((summary.served, summary.shed, summary.failed), (2, 3, 1));
        assert!((summary.goodput - 1.0).abs() < 1e-9);
        let times = [summary.served_p99, summary.shed_median, summary.shed_p99];
        assert_eq!(times, [7, 2, 3].map(Duration::from_millis));
    }
}
