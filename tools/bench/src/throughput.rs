//! Requests per second, latency and CPU per request.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use testkit::stats::{formatted, median, range};
use testkit::{Service, TempDir};

use crate::comparison::{Comparison, ROWS, Variant};
use crate::plan::Plan;
use crate::print_line;
use crate::report::{TARGETS, target};
use crate::round_order::forwards_and_backwards;
use crate::wrk::{self, WrkResult};

const REQUESTS: [&str; 4] = ["GET /", "GET /orders", "GET /orders/{id}", "POST /create_order"];
const CONNECTIONS: [u32; 2] = [1, 32];

/// Ids reserved for one run that creates orders.
const IDS_PER_RUN: u32 = 5_000_000;

/// The targets, at 32 connections, by the index of the request: CPU time per request of AOT relative to native, and
/// requests per second relative to native, and relative to hyper_wasi's server.
const MAX_CPU: [(usize, f64); 3] = [(0, 1.45), (1, 1.5), (3, 1.45)];
const MIN_RATIO_TO_NATIVE: f64 = 0.75;
const MIN_RATIO_TO_HYPER_SERVER: f64 = 500.0;

/// A script for wrk that creates orders with consecutive ids.
const CREATE: &str = r#"
local id = FIRST
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  id = id + 1
  return wrk.format(nil, "/create_order", nil, '{"order_id":' .. id .. ',"product_id":12,"quantity":2,"amount":56.0,' ..
    '"shipping":15.0,"tax":2.0,"shipping_address":"4 Harbour Lane"}')
end
"#;

/// The results of one run.
#[derive(Clone, Copy, Debug)]
struct Sample {
    wrk: WrkResult,
    /// The service's CPU time per request.
    cpu: Duration,
    /// The fraction of the CPU time that was spent in the kernel.
    kernel: f64,
}

/// The samples by index of the request, connections and variant.
type Samples = HashMap<(usize, u32, Variant), Vec<Sample>>;

/// The tables.
pub(crate) fn measure(comparison: &Comparison, servers: &[(Variant, Service)], plan: &Plan) -> Result<String> {
    let scripts = TempDir::new()?;
    let mut samples = Samples::new();
    let mut first_id = ROWS;
    for (index, request) in REQUESTS.into_iter().enumerate() {
        for connections in CONNECTIONS {
            print_line(&format!("{request}, {connections} connection(s)"));
            for variant in forwards_and_backwards(&variants(request), plan.rounds) {
                let Some((_, server)) = servers.iter().find(|(known, _)| *known == variant) else { continue };
                let (url, script) = url_and_script(server, request, &scripts, first_id)?;
                let sample = sample(server, &url, connections, plan.seconds, script.as_deref())?;
                samples.entry((index, connections, variant)).or_default().push(sample);
                if script.is_some() {
                    first_id += IDS_PER_RUN;
                    comparison.database.sql("bench", &format!("DELETE FROM orders WHERE order_id > {ROWS}"))?;
                }
            }
        }
    }
    Ok(tables(&samples))
}

/// The variants that respond to `request`: hyper_wasi's server knows one response only.
fn variants(request: &str) -> Vec<Variant> {
    let hyper_server = (request == "GET /").then_some(Variant::HyperServer);
    Variant::SERVICE.into_iter().chain(hyper_server).collect()
}

fn sample(server: &Service, url: &str, connections: u32, seconds: u32, script: Option<&Path>) -> Result<Sample> {
    let (cpu_before, split_before) = (server.cpu_time()?, server.process().cpu_user_and_kernel()?);
    let wrk = wrk::run(url, connections, seconds, script)?;
    let (cpu, split) = (server.cpu_time()?.saturating_sub(cpu_before), server.process().cpu_user_and_kernel()?);
    let (user, kernel) = ((split.0 - split_before.0).as_secs_f64(), (split.1 - split_before.1).as_secs_f64());
    Ok(Sample { wrk, cpu: cpu.div_f64(wrk.requests.max(1.0)), kernel: kernel / (user + kernel).max(f64::MIN_POSITIVE) })
}

