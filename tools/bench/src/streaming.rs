//! A table of a million orders, read by a fast and by a slow client: memory must not follow the table's size.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testkit::Service;

use crate::contest::{Contest, Contestant, wait_until_ready};
use crate::http::{self, Body};
use crate::memory::mb;
use crate::{Plan, say};

/// How much the service may grow while a table is streamed, in bytes, and how late the first byte may be.
const AIM: (u64, Duration) = (8_000_000, Duration::from_millis(50));

/// How long a client holds its answer: the slow one leaves then; so does the fast one of the interpreter, which would take
/// minutes.
const HOLD: Duration = Duration::from_secs(10);

/// Requests that are left after their first byte.
const FIRST_BYTES: usize = 9;

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
    /// As fast as the interpreter gives, and not to the end.
    Leaving,
}

/// The table.
pub(crate) fn measure(contest: &Contest, plan: &Plan) -> Result<String> {
    say(&format!("filling a table with {} orders", plan.rows));
    contest.database.create_database("million")?;
    let mut text = format!(
        "### Streaming {} orders\n\n`GET /orders` by one client, after a first small request. Growth is the most resident memory seen \
         while streaming less that before it. The slow client takes 64 KB every 100 ms and leaves after {} s, as does the interpreter's \
         fast one. First byte: median and greatest of {FIRST_BYTES} requests.\n\n\
         | | first byte ms | reader | growth MB | bytes read | seconds | MB/s |\n|---|---:|---|---:|---:|---:|---:|\n",
        plan.rows,
        HOLD.as_secs()
    );
    let mut reached = true;
    for contestant in Contestant::SERVICE {
        let service = contest.builder_on(contestant, "million").start()?;
        wait_until_ready(&service)?;
        fill(contest, plan.rows)?;
        ensure!(http::is_served(service.port(), "/orders?limit=5"), "a small request fails");
        let (median, most) = first_byte(&service)?;
        reached &= contestant != Contestant::Aot || median <= AIM.1;
        let fast = if contestant == Contestant::Interpreter { Reader::Leaving } else { Reader::Fast };
        for reader in [fast, Reader::Slow] {
            say(&format!("streaming, {}, {reader:?} reader", contestant.name()));
            let seen = stream(&service, reader)?;
            reached &= contestant != Contestant::Aot || seen.growth <= AIM.0;
            text += &format!("| {} | {:.1} ({:.1}) {}", contestant.name(), ms(median), ms(most), row(reader, &seen));
        }
    }
    let verdict = if reached { "yes" } else { "**no**" };
    Ok(text
        + &format!(
            "\n| aim | |\n|---|---|\n| AOT: growth ≤ 8 MB with both readers, first byte ≤ 50 ms | {verdict} |\n"
        ))
}

/// From the request to the first byte of the array: the median and the worst.
fn first_byte(service: &Service) -> Result<(Duration, Duration)> {
    let mut times = Vec::new();
    for _ in 0..FIRST_BYTES {
        times.push(Body::get(service.port(), "/orders")?.first_byte);
    }
    times.sort();
    let at = |index: usize| times.get(index).copied().unwrap_or_default();
    Ok((at(FIRST_BYTES / 2), at(FIRST_BYTES - 1)))
}

/// By MariaDB's own sequence table; the service has made the table of orders at its start.
fn fill(contest: &Contest, rows: u32) -> Result<()> {
    let known = contest.database.sql("million", "SELECT COUNT(*) FROM orders")?;
    if known.trim() != rows.to_string() {
        let columns = "order_id, product_id, quantity, amount, shipping, tax, shipping_address";
        let values = "seq, seq % 1000 + 1, seq % 9 + 1, seq % 100000 / 100, 15.00, 2.00, CONCAT('Mataderos ', seq)";
        let statement = format!("INSERT INTO orders ({columns}) SELECT {values} FROM seq_1_to_{rows}");
        contest.database.sql("million", &statement).context("a table to stream")?;
    }
    Ok(())
}

fn stream(service: &Service, reader: Reader) -> Result<Streamed> {
    let before = service.rss_bytes()?;
    let (most, done) = (AtomicU64::new(before), AtomicBool::new(false));
    let outcome = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                most.fetch_max(service.rss_bytes().unwrap_or_default(), Ordering::SeqCst);
                thread::sleep(Duration::from_millis(20));
            }
        });
        let outcome = read(service.port(), reader);
        done.store(true, Ordering::SeqCst);
        outcome
    });
    let (bytes, time) = outcome?;
    Ok(Streamed { growth: most.load(Ordering::SeqCst) - before, bytes, time })
}

fn read(port: u16, reader: Reader) -> Result<(u64, Duration)> {
    let start = Instant::now();
    let mut body = Body::get(port, "/orders")?;
    let (mut buffer, mut bytes, mut last) = ([0; 64 * 1024], 0, b' ');
    loop {
        let length = body.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        bytes += length as u64;
        last = buffer.get(length - 1).copied().unwrap_or_default();
        if reader == Reader::Slow {
            thread::sleep(Duration::from_millis(100));
        }
        if reader != Reader::Fast && start.elapsed() > HOLD {
            return Ok((bytes, start.elapsed()));
        }
    }
    ensure!(last == b']', "the array does not end");
    Ok((bytes, start.elapsed()))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn row(reader: Reader, seen: &Streamed) -> String {
    let reader = if reader == Reader::Slow { "slow" } else { "fast" };
    let seconds = seen.time.as_secs_f64();
    let speed = f64::from(u32::try_from(seen.bytes / 1000).unwrap_or(u32::MAX)) / 1e3 / seconds;
    format!("| {reader} | {} | {} MB | {seconds:.1} | {speed:.1} |\n", mb(seen.growth), mb(seen.bytes))
}
