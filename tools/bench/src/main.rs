//! `make bench`: interpreter, AOT and native side by side, into docs/BENCHMARKS.md.
//!
//! Without an argument it measures processes (this table); with the argument `containers`, images on a private Docker
//! Engine ([`containers`]); with `cluster`, pods on a private Kubernetes cluster ([`pod_startup`]); with `overload`,
//! the service under too much load and beside slow clients ([`overload`]).
//!
//! | module | measures |
//! |---|---|
//! | `file_sizes` | the program files |
//! | `startup` | time from the start of the process to the first response |
//! | `throughput` | requests per second, latency and CPU per request, with `wrk` |
//! | `memory` | private and resident memory, idle and after load |
//! | `streaming` | memory and time to first byte while a million rows are read |
//! | `pages` | a page of orders from tables of a thousand to ten million rows |
//! | `batch` | a hundred thousand orders in one request |
//! | `idempotency` | writes with an idempotency key |
//! | `observation` | what scrapes and traces cost |
//! | `socket_binding` | idle, silent, reset and few connections, on our socket binding and the published one |
//!
//! | module | contents |
//! |---|---|
//! | `comparison`, `hyper_server` | the variants that are compared |
//! | `plan`, `round_order` | number and order of the runs |
//! | `http`, `wrk` | clients |
//! | `report` | the page |
//!
//! With the argument `pages`, `batch`, `keys` or `observation` it measures that part only, with `idle`, `silent`,
//! `resets` or `paired` one part of `socket_binding`. It prints the tables then and leaves the page unchanged.
//!
//! Every response is checked. A failed request ends the run without a result.

use std::io::Write;
use std::time::Instant;

use anyhow::Result;

mod batch;
mod comparison;
mod containers;
mod file_sizes;
mod http;
mod hyper_server;
mod idempotency;
mod memory;
mod observation;
mod overload;
mod pages;
mod plan;
mod pod_startup;
mod report;
mod round_order;
mod socket_binding;
mod startup;
mod streaming;
mod throughput;
mod wrk;

use comparison::Comparison;
use plan::Plan;
use report::Report;

/// Above this load average, other processes distort the figures.
const MAX_IDLE_LOAD: f64 = 0.5;

fn main() -> Result<()> {
    let plan = Plan::from_environment();
    let load = testkit::machine::load_average();
    if load.parse().is_ok_and(|load: f64| load > MAX_IDLE_LOAD) {
        print_line(&format!("the machine is not idle (load {load}): the figures will be worse and vary more"));
    }
    match std::env::args().nth(1).as_deref() {
        None => measure_processes(&plan),
        Some("containers") => containers::measure(&plan),
        Some("cluster") => pod_startup::measure(&plan),
        Some("overload") => overload::measure(&plan),
        Some(part) => {
            let tables = match part {
                "pages" => pages::measure(&Comparison::prepare()?, &plan)?,
                "batch" => batch::measure(&Comparison::prepare()?, &plan)?,
                "keys" => idempotency::measure(&Comparison::prepare()?, &plan)?,
                "observation" => observation::measure(&Comparison::prepare()?, &plan)?,
                part => socket_binding::measure_part(part, &plan)?,
            };
            print_line(&format!("\n{tables}"));
            Ok(())
        }
    }
}

fn measure_processes(plan: &Plan) -> Result<()> {
    let start = Instant::now();
    let machine = format!("{}- generator: {}\n", testkit::machine::describe()?, wrk::version());
    let comparison = Comparison::prepare()?;
    let mut report = Report::new("make bench");
    report.add(file_sizes::measure()?);
    report.add(startup::measure(&comparison, plan)?);
    let servers = comparison.start_all()?;
    let idle = memory::measure(&servers)?;
    report.add(throughput::measure(&comparison, &servers, plan)?);
    report.add(memory::table(&idle, &memory::measure(&servers)?));
    drop(servers);
    report.add(streaming::measure(&comparison, plan)?);
    report.add(pages::measure(&comparison, plan)?);
    report.add(batch::measure(&comparison, plan)?);
    report.add(idempotency::measure(&comparison, plan)?);
    report.add(observation::measure(&comparison, plan)?);
    report.add(socket_binding::measure(&comparison, plan)?);
    let method = format!(
        "{} runs of {} s per figure, variants in alternating order (A B C C B A)",
        plan.rounds * 2,
        plan.seconds
    );
    report.write(&machine, plan, &method, start.elapsed())
}

/// Prints a line of progress.
fn print_line(line: &str) {
    let _ = writeln!(std::io::stderr(), "bench: {line}");
}
