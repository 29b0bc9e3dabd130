//! What idempotency keys cost: writes without a key, with a new one each, and requests that are replayed.

use std::fs;

use anyhow::{Result, ensure};
use testkit::http::Client;
use testkit::stats::{median, range};
use testkit::{Service, TempDir};

use crate::comparison::{Comparison, ROWS, Variant, wait_until_ready};
use crate::plan::Plan;
use crate::round_order::forwards_and_backwards;
use crate::{print_line, wrk};

const CONNECTIONS: u32 = 32;

/// Keys that are replayed, so that requests seldom wait for another one with their key.
const KNOWN_KEYS: u32 = 1_000;

const ORDER: &str =
    r#"{"product_id":12,"quantity":2,"amount":56.0,"shipping":15.0,"tax":2.0,"shipping_address":"4 Harbour Lane"}"#;

/// Which key a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    None,
    New,
    Known,
}

impl Keys {
    const ALL: [Self; 3] = [Self::None, Self::New, Self::Known];

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::New => "a new one each",
            Self::Known => "a known one: replayed",
        }
    }

    /// A script for wrk. `run` is another number for each run.
    fn script(self, run: usize) -> String {
        let key = match self {
            Self::None => "",
            Self::New => "  wrk.headers['Idempotency-Key'] = 'RUN-' .. number\n",
            Self::Known => "  wrk.headers['Idempotency-Key'] = 'RUN-' .. number % KNOWN\n",
        };
        format!(
            "local number = 0\nwrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\n\
             request = function()\n  number = number + 1\n{}  return wrk.format(nil, '/orders', nil, '{ORDER}')\nend\n",
            key.replace("RUN", &run.to_string()).replace("KNOWN", &KNOWN_KEYS.to_string())
        )
    }
}

/// The figures of one run.
#[derive(Clone, Copy, Debug)]
struct Sample {
    keys: Keys,
    per_second: f64,
    /// The service's CPU time for each request, in µs.
    cpu: f64,
}

/// The table.
pub(crate) fn measure(comparison: &Comparison, plan: &Plan) -> Result<String> {
    let service = comparison.builder(Variant::Aot).start()?;
    wait_until_ready(&service)?;
    let scripts = TempDir::new()?;
    let mut samples = Vec::new();
    for (run, keys) in forwards_and_backwards(&Keys::ALL, plan.rounds).into_iter().enumerate() {
        print_line(&format!("POST /orders, key: {}", keys.name()));
        let path = scripts.path().join(format!("{run}.lua"));
        fs::write(&path, keys.script(run))?;
        if keys == Keys::Known {
            // Long enough to send each key once.
            sample(&service, keys, &path, 1)?;
        }
        samples.push(sample(&service, keys, &path, plan.seconds)?);
        check(&service, keys, run)?;
        comparison.database.sql("bench", &format!("DELETE FROM orders WHERE order_id > {ROWS}"))?;
        comparison.database.sql("bench", "TRUNCATE TABLE order_service_idempotency")?;
    }
    let of = |keys: Keys| samples.iter().filter(move |sample| sample.keys == keys);
    let mut table = format!(
        "### Idempotency keys\n\n\
         `POST /orders` at {CONNECTIONS} connections, AOT, {} runs of {} s each, in alternating order.\n\n\
         | `Idempotency-Key` | requests/s | ratio, median (min–max) | CPU µs | ratio, median (min–max) |\n\
         |---|---:|---:|---:|---:|\n",
        plan.rounds * 2,
        plan.seconds
    );
    for keys in Keys::ALL {
        let cell = |figure: fn(&Sample) -> f64| {
            let ratios = || of(keys).zip(of(Keys::None)).map(move |(sample, base)| figure(sample) / figure(base));
            let (min, max) = range(ratios());
            (median(of(keys).map(figure)), format!("{:.2} ({min:.2}–{max:.2})", median(ratios())))
        };
        let (per_second, speed_ratio) = cell(|sample| sample.per_second);
        let (cpu, cpu_ratio) = cell(|sample| sample.cpu);
        table += &format!("| {} | {per_second:.0} | {speed_ratio} | {cpu:.0} | {cpu_ratio} |\n", keys.name());
    }
    Ok(table)
}

fn sample(service: &Service, keys: Keys, script: &std::path::Path, seconds: u32) -> Result<Sample> {
    let before = service.cpu_time()?;
    let result = wrk::run(&service.url("/orders"), CONNECTIONS, seconds, Some(script))?;
    let cpu = service.cpu_time()?.saturating_sub(before).as_secs_f64() * 1e6 / result.requests;
    Ok(Sample { keys, per_second: result.per_second, cpu })
}

/// The keys of the run did what they are for: one of them again is a replay.
fn check(service: &Service, keys: Keys, run: usize) -> Result<()> {
    let key = match keys {
        Keys::None => return Ok(()),
        // wrk makes the first one only to check the script.
        Keys::New => format!("{run}-2"),
        Keys::Known => format!("{run}-0"),
    };
    let headers = [("content-type", "application/json"), ("idempotency-key", key.as_str())];
    let response = Client::new(&service.url("")).send("POST", "/orders", &headers, Some(ORDER.as_bytes()))?;
    ensure!(response.header("idempotency-replayed") == Some("true"), "not replayed: {}", response.summary());
    Ok(())
}
