//! Requests a second, latency and CPU per request, each contestant in turn, there and back.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use testkit::{Service, TempDir};

use crate::contest::{Contest, Contestant, ROWS};
use crate::stats::{median, range, readable};
use crate::wrk::{self, Seen};
use crate::{Plan, say};

const REQUESTS: [&str; 4] = ["GET /", "GET /orders", "GET /orders/{id}", "POST /create_order"];
const CONNECTIONS: [u32; 2] = [1, 32];

/// A request of wrk's that creates orders with ids of its own.
const CREATE: &str = r#"
local id = FIRST
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  id = id + 1
  return wrk.format(nil, "/create_order", nil, '{"order_id":' .. id .. ',"product_id":12,"quantity":2,"amount":56.0,' ..
    '"shipping":15.0,"tax":2.0,"shipping_address":"Mataderos 2312"}')
end
"#;

/// What one run showed.
#[derive(Clone, Copy, Debug)]
struct Sample {
    seen: Seen,
    /// The service's processor time for one request.
    cpu: Duration,
    /// How much of it was spent in the kernel, of 1.
    kernel: f64,
}

type Samples = HashMap<(usize, u32, Contestant), Vec<Sample>>;

/// All tables of this room.
pub(crate) fn measure(contest: &Contest, servers: &[(Contestant, Service)], plan: &Plan) -> Result<String> {
    let scripts = TempDir::new()?;
    let mut samples = Samples::new();
    let mut created = ROWS;
    for (index, request) in REQUESTS.into_iter().enumerate() {
        for connections in CONNECTIONS {
            say(&format!("{request}, {connections} connection(s)"));
            for contestant in there_and_back(request, plan.rounds) {
                let Some((_, server)) = servers.iter().find(|(who, _)| *who == contestant) else { continue };
                let (url, script) = target(server, request, &scripts, created)?;
                let sample = sample(server, &url, connections, plan.seconds, script.as_deref())?;
                samples.entry((index, connections, contestant)).or_default().push(sample);
                if script.is_some() {
                    created += 5_000_000;
                    contest.database.sql("bench", &format!("DELETE FROM orders WHERE order_id > {ROWS}"))?;
                }
            }
        }
    }
    Ok(tables(&samples))
}

fn sample(server: &Service, url: &str, connections: u32, seconds: u32, script: Option<&Path>) -> Result<Sample> {
    let (cpu_before, split_before) = (server.cpu_time()?, server.process().cpu_user_and_kernel()?);
    let seen = wrk::run(url, connections, seconds, script)?;
    let (cpu, split) = (server.cpu_time()?.saturating_sub(cpu_before), server.process().cpu_user_and_kernel()?);
    let (user, kernel) = ((split.0 - split_before.0).as_secs_f64(), (split.1 - split_before.1).as_secs_f64());
    Ok(Sample {
        seen,
        cpu: cpu.div_f64(seen.requests.max(1.0)),
        kernel: kernel / (user + kernel).max(f64::MIN_POSITIVE),
    })
}

/// A B C C B A, so often: what warms up or wears out over the run is shared evenly.
fn there_and_back(request: &str, rounds: usize) -> Vec<Contestant> {
    let demo = (request == "GET /").then_some(Contestant::Demo);
    let there: Vec<_> = Contestant::SERVICE.into_iter().chain(demo).collect();
    let round: Vec<_> = there.iter().chain(there.iter().rev()).copied().collect();
    round.repeat(rounds)
}

fn target(server: &Service, request: &str, scripts: &TempDir, created: u32) -> Result<(String, Option<PathBuf>)> {
    Ok(match request {
        "GET /" => (server.url("/"), None),
        "GET /orders" => (server.url("/orders"), None),
        "GET /orders/{id}" => (server.url("/orders/3"), None),
        _ => {
            let script = scripts.path().join("create.lua");
            std::fs::write(&script, CREATE.replace("FIRST", &created.to_string()))?;
            (server.url("/create_order"), Some(script))
        }
    })
}

fn tables(samples: &Samples) -> String {
    let mut text = String::from(
        "### Requests\n\nMedians; in brackets the least and the greatest. CPU is the service's own, user and kernel; MariaDB's and the \
         generator's are not in it.\n\n\
         | request | connections | | requests/s | against native | p50 ms | p99 ms | CPU µs/request | in the kernel |\n\
         |---|---:|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for (index, request) in REQUESTS.into_iter().enumerate() {
        for connections in CONNECTIONS {
            let native = per_second(samples, (index, connections, Contestant::Native));
            for contestant in Contestant::SERVICE.into_iter().chain([Contestant::Demo]) {
                let key = (index, connections, contestant);
                if let Some(of_this) = samples.get(&key) {
                    let start = format!("| `{request}` | {connections} | {}", contestant.name());
                    let _ = writeln!(
                        text,
                        "{start} {}",
                        row(of_this, median(per_second(samples, key)) / median(native.clone()))
                    );
                }
            }
        }
    }
    text + &targets(samples)
}

fn per_second(samples: &Samples, key: (usize, u32, Contestant)) -> Vec<f64> {
    samples.get(&key).into_iter().flatten().map(|sample| sample.seen.per_second).collect()
}

fn row(samples: &[Sample], against_native: f64) -> String {
    let (least, most) = range(samples.iter().map(|sample| sample.seen.per_second));
    let of = |figure: fn(&Sample) -> f64| median(samples.iter().map(figure));
    format!(
        "| {} ({}–{}) | {against_native:.2} | {:.2} | {:.2} | {} | {:.0} % |",
        readable(of(|sample| sample.seen.per_second)),
        readable(least),
        readable(most),
        of(|sample| sample.seen.p50.as_secs_f64() * 1e3),
        of(|sample| sample.seen.p99.as_secs_f64() * 1e3),
        readable(of(|sample| sample.cpu.as_secs_f64() * 1e6)),
        of(|sample| sample.kernel * 100.0),
    )
}

/// What was aimed at, and whether it was reached.
fn targets(samples: &Samples) -> String {
    let of = |index, connections, who| median(per_second(samples, (index, connections, who)));
    let mut text = String::from("\n| aim | reached | |\n|---|---:|---|\n");
    for (index, request) in REQUESTS.into_iter().enumerate().take(2) {
        let ratio = of(index, 32, Contestant::Aot) / of(index, 32, Contestant::Native);
        let verdict = if ratio >= 0.6 { "yes" } else { "**no**" };
        let _ = writeln!(text, "| AOT ≥ 0.6 × native, `{request}`, 32 connections | {ratio:.2} × | {verdict} |");
    }
    let ratio = of(0, 1, Contestant::Aot) / of(0, 1, Contestant::Demo);
    let verdict = if ratio >= 500.0 { "yes" } else { "**no**" };
    let aim = "AOT ≥ 500 × hyper_wasi's server as published, `GET /`, one kept connection";
    let _ = writeln!(text, "| {aim} | {} × | {verdict} |", readable(ratio));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_there_and_back() {
        use Contestant::{Aot, Demo, Interpreter, Native};
        assert_eq!(there_and_back("GET /", 1), [Interpreter, Aot, Native, Demo, Demo, Native, Aot, Interpreter]);
        assert_eq!(there_and_back("GET /orders", 2).len(), 12);
    }
}
