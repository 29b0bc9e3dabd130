//! `make soak`: a soak test of ten minutes. `SOAK_SECONDS=30` makes it shorter, `SOAK_SEED=…` repeats a run's random
//! numbers.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use soak::{Plan, Report};

/// Only runs of at least this duration are written to docs/BENCHMARKS.md.
const FULL_DURATION: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    match soak() {
        Ok(report) if report.passed() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            print_line(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn soak() -> Result<Report> {
    let duration = number("SOAK_SECONDS")?.map_or(FULL_DURATION, Duration::from_secs);
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seed = number("SOAK_SEED")?.unwrap_or_else(clock);
    print_line(&format!("{} s with SOAK_SEED={seed}", duration.as_secs()));
    let machine = testkit::machine::describe()?;
    let report = soak::run(&Plan::new(duration, seed), &mut print_line)?;
    print_line(&format!("\n{}", report.tables()));
    for failure in report.failures() {
        print_line(&format!("failure: {failure}"));
    }
    if duration >= FULL_DURATION {
        write(&report, &machine, duration, seed)?;
    }
    print_line(if report.passed() { "passed: all rules hold" } else { "FAILED: not all rules hold" });
    Ok(report)
}

fn write(report: &Report, machine: &str, duration: Duration, seed: u64) -> Result<()> {
    let command = format!("Command: `SOAK_SECONDS={} SOAK_SEED={seed} make soak`.", duration.as_secs());
    testkit::benchmark_page::write_section("make soak", &format!("{command}\n\n{machine}\n{}", report.tables()))?;
    print_line("written to docs/BENCHMARKS.md");
    Ok(())
}

/// The value of a variable that is a whole number.
fn number(name: &str) -> Result<Option<u64>> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty());
    text.map(|text| text.parse().with_context(|| format!("{name} is {text:?}, not a whole number"))).transpose()
}

/// Prints a line of progress.
fn print_line(line: &str) {
    let _ = writeln!(std::io::stderr(), "soak: {line}");
}
