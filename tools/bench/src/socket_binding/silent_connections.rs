//! The delay of a silent connection's first response, with and without many idle connections, while others are busy or
//! not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use testkit::Service;
use testkit::http::RawConnection;
use testkit::stats::{median, quantile};

use super::Section;
use super::client::{keep_busy, open_idle_connections, request};
use crate::comparison::{Comparison, Variant};
use crate::plan::Plan;
use crate::print_line;
use crate::report::target;

/// The numbers of idle connections. With 0, one connection makes all requests; in between it is silent long enough to
/// count as idle.
const IDLE_COUNTS: [usize; 2] = [0, 1_000];

/// The numbers of connections that are kept busy.
const BUSY_COUNTS: [usize; 2] = [0, 8];

/// The targets: the additional delay with 1,000 idle connections in milliseconds. While others are busy, of the p99;
/// else of the median, where the limit is the noise of the machine's clock and scheduler.
const MAX_DELAY_BUSY: f64 = 10.0;
const MAX_DELAY_SILENT: f64 = 0.1;

/// The busy connections must have their first responses within this time.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// First responses of one variant, in milliseconds.
struct Measurement {
    variant: Variant,
    busy: usize,
    idle: usize,
    times: Vec<f64>,
}

/// The table and the targets.
pub(super) fn measure(comparison: &Comparison, plan: &Plan) -> Result<Section> {
    let mut measurements = Vec::new();
    for variant in [Variant::Native, Variant::Aot] {
        for busy in BUSY_COUNTS {
            for idle in IDLE_COUNTS {
                let service = comparison.builder_for_many_connections(variant).start()?;
                let times = first_responses(&service, busy, idle, plan.first_responses)?;
                let measurement = Measurement { variant, busy, idle, times };
                print_line(&format!("first response of a silent connection: {}", row(&measurement).trim()));
                measurements.push(measurement);
            }
        }
    }
    let mut table = format!(
        "The first response, in ms, of a connection that has been silent: {} requests, each on another idle \
         connection, while {} other connections are busy or all are silent. With 0 idle connections, one connection is \
         silent for 5 to 15 ms before each request.\n\n\
         | | others | idle | median | p99 | maximum |\n|---|---|---:|---:|---:|---:|\n",
        plan.first_responses, BUSY_COUNTS[1]
    );
    table.extend(measurements.iter().map(row));
    Ok(Section { table, targets: targets(&measurements) })
}

fn first_responses(service: &Service, busy: usize, idle: usize, requests: usize) -> Result<Vec<f64>> {
    let mut connections = open_idle_connections(service, idle.max(1))?;
    let stop = &AtomicBool::new(false);
    thread::scope(|scope| {
        let (started, has_started) = channel();
        let client = (busy > 0).then(|| scope.spawn(move || keep_busy(service, busy, stop, &started)));
        let ready = client.is_none() || has_started.recv_timeout(BUSY_TIMEOUT).is_ok();
        let times = if ready { request_in_turn(&mut connections, requests) } else { Ok(Vec::new()) };
        stop.store(true, Ordering::Relaxed);
        if let Some(client) = client {
            client.join().map_err(|_| anyhow!("the busy client panicked"))??;
        }
        ensure!(ready, "the busy connections had no responses within {BUSY_TIMEOUT:?}");
        times
    })
}

/// Makes one request after another, each on another connection; returns the latencies.
fn request_in_turn(connections: &mut [RawConnection], requests: usize) -> Result<Vec<f64>> {
    let (count, mut times) = (connections.len(), Vec::with_capacity(requests));
    for index in 0..requests {
        // The pause varies, so that requests do not fall into step with a timer of the service.
        thread::sleep(Duration::from_micros(5_000 + (index as u64 * 7_919) % 10_000));
        // 389 and the number of connections have no common divisor: all take part, in another order than they were
        // opened.
        let connection = connections.get_mut(index * 389 % count).context("no connection")?;
        times.push(request(connection)?.as_secs_f64() * 1e3);
    }
    Ok(times)
}

fn row(measurement: &Measurement) -> String {
    let of = |fraction: f64| quantile(measurement.times.iter().copied(), fraction);
    format!(
        "| {} | {} | {} | {:.2} | {:.2} | {:.2} |\n",
        measurement.variant.name(),
        if measurement.busy > 0 { "busy" } else { "silent" },
        measurement.idle,
        of(0.5),
        of(0.99),
        of(1.0)
    )
}

fn targets(measurements: &[Measurement]) -> String {
    let times = |busy: usize, idle: usize| {
        let wanted = |one: &&Measurement| one.variant == Variant::Aot && (one.busy, one.idle) == (busy, idle);
        measurements.iter().find(wanted).map(|one| one.times.clone()).unwrap_or_default()
    };
    let p99 = |idle: usize| quantile(times(BUSY_COUNTS[1], idle), 0.99);
    let middle = |idle: usize| median(times(BUSY_COUNTS[0], idle));
    let busy = p99(IDLE_COUNTS[1]) - p99(IDLE_COUNTS[0]);
    let silent = middle(IDLE_COUNTS[1]) - middle(IDLE_COUNTS[0]);
    let what = "first response of a silent connection, 1,000 idle connections against none";
    [
        target(
            &format!("{what}, others busy: p99 later by ≤ {MAX_DELAY_BUSY:.0} ms"),
            &format!("{busy:.1} ms"),
            busy <= MAX_DELAY_BUSY,
        ),
        target(
            &format!("{what}, others silent: median later by ≤ {MAX_DELAY_SILENT:.1} ms, the machine's noise"),
            &format!("{silent:.2} ms"),
            silent <= MAX_DELAY_SILENT,
        ),
    ]
    .concat()
}
