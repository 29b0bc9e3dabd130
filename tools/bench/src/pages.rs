//! A page of orders from tables of very different sizes: its time must not depend on the number of rows.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use testkit::Service;
use testkit::http::RawConnection;
use testkit::stats::median;

use crate::comparison::{Comparison, Variant, wait_until_ready};
use crate::plan::Plan;
use crate::print_line;
use crate::report::{TARGETS, target};

/// The target: the time at the slowest size relative to the fastest.
const MAX_FACTOR: f64 = 1.2;

/// Requests per size and round. The rounds go over all sizes, so drift affects all of them.
const REQUESTS: usize = 200;
const ROUNDS: usize = 5;

/// Orders in a page.
const LIMIT: u32 = 50;

/// The table.
pub(crate) fn measure(comparison: &Comparison, plan: &Plan) -> Result<String> {
    let sizes: Vec<u32> = (3..=plan.max_rows.ilog10()).map(|power| 10_u32.pow(power)).collect();
    let mut services = Vec::new();
    for rows in sizes {
        print_line(&format!("a table of {rows} orders"));
        let database = format!("pages{rows}");
        comparison.database.create_database(&database)?;
        let service = comparison.builder_with_database(Variant::Aot, &database).start()?;
        wait_until_ready(&service)?;
        comparison.fill_table(&database, rows)?;
        services.push((rows, service, Vec::new()));
    }
    for _ in 0..ROUNDS {
        for (rows, service, times) in &mut services {
            times.push(median_time(service, *rows)?.as_secs_f64() * 1e6);
        }
    }
    let times: Vec<(u32, f64)> =
        services.iter().map(|(rows, _, times)| (*rows, median(times.iter().copied()))).collect();
    Ok(text(&times))
}

/// The median time of a page from the middle of the table.
fn median_time(service: &Service, rows: u32) -> Result<Duration> {
    let mut connection = RawConnection::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, service.port())))?;
    let after = rows / 2;
    let request = format!("GET /orders?limit={LIMIT}&after={after} HTTP/1.1\r\nHost: bench\r\n\r\n");
    let mut times = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        let start = Instant::now();
        connection.send(&request)?;
        let response = connection.read_response()?;
        times.push(start.elapsed());
        let first = format!("[{{\"order_id\":{},", after + 1);
        ensure!(response.status() == 200 && response.text().starts_with(&first), "{}", response.text());
    }
    times.sort_unstable();
    Ok(times.get(REQUESTS / 2).copied().unwrap_or_default())
}

fn text(times: &[(u32, f64)]) -> String {
    let mut text = format!(
        "### Pages of tables of different sizes\n\n`GET /orders?limit={LIMIT}` after the middle of the table, one \
         request at a time, AOT. Medians of {ROUNDS} rounds of {REQUESTS} requests.\n\n| rows | µs |\n|---:|---:|\n"
    );
    for (rows, micros) in times {
        text += &format!("| {rows} | {micros:.0} |\n");
    }
    let micros = || times.iter().map(|(_, micros)| *micros);
    let factor = micros().fold(0.0, f64::max) / micros().fold(f64::MAX, f64::min);
    let what = format!("the same time within {MAX_FACTOR} times, whatever the table's size");
    text + "\n" + TARGETS + &target(&what, &format!("{factor:.2} times"), factor <= MAX_FACTOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_size_misses_the_target() {
        assert!(text(&[(1_000, 100.0), (10_000, 119.0)]).contains("| 1.19 times | yes |"));
        assert!(text(&[(1_000, 130.0), (10_000, 100.0)]).contains("| 1.30 times | **no** |"));
    }
}
