//! Our binding and the published one under the same server, with few connections, in pairs of runs.

use std::path::Path;

use anyhow::Result;
use testkit::stats::{median, range};
use testkit::{Runtime, Service};

use super::Section;
use crate::comparison::Comparison;
use crate::plan::Plan;
use crate::report::target;
use crate::{hyper_server, print_line, wrk};

/// The numbers of busy connections.
const CONNECTIONS: [u32; 3] = [1, 8, 64];

/// The target: CPU time per request relative to the published binding.
const MAX_RATIO: f64 = 1.05;

/// The servers of a pair.
struct Servers {
    published: Service,
    ours: Service,
}

/// CPU time per request in µs, published and ours, for each pair of runs.
struct PairedRuns {
    connections: u32,
    timer: bool,
    pairs: Vec<(f64, f64)>,
}

/// The table and the targets.
pub(super) fn measure(comparison: &Comparison, plan: &Plan) -> Result<Section> {
    let program = hyper_server::build_on_our_binding()?;
    let mut all = Vec::new();
    for timer in [false, true] {
        let servers = Servers { published: start(comparison.hyper_server(), timer)?, ours: start(&program, timer)? };
        for connections in CONNECTIONS {
            let runs = PairedRuns { connections, timer, pairs: run_pairs(&servers, connections, plan)? };
            print_line(row(&runs).trim());
            all.push(runs);
        }
    }
    let mut table = format!(
        "hyper_wasi's server, built on each binding, `GET /`: CPU time per request in µs, {} pairs of runs in \
         alternating order. Head and body are sent in one write. In two writes, responses on the published binding \
         wait 44 ms for the client's delayed acknowledgement, and the servers could not be compared.\n\n\
         | connections | a timer is pending | published | ours | ratio, median (min–max) |\n\
         |---:|---|---:|---:|---:|\n",
        plan.pairs
    );
    table.extend(all.iter().map(row));
    Ok(Section { table, targets: all.iter().map(target_row).collect() })
}

fn start(program: &Path, timer: bool) -> Result<Service> {
    let builder = Service::builder().runtime(Runtime::Aot).program(program).env("ONE_WRITE", "1");
    builder.env("TIMER", if timer { "1" } else { "0" }).start()
}

fn run_pairs(servers: &Servers, connections: u32, plan: &Plan) -> Result<Vec<(f64, f64)>> {
    let run = |server: &Service| wrk::cpu_per_request(server, "/", connections, plan.seconds);
    let pair = |index: usize| -> Result<(f64, f64)> {
        if index % 2 == 0 {
            return Ok((run(&servers.published)?, run(&servers.ours)?));
        }
        let ours = run(&servers.ours)?;
        Ok((run(&servers.published)?, ours))
    };
    (0..plan.pairs).map(pair).collect()
}

fn ratios(runs: &PairedRuns) -> impl Iterator<Item = f64> {
    runs.pairs.iter().map(|(published, ours)| ours / published)
}

fn row(runs: &PairedRuns) -> String {
    let (min, max) = range(ratios(runs));
    format!(
        "| {} | {} | {:.1} | {:.1} | {:.2} ({min:.2}–{max:.2}) |\n",
        runs.connections,
        if runs.timer { "yes" } else { "no" },
        median(runs.pairs.iter().map(|pair| pair.0)),
        median(runs.pairs.iter().map(|pair| pair.1)),
        median(ratios(runs)),
    )
}

fn target_row(runs: &PairedRuns) -> String {
    let ratio = median(ratios(runs));
    let timer = if runs.timer { "with" } else { "without" };
    let what = format!(
        "{} busy connections, {timer} a timer: CPU per request ≤ {MAX_RATIO} × the published binding's",
        runs.connections
    );
    target(&what, &format!("{ratio:.2} ×"), ratio <= MAX_RATIO)
}
