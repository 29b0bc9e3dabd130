//! A hundred thousand orders in one request, beside the same rows in one INSERT that is written by hand.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testkit::http::Client;
use testkit::stats::median;
use testkit::{Service, TempDir};

use crate::comparison::{Comparison, Variant, wait_until_ready};
use crate::plan::Plan;
use crate::print_line;
use crate::report::{TARGETS, target};

/// The target: the speed relative to the INSERT.
const MIN_RATIO: f64 = 0.5;

/// `MAX_BATCH`'s default.
const ORDERS: u32 = 100_000;

const DATABASE: &str = "batch";

const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// The table.
pub(crate) fn measure(comparison: &Comparison, plan: &Plan) -> Result<String> {
    print_line(&format!("{ORDERS} orders in one request"));
    comparison.database.create_database(DATABASE)?;
    let directory = TempDir::new()?;
    let file = directory.path().join("insert.sql");
    fs::write(&file, insert_statement())?;
    let body = request_body();
    let mut rows = String::new();
    let mut met = true;
    for variant in [Variant::Aot, Variant::Native] {
        let service = comparison.builder_with_database(variant, DATABASE).start()?;
        wait_until_ready(&service)?;
        let (mut posts, mut inserts) = (Vec::new(), Vec::new());
        for _ in 0..plan.pairs {
            posts.push(post(comparison, &service, &body)?.as_secs_f64());
            inserts.push(insert(comparison, &file)?.as_secs_f64());
        }
        let ratio = median(inserts.iter().zip(&posts).map(|(insert, post)| insert / post));
        met &= variant != Variant::Aot || ratio >= MIN_RATIO;
        let (post, insert) = (median(posts.iter().copied()), median(inserts.iter().copied()));
        let name = variant.name();
        let _ = writeln!(rows, "| {name} | {:.0} | {:.0} | {ratio:.2} |", post * 1e3, insert * 1e3);
    }
    let intro = format!(
        "### {ORDERS} orders in one request\n\n`POST /create_orders` with an array of {:.1} MB, and one INSERT of the \
         same rows by MariaDB's client, in turn; medians of {} pairs.\n\n\
         | | POST ms | INSERT ms | speed relative to the INSERT |\n|---|---:|---:|---:|\n",
        f64::from(u32::try_from(body.len()).unwrap_or(u32::MAX)) / 1e6,
        plan.pairs
    );
    let what = format!("AOT ≥ {MIN_RATIO} × the INSERT");
    Ok(intro + &rows + "\n" + TARGETS + &target(&what, "above", met))
}

fn post(comparison: &Comparison, service: &Service, body: &str) -> Result<Duration> {
    empty_table(comparison)?;
    let client = Client::with_timeout(&service.url(""), REQUEST_TIMEOUT);
    let start = Instant::now();
    client.post("/create_orders", body)?.require_status(200).context("the batch")?;
    let time = start.elapsed();
    check_count(comparison)?;
    Ok(time)
}

fn insert(comparison: &Comparison, file: &Path) -> Result<Duration> {
    empty_table(comparison)?;
    let start = Instant::now();
    comparison.database.sql(DATABASE, &format!("source {}", file.display()))?;
    let time = start.elapsed();
    check_count(comparison)?;
    Ok(time)
}

fn empty_table(comparison: &Comparison) -> Result<()> {
    comparison.database.sql(DATABASE, "TRUNCATE TABLE orders").map(drop)
}

fn check_count(comparison: &Comparison) -> Result<()> {
    let count = comparison.database.sql(DATABASE, "SELECT COUNT(*) FROM orders")?;
    ensure!(count.trim() == ORDERS.to_string(), "{} of {ORDERS} orders were written", count.trim());
    Ok(())
}

fn request_body() -> String {
    let order = |id: u32| {
        let amounts = r#""amount":56.0,"shipping":15.0,"tax":2.0"#;
        format!(r#"{{"order_id":{id},"product_id":12,"quantity":2,{amounts},"shipping_address":"{id} Harbour Lane"}}"#)
    };
    format!("[{}]", (1..=ORDERS).map(order).collect::<Vec<_>>().join(","))
}

fn insert_statement() -> String {
    let columns = "order_id, product_id, quantity, amount, shipping, tax, shipping_address";
    let row = |id: u32| format!("({id},12,2,56.00,15.00,2.00,'{id} Harbour Lane')");
    let rows = (1..=ORDERS).map(row).collect::<Vec<_>>().join(",");
    format!("INSERT INTO orders ({columns}) VALUES {rows};\n")
}
