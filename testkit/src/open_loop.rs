//! Load at a given rate, whatever the responses: an open loop, as strangers make it.
//!
//! A closed loop (wrk) slows down with the server and so never overloads it. Here each request has a time at which it
//! is due, and its latency counts from then.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::http::RawConnection;

/// Clients that stop answering fail the measurement after this time.
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

/// Sends `request` to `address` `rate` times a second for `duration`, on that many connections, each with a thread of
/// its own. A connection that is busy when its next request is due sends it late.
///
/// # Errors
/// When the load is none.
pub fn run(address: SocketAddr, request: &str, rate: f64, connections: u32, duration: Duration) -> Result<Vec<Sample>> {
    ensure!(rate > 0.0 && connections > 0, "a load needs a rate and connections");
    let interval = Duration::from_secs_f64(f64::from(connections) / rate);
    let start = Instant::now() + Duration::from_millis(200);
    let samples = thread::scope(|scope| {
        let clients: Vec<_> = (0..connections)
            .map(|number| {
                let first = interval.mul_f64(f64::from(number) / f64::from(connections));
                scope.spawn(move || send_all(address, request, start, first, interval, duration))
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap_or_default()).collect()
    });
    Ok(samples)
}

fn send_all(
    address: SocketAddr,
    request: &str,
    start: Instant,
    first: Duration,
    interval: Duration,
    duration: Duration,
) -> Vec<Sample> {
    let (mut samples, mut connection, mut due) = (Vec::new(), None, first);
    while due < duration {
        thread::sleep((start + due).saturating_duration_since(Instant::now()));
        let sent = Instant::now();
        let status = exchange(address, request, &mut connection).ok();
        if status.is_none() {
            connection = None;
        }
        let latency = (start + due).elapsed();
        samples.push(Sample { status, due, latency, service_time: sent.elapsed() });
        due += interval;
        // Requests that were due long ago would only measure this client.
        while due + interval < start.elapsed() {
            due += interval;
        }
    }
    samples
}

fn exchange(address: SocketAddr, request: &str, connection: &mut Option<RawConnection>) -> Result<u16> {
    let open = match connection.take() {
        Some(open) => open,
        None => RawConnection::connect_timeout(address, RESPONSE_TIMEOUT)?,
    };
    let open = connection.insert(open);
    open.send(request)?;
    let response = open.read_response()?;
    let closes = response.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    if closes {
        *connection = None;
    }
    Ok(response.status())
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
