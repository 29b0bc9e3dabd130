//! A table of a million orders, read by a fast and by a slow client: memory must not follow the table's size.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testbed::Service;

use crate::contest::{Contest, Contestant, wait_until_ready};
use crate::http::Body;
use crate::memory::mb;
use crate::{Plan, say};

/// How much the service may grow while a table is streamed, in bytes, and how late the first byte may be.
const AIM: (u64, Duration) = (8_000_000, Duration::from_millis(50));

/// How long the slow client holds its answer.
const HOLD: Duration = Duration::from_secs(10);

struct Streamed {
    first_byte: Duration,
    growth: u64,
    bytes: u64,
    time: Duration,
}

/// The table.
pub(crate) fn measure(contest: &Contest, plan: &Plan) -> Result<String> {
    say(&format!("filling a table with {} orders", plan.rows));
    contest.database.create_database("million")?;
    let mut text = format!(
        "### Streaming {} orders\n\n`GET /orders` by one client, after a first small request. Growth is the most resident memory seen \
         while streaming less that before it. The slow client takes 64 KB every 100 ms and leaves after {} s.\n\n\
         | | reader | first byte ms | growth MB | bytes read | seconds | MB/s |\n|---|---|---:|---:|---:|---:|---:|\n",
        plan.rows,
        HOLD.as_secs()
    );
    let mut reached = true;
    for contestant in Contestant::SERVICE {
        let service = contest.builder_on(contestant, "million").start()?;
        wait_until_ready(&service)?;
        fill(contest, plan.rows)?;
        Body::get(service.port(), "/orders?limit=5")?;
        for slow in [false, true] {
            let reader = if slow { "slow" } else { "fast" };
            say(&format!("streaming, {}, {reader} reader", contestant.name()));
            let seen = stream(&service, slow)?;
            if contestant == Contestant::Aot {
                reached &= seen.growth <= AIM.0 && seen.first_byte <= AIM.1;
            }
            text += &row(contestant, reader, &seen);
        }
    }
    let verdict = if reached { "yes" } else { "**no**" };
    Ok(text
        + &format!("\n| aim | |\n|---|---|\n| AOT: growth ≤ 8 MB and first byte ≤ 50 ms, both readers | {verdict} |\n"))
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

fn stream(service: &Service, slow: bool) -> Result<Streamed> {
    let before = service.rss_bytes()?;
    let (most, done) = (AtomicU64::new(before), AtomicBool::new(false));
    let outcome = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                most.fetch_max(service.rss_bytes().unwrap_or_default(), Ordering::SeqCst);
                thread::sleep(Duration::from_millis(20));
            }
        });
        let outcome = read(service.port(), slow);
        done.store(true, Ordering::SeqCst);
        outcome
    });
    let (first_byte, bytes, time) = outcome?;
    Ok(Streamed { first_byte, growth: most.load(Ordering::SeqCst) - before, bytes, time })
}

fn read(port: u16, slow: bool) -> Result<(Duration, u64, Duration)> {
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
        if slow {
            thread::sleep(Duration::from_millis(100));
            if start.elapsed() > HOLD {
                return Ok((body.first_byte, bytes, start.elapsed()));
            }
        }
    }
    ensure!(last == b']', "the array does not end");
    Ok((body.first_byte, bytes, start.elapsed()))
}

fn row(contestant: Contestant, reader: &str, seen: &Streamed) -> String {
    let (first, seconds) = (seen.first_byte.as_secs_f64() * 1e3, seen.time.as_secs_f64());
    let speed = f64::from(u32::try_from(seen.bytes / 1000).unwrap_or(u32::MAX)) / 1e3 / seconds;
    let (growth, bytes) = (mb(seen.growth), mb(seen.bytes));
    format!("| {} | {reader} | {first:.1} | {growth} | {bytes} MB | {seconds:.1} | {speed:.1} |\n", contestant.name())
}
