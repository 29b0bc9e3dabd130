//! The effect of connections that are reset at once, or within their first bytes, on a kept connection and on new ones.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use testkit::Service;
use testkit::stats::{median, quantile, range};

use super::Section;
use super::client::{REQUEST, connect, request};
use crate::comparison::{Comparison, Variant};
use crate::plan::Plan;
use crate::print_line;
use crate::report::target;

/// Evenly distributed resets per second: two in a millisecond.
const RESETS_PER_SECOND: u32 = 2_000;

/// The interval between new connections.
const NEW_CONNECTION_INTERVAL: Duration = Duration::from_millis(20);

/// The targets: the kept connection's p99 relative to the run without resets, and the p99 of a new connection's first
/// response in milliseconds.
const MAX_P99_RATIO: f64 = 2.0;
const MAX_NEW_CONNECTION_MS: f64 = 10.0;

/// The distribution of resets over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResetPattern {
    None,
    /// [`RESETS_PER_SECOND`], as from load balancers and scanners.
    Even,
    /// As fast as one client can, which needs a processor of its own.
    Flood,
}

const PATTERNS: [ResetPattern; 3] = [ResetPattern::None, ResetPattern::Even, ResetPattern::Flood];

/// One run: the latencies of the kept connection, and the times from connecting to the first response of new ones, in
/// milliseconds.
struct Run {
    pattern: ResetPattern,
    kept: Vec<f64>,
    new: Vec<f64>,
}

/// Runs with each of [`PATTERNS`].
type Round = Vec<Run>;

/// The table and the targets.
pub(super) fn measure(comparison: &Comparison, plan: &Plan) -> Result<Section> {
    let mut section = Section { table: heading(plan), targets: String::new() };
    for variant in [Variant::Native, Variant::Aot] {
        let service = comparison.builder_for_many_connections(variant).start()?;
        let rounds: Result<Vec<Round>> = (0..plan.pairs).map(|index| round(&service, plan, index)).collect();
        let rounds = rounds?;
        let rows: String = PATTERNS.into_iter().map(|pattern| row(variant, pattern, &rounds)).collect();
        print_line(rows.trim());
        section.table += &rows;
        if variant == Variant::Aot {
            section.targets = targets(&rounds, plan);
        }
    }
    Ok(section)
}

fn heading(plan: &Plan) -> String {
    format!(
        "{} connections are reset, half of them at once, half within their first bytes. Meanwhile one kept connection \
         makes requests without pause, and a new connection is opened every {} ms. Resets come not at all, evenly at \
         {RESETS_PER_SECOND} per second, or as fast as one client can; {} rounds in alternating order. Milliseconds, \
         medians of the rounds; the ratio is the median of the rounds' ratios (min–max). In a flood a new connection \
         waits for those before it in the listener's backlog of at most 1,024; most of the cost of each is the number \
         that WasmEdge draws for it (docs/PLATFORM.md).\n\n\
         | | resets | kept, p99 | relative to none | new, p99 | new, maximum |\n|---|---|---:|---:|---:|---:|\n",
        plan.resets,
        NEW_CONNECTION_INTERVAL.as_millis(),
        plan.pairs
    )
}

fn round(service: &Service, plan: &Plan, index: usize) -> Result<Round> {
    let mut order = PATTERNS;
    if index % 2 == 1 {
        order.reverse();
    }
    order.into_iter().map(|pattern| run(service, plan.resets, pattern)).collect()
}

fn run(service: &Service, resets: u32, pattern: ResetPattern) -> Result<Run> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let kept = scope.spawn(|| use_kept_connection(service, &stop));
        let new = scope.spawn(|| use_new_connections(service, &stop));
        let outcome = make_resets(service, resets, pattern);
        stop.store(true, Ordering::Relaxed);
        let kept = kept.join().map_err(|_| anyhow!("the kept connection's client panicked"))??;
        let new = new.join().map_err(|_| anyhow!("the new connections' client panicked"))??;
        outcome.map(|()| Run { pattern, kept, new })
    })
}

