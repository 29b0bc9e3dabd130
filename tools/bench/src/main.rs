//! `make bench`: interpreter, AOT and native side by side, into docs/BENCHMARKS.md.
//!
//! Without an argument, as processes (this table); with the argument `containers`, on a Docker Engine of its own ([`containers`]); with
//! `cluster`, on a Kubernetes of its own ([`pods`]).
//!
//! | room | what it measures |
//! |---|---|
//! | `throughput` | requests a second, latency and CPU per request, by `wrk` |
//! | `starting` | from the start of the process to the first answer |
//! | `memory` | private and resident memory, idle and after load |
//! | `streaming` | memory and first byte while a million rows are read |
//! | `binding` | idle, cold, reset and few connections, on our binding and the published one |
//! | `sizes` | the files |
//! | `report` | the page |
//!
//! With the argument `idle`, `cold`, `resets` or `against` one room of `binding` alone, which shows its tables and leaves the page as it is.
//!
//! `QUICK=1` takes a fraction of the time and says so in the page. Every reply is checked: a measurement with a failed request is no
//! measurement, and ends the run.

use std::io::Write;
use std::time::Instant;

use anyhow::Result;

mod binding;
mod containers;
mod contest;
mod demo;
mod http;
mod memory;
mod pods;
mod report;
mod sizes;
mod starting;
mod stats;
mod streaming;
mod throughput;
mod turns;
mod wrk;

use contest::Contest;
use report::Page;

fn main() -> Result<()> {
    let plan = Plan::from_environment();
    let load = testkit::machine::load_average();
    if load.parse().is_ok_and(|load: f64| load > 0.5) {
        say(&format!("the machine is not idle (load {load}): the figures will be worse and wider than they should be"));
    }
    match std::env::args().nth(1).as_deref() {
        None => processes(&plan),
        Some("containers") => containers::measure(&plan),
        Some("cluster") => pods::measure(&plan),
        Some(room) => binding::only(room, &Contest::prepare()?, &plan).map(|tables| say(&format!("\n{tables}"))),
    }
}

fn processes(plan: &Plan) -> Result<()> {
    let start = Instant::now();
    let machine = format!("{}- generator: {}\n", testkit::machine::describe()?, wrk::version());
    let contest = Contest::prepare()?;
    let mut page = Page::of("make bench");
    page.add(sizes::measure()?);
    page.add(starting::measure(&contest, plan)?);
    let servers = contest.start_all()?;
    let idle = memory::of(&servers)?;
    page.add(throughput::measure(&contest, &servers, plan)?);
    page.add(memory::table(&idle, &memory::of(&servers)?));
    drop(servers);
    page.add(streaming::measure(&contest, plan)?);
    page.add(binding::measure(&contest, plan)?);
    let how =
        format!("{} runs of {} s for each figure, contestants in turns (A B C C B A)", plan.rounds * 2, plan.seconds);
    page.finish(&machine, plan, &how, start.elapsed())
}

/// How much is measured.
#[derive(Debug)]
struct Plan {
    quick: bool,
    /// Seconds of one run of `wrk`.
    seconds: u32,
    /// Times that the contestants go there and back (A B C C B A).
    rounds: usize,
    /// Starts of each contestant.
    starts: usize,
    /// Rows in the table that is streamed.
    rows: u32,
    /// Times that each kind of container has its memory looked at.
    looks: usize,
    /// First answers of cold connections.
    cold: usize,
    /// Connections that are reset in one run.
    resets: u32,
    /// Pairs of runs where two are compared.
    pairs: usize,
}

impl Plan {
    fn from_environment() -> Self {
        let quick = std::env::var("QUICK").is_ok_and(|value| !value.is_empty() && value != "0");
        if quick {
            Self {
                quick,
                seconds: 1,
                rounds: 1,
                starts: 5,
                rows: 1_000_000,
                looks: 1,
                cold: 200,
                resets: 2_000,
                pairs: 5,
            }
        } else {
            Self {
                quick,
                seconds: 3,
                rounds: 2,
                starts: 21,
                rows: 1_000_000,
                looks: 5,
                cold: 500,
                resets: 10_000,
                pairs: 7,
            }
        }
    }
}

/// A line of progress.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "bench: {line}");
}