fn url_and_script(
    server: &Service,
    request: &str,
    scripts: &TempDir,
    first_id: u32,
) -> Result<(String, Option<PathBuf>)> {
    Ok(match request {
        "GET /" => (server.url("/"), None),
        "GET /orders" => (server.url("/orders"), None),
        "GET /orders/{id}" => (server.url("/orders/3"), None),
        _ => {
            let script = scripts.path().join("create.lua");
            std::fs::write(&script, CREATE.replace("FIRST", &first_id.to_string()))?;
            (server.url("/create_order"), Some(script))
        }
    })
}

fn tables(samples: &Samples) -> String {
    let mut text = String::from(
        "### Requests\n\nMedians; in brackets minimum and maximum. CPU is the service's own, user and kernel, without \
         MariaDB's and the generator's.\n\n\
         | request | connections | | requests/s | relative to native | p50 ms | p99 ms | CPU µs/request | in the \
         kernel |\n\
         |---|---:|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for (index, request) in REQUESTS.into_iter().enumerate() {
        for connections in CONNECTIONS {
            let native = per_second(samples, (index, connections, Variant::Native));
            for variant in variants(request) {
                let key = (index, connections, variant);
                let Some(own) = samples.get(&key) else { continue };
                let relative = median(per_second(samples, key)) / median(native.clone());
                let _ = writeln!(text, "| `{request}` | {connections} | {} {}", variant.name(), row(own, relative));
            }
        }
    }
    text + &targets(samples)
}

fn per_second(samples: &Samples, key: (usize, u32, Variant)) -> Vec<f64> {
    samples.get(&key).into_iter().flatten().map(|sample| sample.wrk.per_second).collect()
}

fn row(samples: &[Sample], relative_to_native: f64) -> String {
    let (min, max) = range(samples.iter().map(|sample| sample.wrk.per_second));
    let of = |figure: fn(&Sample) -> f64| median(samples.iter().map(figure));
    format!(
        "| {} ({}–{}) | {relative_to_native:.2} | {:.2} | {:.2} | {} | {:.0} % |",
        formatted(of(|sample| sample.wrk.per_second)),
        formatted(min),
        formatted(max),
        of(|sample| sample.wrk.p50.as_secs_f64() * 1e3),
        of(|sample| sample.wrk.p99.as_secs_f64() * 1e3),
        formatted(of(|sample| sample.cpu.as_secs_f64() * 1e6)),
        of(|sample| sample.kernel * 100.0),
    )
}

/// The CPU time per request of AOT relative to native: the median over the runs, which alternate.
fn cpu_ratio(samples: &Samples, index: usize) -> f64 {
    let of = |variant| samples.get(&(index, 32, variant)).into_iter().flatten().map(|sample| sample.cpu.as_secs_f64());
    median(of(Variant::Aot).zip(of(Variant::Native)).map(|(aot, native)| aot / native))
}

fn targets(samples: &Samples) -> String {
    let of = |index, connections, variant| median(per_second(samples, (index, connections, variant)));
    let mut text = format!("\n{TARGETS}");
    for (index, max) in MAX_CPU {
        let ratio = cpu_ratio(samples, index);
        let request = REQUESTS.get(index).copied().unwrap_or_default();
        let what = format!("CPU per request, AOT ≤ {max} × native, `{request}`, 32 connections");
        text += &target(&what, &format!("{ratio:.2} ×"), ratio <= max);
    }
    for (index, request) in REQUESTS.into_iter().enumerate().take(2) {
        let ratio = of(index, 32, Variant::Aot) / of(index, 32, Variant::Native);
        let what = format!("AOT ≥ {MIN_RATIO_TO_NATIVE} × native, `{request}`, 32 connections");
        text += &target(&what, &format!("{ratio:.2} ×"), ratio >= MIN_RATIO_TO_NATIVE);
    }
    let ratio = of(0, 1, Variant::Aot) / of(0, 1, Variant::HyperServer);
    let what = format!(
        "AOT ≥ {MIN_RATIO_TO_HYPER_SERVER} × hyper_wasi's server as published, `GET /`, one keep-alive connection"
    );
    text + &target(&what, &format!("{} ×", formatted(ratio)), ratio >= MIN_RATIO_TO_HYPER_SERVER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hyper_wasis_server_is_compared_where_it_can_respond() {
        use Variant::{Aot, HyperServer, Interpreter, Native};
        assert_eq!(variants("GET /"), [Interpreter, Aot, Native, HyperServer]);
        assert_eq!(variants("GET /orders"), [Interpreter, Aot, Native]);
    }
}