/// Makes the resets. Without resets it takes the same time as with evenly distributed ones.
fn make_resets(service: &Service, resets: u32, pattern: ResetPattern) -> Result<()> {
    let start = Instant::now();
    for index in 0..resets {
        let due = Duration::from_secs(1) * index / RESETS_PER_SECOND;
        if pattern != ResetPattern::Flood && index % 2 == 0 {
            thread::sleep(due.saturating_sub(start.elapsed()));
        }
        if pattern != ResetPattern::None {
            let mut connection = connect(service)?;
            if index % 2 == 0 {
                connection.send(REQUEST.get(..9).unwrap_or_default())?;
            }
            connection.reset()?;
        }
    }
    Ok(())
}

fn use_kept_connection(service: &Service, stop: &AtomicBool) -> Result<Vec<f64>> {
    let (mut connection, mut times) = (connect(service)?, Vec::new());
    while !stop.load(Ordering::Relaxed) {
        times.push(request(&mut connection)?.as_secs_f64() * 1e3);
    }
    Ok(times)
}

fn use_new_connections(service: &Service, stop: &AtomicBool) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let start = Instant::now();
        request(&mut connect(service)?)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
        thread::sleep(NEW_CONNECTION_INTERVAL);
    }
    Ok(times)
}

fn p99(times: &[f64]) -> f64 {
    quantile(times.iter().copied(), 0.99)
}

/// One figure of each round's run with this pattern.
fn figures(rounds: &[Round], pattern: ResetPattern, figure: fn(&Run) -> f64) -> Vec<f64> {
    rounds.iter().flatten().filter(|run| run.pattern == pattern).map(figure).collect()
}

fn ratios_to_none(rounds: &[Round], pattern: ResetPattern) -> Vec<f64> {
    let kept = |pattern: ResetPattern| figures(rounds, pattern, |run| p99(&run.kept));
    kept(pattern).into_iter().zip(kept(ResetPattern::None)).map(|(with, without)| with / without).collect()
}

fn row(variant: Variant, pattern: ResetPattern, rounds: &[Round]) -> String {
    let name = match pattern {
        ResetPattern::None => "none",
        ResetPattern::Even => "evenly",
        ResetPattern::Flood => "as fast as possible",
    };
    let ratios = ratios_to_none(rounds, pattern);
    let (min, max) = range(ratios.iter().copied());
    let ratio = format!("{:.1} × ({min:.1}–{max:.1})", median(ratios));
    let max_new = range(figures(rounds, pattern, |run| quantile(run.new.iter().copied(), 1.0))).1;
    format!(
        "| {} | {name} | {:.2} | {} | {:.2} | {max_new:.2} |\n",
        variant.name(),
        median(figures(rounds, pattern, |run| p99(&run.kept))),
        if pattern == ResetPattern::None { "" } else { &ratio },
        median(figures(rounds, pattern, |run| p99(&run.new))),
    )
}

fn targets(rounds: &[Round], plan: &Plan) -> String {
    let kept = |(pattern, name): (ResetPattern, &str)| {
        let ratio = median(ratios_to_none(rounds, pattern));
        let what = format!("p99 of a kept connection while {} connections are reset {name}", plan.resets);
        target(&format!("{what} ≤ {MAX_P99_RATIO:.0} × without"), &format!("{ratio:.1} ×"), ratio <= MAX_P99_RATIO)
    };
    let new = median(figures(rounds, ResetPattern::Even, |run| p99(&run.new)));
    let what = format!(
        "first response of a new connection while others are reset evenly: p99 ≤ {MAX_NEW_CONNECTION_MS:.0} ms"
    );
    let patterns = [(ResetPattern::Even, "evenly"), (ResetPattern::Flood, "as fast as possible")];
    let kept: String = patterns.into_iter().map(kept).collect();
    kept + &target(&what, &format!("{new:.1} ms"), new <= MAX_NEW_CONNECTION_MS)
}
