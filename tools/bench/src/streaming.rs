//! A table of a million orders, read by a fast and by a slow client: the service's memory must not grow with the table.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use testkit::Service;

use crate::comparison::{Comparison, Variant, wait_until_ready};
use crate::http::{self, ChunkedBody};
use crate::memory::megabytes;
use crate::plan::Plan;
use crate::print_line;
use crate::report::{TARGETS, target};

/// The targets: how much the service may grow while it streams a table, in bytes, and the time to the first byte.
const MAX_GROWTH: u64 = 8_000_000;
const MAX_TIME_TO_FIRST_BYTE: Duration = Duration::from_millis(50);

/// The target: rows a second of AOT relative to native, with the fast client.
const MIN_SPEED: f64 = 0.7;

/// The slow client closes the connection after this time. So does the interpreter's fast client, which would take
/// minutes.
const MAX_READ_TIME: Duration = Duration::from_secs(10);

/// The slow client's pause after each read.
const SLOW_READ_INTERVAL: Duration = Duration::from_millis(100);

const MEMORY_SAMPLE_INTERVAL: Duration = Duration::from_millis(20);

/// Requests that are closed after their first byte.
const FIRST_BYTE_REQUESTS: usize = 9;

struct Streamed {
    growth: u64,
    bytes: u64,
    time: Duration,
}

/// How a client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    Fast,
    Slow,
    /// Fast, but not to the end.
    FastPartial,
}

/// The table.
pub(crate) fn measure(comparison: &Comparison, plan: &Plan) -> Result<String> {
    print_line(&format!("filling a table with {} orders", plan.rows));
    comparison.database.create_database("million")?;
    let mut text = heading(plan);
    let mut met = true;
    let mut speeds = Vec::new();
    for variant in Variant::SERVICE {
        let service = comparison.builder_with_database(variant, "million").start()?;
        wait_until_ready(&service)?;
        comparison.fill_table("million", plan.rows)?;
        ensure!(http::is_ok(service.port(), "/orders?limit=5"), "a small request fails");
        let (median, max) = time_to_first_byte(&service)?;
        met &= variant != Variant::Aot || median <= MAX_TIME_TO_FIRST_BYTE;
        let fast = if variant == Variant::Interpreter { Reader::FastPartial } else { Reader::Fast };
        for reader in [fast, Reader::Slow] {
            print_line(&format!("streaming, {}, {reader:?} reader", variant.name()));
            let streamed = stream(&service, reader)?;
            met &= variant != Variant::Aot || streamed.growth <= MAX_GROWTH;
            if reader == Reader::Fast {
                speeds.push((variant, 1.0 / streamed.time.as_secs_f64()));
            }
            let first_byte = format!("{:.1} ({:.1})", median.as_secs_f64() * 1e3, max.as_secs_f64() * 1e3);
            text += &format!("| {} | {first_byte} {}", variant.name(), row(reader, &streamed));
        }
    }
    let verdict = if met { "yes" } else { "**no**" };
    let limits = "AOT: growth ≤ 8 MB with both readers, first byte ≤ 50 ms";
    let of = |wanted| speeds.iter().find(|(variant, _)| *variant == wanted).map_or(0.0, |(_, speed)| *speed);
    let speed = of(Variant::Aot) / of(Variant::Native);
    let what = format!("AOT ≥ {MIN_SPEED} × native's rows a second");
    let speed = target(&what, &format!("{speed:.2} ×"), speed >= MIN_SPEED);
    Ok(format!("{text}\n{TARGETS}| {limits} | above | {verdict} |\n{speed}"))
}

fn heading(plan: &Plan) -> String {
    format!(
        "### Streaming {} orders\n\n`GET /orders` by one client, after a first small request. Growth is the maximum of \
         resident memory while streaming, less the memory before. The slow client takes 64 KB every 100 ms and closes \
         the connection after {} s, as does the interpreter's fast client. First byte: median and maximum of \
         {FIRST_BYTE_REQUESTS} requests.\n\n\
         | | first byte ms | reader | growth MB | bytes read | seconds | MB/s |\n|---|---:|---|---:|---:|---:|---:|\n",
        plan.rows,
        MAX_READ_TIME.as_secs()
    )
}

/// From the request to the first byte of the array: the median and the maximum.
fn time_to_first_byte(service: &Service) -> Result<(Duration, Duration)> {
    let mut times = Vec::new();
    for _ in 0..FIRST_BYTE_REQUESTS {
        times.push(ChunkedBody::get(service.port(), "/orders")?.time_to_first_byte);
    }
    times.sort();
    let at = |index: usize| times.get(index).copied().unwrap_or_default();
    Ok((at(FIRST_BYTE_REQUESTS / 2), at(FIRST_BYTE_REQUESTS - 1)))
}

fn stream(service: &Service, reader: Reader) -> Result<Streamed> {
    let before = service.rss_bytes()?;
    let (max, done) = (AtomicU64::new(before), AtomicBool::new(false));
    let outcome = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                max.fetch_max(service.rss_bytes().unwrap_or_default(), Ordering::SeqCst);
                thread::sleep(MEMORY_SAMPLE_INTERVAL);
            }
        });
        let outcome = read(service.port(), reader);
        done.store(true, Ordering::SeqCst);
        outcome
    });
    let (bytes, time) = outcome?;
    Ok(Streamed { growth: max.load(Ordering::SeqCst) - before, bytes, time })
}

fn read(port: u16, reader: Reader) -> Result<(u64, Duration)> {
    let start = Instant::now();
    let mut body = ChunkedBody::get(port, "/orders")?;
    let (mut buffer, mut bytes, mut last) = ([0; 64 * 1024], 0, b' ');
    loop {
        let length = body.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        bytes += length as u64;
        last = buffer.get(length - 1).copied().unwrap_or_default();
        if reader == Reader::Slow {
            thread::sleep(SLOW_READ_INTERVAL);
        }
        if reader != Reader::Fast && start.elapsed() > MAX_READ_TIME {
            return Ok((bytes, start.elapsed()));
        }
    }
    ensure!(last == b']', "the array has no end");
    Ok((bytes, start.elapsed()))
}

fn row(reader: Reader, streamed: &Streamed) -> String {
    let reader = if reader == Reader::Slow { "slow" } else { "fast" };
    let seconds = streamed.time.as_secs_f64();
    let speed = f64::from(u32::try_from(streamed.bytes / 1000).unwrap_or(u32::MAX)) / 1e3 / seconds;
    let (growth, bytes) = (megabytes(streamed.growth), megabytes(streamed.bytes));
    format!("| {reader} | {growth} | {bytes} MB | {seconds:.1} | {speed:.1} |\n")
}
