//! `make soak`: ten minutes of everything at once; `SOAK_SECONDS=30` for a shorter run, `SOAK_SEED=…` for the same randomness again.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use soak::{Plan, Report};

/// From this length on a run is worth the page.
const WHOLE: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    match soak() {
        Ok(report) if report.is_good() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn soak() -> Result<Report> {
    let time = Duration::from_secs(number("SOAK_SECONDS")?.unwrap_or(600));
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seed = number("SOAK_SEED")?.unwrap_or_else(clock);
    say(&format!("{} s with SOAK_SEED={seed}", time.as_secs()));
    let machine = testkit::machine::describe()?;
    let report = soak::run(&Plan::of(time, seed), &mut say)?;
    say(&format!("\n{}", report.tables()));
    for fault in report.faults() {
        say(&format!("wrong: {fault}"));
    }
    if time >= WHOLE {
        write(&report, &machine, time, seed)?;
    }
    say(if report.is_good() { "all rules kept" } else { "NOT all rules kept" });
    Ok(report)
}

fn write(report: &Report, machine: &str, time: Duration, seed: u64) -> Result<()> {
    let command = format!("Command: `SOAK_SECONDS={} SOAK_SEED={seed} make soak`.", time.as_secs());
    testkit::benchmark_page::write_section("make soak", &format!("{command}\n\n{machine}\n{}", report.tables()))?;
    say("written to docs/BENCHMARKS.md");
    Ok(())
}

/// A variable that is a whole number, if it is set.
fn number(name: &str) -> Result<Option<u64>> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty());
    text.map(|text| text.parse().with_context(|| format!("{name} is {text:?}, not a whole number"))).transpose()
}

/// A line of progress.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "soak: {line}");
}
