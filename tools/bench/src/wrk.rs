//! The load generator `wrk`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testkit::Service;

/// The results of one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct WrkResult {
    pub(crate) per_second: f64,
    pub(crate) requests: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// Loads `url` for `seconds` on `connections`. It uses one thread, to leave the other processor to the service and
/// MariaDB.
pub(crate) fn run(url: &str, connections: u32, seconds: u32, script: Option<&Path>) -> Result<WrkResult> {
    let mut command = Command::new("wrk");
    command.args(["-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), "--timeout", "10s", "--latency"]);
    if let Some(script) = script {
        command.arg("-s").arg(script);
    }
    let output = command.arg(url).output().context("cannot run wrk")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "wrk {url}: {text}{}", String::from_utf8_lossy(&output.stderr));
    parse(&text).with_context(|| format!("wrk {url} printed:\n{text}"))
}

/// The CPU time in µs that the server uses for each request.
pub(crate) fn cpu_per_request(server: &Service, path: &str, connections: u32, seconds: u32) -> Result<f64> {
    let before = server.cpu_time()?;
    let result = run(&server.url(path), connections, seconds, None)?;
    Ok(server.cpu_time()?.saturating_sub(before).as_secs_f64() * 1e6 / result.requests)
}

/// wrk's version. It prints the version with its usage and exits with an error.
pub(crate) fn version() -> String {
    let output = Command::new("wrk").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.split(" [").next().unwrap_or("wrk").trim().to_owned()
}

fn parse(text: &str) -> Result<WrkResult> {
    // Failed requests are fast and would improve the figures.
    ensure!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "some requests failed");
    let after = |label: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(label));
        line.map(str::trim).with_context(|| format!("no line with {label}"))
    };
    let requests =
        text.lines().find_map(|line| line.trim().split_once(" requests in ")).context("no count of requests")?;
    Ok(WrkResult {
        per_second: after("Requests/sec:")?.parse()?,
        requests: requests.0.parse()?,
        p50: duration(after("50%")?)?,
        p99: duration(after("99%")?)?,
    })
}

/// `617.00us`, `1.23ms`, `2.04s`, `1.20m`.
fn duration(text: &str) -> Result<Duration> {
    let split = text.find(|c: char| c.is_alphabetic()).context("a duration without unit")?;
    let (number, unit) = text.split_at(split);
    let scale = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => anyhow::bail!("a duration in {unit}"),
    };
    Ok(Duration::from_secs_f64(number.parse::<f64>()? * scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "Running 2s test @ http://127.0.0.1:8080/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.05ms  412.07us   9.11ms   88.20%
    Req/Sec    30.31k     1.20k   32.53k    70.00%
  Latency Distribution
     50%  617.00us
     75%    1.20ms
     90%    1.40ms
     99%    2.50ms
  60321 requests in 2.00s, 8.63MB read
Requests/sec:  30150.12
Transfer/sec:      4.31MB
";

    #[test]
    fn the_figures_are_parsed() -> Result<()> {
        let result = parse(OUTPUT)?;
        assert_eq!((result.p50, result.p99), (Duration::from_micros(617), Duration::from_micros(2500)));
        assert!((result.per_second - 30150.12).abs() < 1e-6 && (result.requests - 60321.0).abs() < 1e-6);
        Ok(())
    }

    #[test]
    fn a_run_with_failed_requests_is_an_error() {
        assert!(parse(&format!("{OUTPUT}  Non-2xx or 3xx responses: 1\n")).is_err());
        assert!(parse(&OUTPUT.replace("Requests/sec", "Socket errors: connect 0, read 1")).is_err());
    }
}
