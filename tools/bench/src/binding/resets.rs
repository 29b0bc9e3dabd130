//! What connections that are reset at once, or within their first bytes, do to a client that works and to new connections.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use testkit::Service;

use super::client::{REQUEST, ask, connect};
use super::spacious;
use crate::contest::{Contest, Contestant};
use crate::report::aim;
use crate::stats::{median, quantile, range};
use crate::{Plan, say};

/// Connections reset in a second where they come evenly: two in a millisecond.
const A_SECOND: u32 = 2_000;

/// The aims: the working client's p99 against undisturbed, and when a new connection has its answer, in milliseconds.
const AIMS: (f64, f64) = (2.0, 10.0);

/// How resets come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Storm {
    None,
    /// [`A_SECOND`], as from load balancers and scanners.
    Even,
    /// As fast as one client makes them, which takes a processor of its own.
    Flood,
}

const STORMS: [Storm; 3] = [Storm::None, Storm::Even, Storm::Flood];

/// One run: how long each answer took on the kept connection, and each first answer of a new one, connecting included; milliseconds.
struct Seen {
    storm: Storm,
    kept: Vec<f64>,
    new: Vec<f64>,
}

/// Runs with each of [`STORMS`], there or back.
type Round = Vec<Seen>;

/// The table, and the aims.
pub(crate) fn measure(contest: &Contest, plan: &Plan) -> Result<(String, String)> {
    let mut text = format!(
        "{} connections are reset, half of them at once, half within their first bytes, while one kept connection asks without pause and a \
         new one comes every 20 ms: not at all, evenly at {A_SECOND} a second, or as fast as one client can; {} rounds there and back. \
         Milliseconds, medians of the rounds; the ratio is the median of each round's (least–greatest). \
         In a flood a new connection waits for those before it in the listener's queue, at most 1,024; most of what each costs is the \
         number that WasmEdge draws for it (docs/PLATFORM.md).\n\n\
         | | resets | kept, p99 | against none | new, p99 | new, greatest |\n|---|---|---:|---:|---:|---:|\n",
        plan.resets, plan.pairs
    );
    let mut all_aims = String::new();
    for contestant in [Contestant::Native, Contestant::Aot] {
        let service = spacious(contest, contestant)?;
        let rounds: Result<Vec<Round>> = (0..plan.pairs).map(|index| round(&service, plan, index)).collect();
        let rounds = rounds?;
        let rows: String = STORMS.into_iter().map(|storm| row(contestant, storm, &rounds)).collect();
        say(rows.trim());
        text += &rows;
        if contestant == Contestant::Aot {
            all_aims = aims(&rounds, plan);
        }
    }
    Ok((text, all_aims))
}

fn round(service: &Service, plan: &Plan, index: usize) -> Result<Round> {
    let mut order = STORMS;
    if index % 2 == 1 {
        order.reverse();
    }
    order.into_iter().map(|storm| run(service, plan.resets, storm)).collect()
}

/// As long as so many resets take, with them or without.
fn run(service: &Service, resets: u32, storm: Storm) -> Result<Seen> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let kept = scope.spawn(|| keep_asking(service, &stop));
        let new = scope.spawn(|| keep_coming(service, &stop));
        let outcome = make(service, resets, storm);
        stop.store(true, Ordering::Relaxed);
        let kept = kept.join().map_err(|_| anyhow!("the kept connection's client panicked"))??;
        let new = new.join().map_err(|_| anyhow!("the new connections' client panicked"))??;
        outcome.map(|()| Seen { storm, kept, new })
    })
}

/// So many resets, or the time for them.
fn make(service: &Service, resets: u32, storm: Storm) -> Result<()> {
    let start = Instant::now();
    for number in 0..resets {
        let due = Duration::from_secs(1) * number / A_SECOND;
        if storm != Storm::Flood && number % 2 == 0 {
            thread::sleep(due.saturating_sub(start.elapsed()));
        }
        if storm != Storm::None {
            reset(service, number)?;
        }
    }
    Ok(())
}

fn reset(service: &Service, number: u32) -> Result<()> {
    let mut stream = connect(service)?;
    if number % 2 == 0 {
        stream.write_all(REQUEST.get(..9).unwrap_or_default())?;
    }
    rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
    Ok(())
}

fn keep_asking(service: &Service, stop: &AtomicBool) -> Result<Vec<f64>> {
    let (mut stream, mut times) = (connect(service)?, Vec::new());
    while !stop.load(Ordering::Relaxed) {
        times.push(ask(&mut stream)?.as_secs_f64() * 1e3);
    }
    Ok(times)
}

fn keep_coming(service: &Service, stop: &AtomicBool) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let came = Instant::now();
        ask(&mut connect(service)?)?;
        times.push(came.elapsed().as_secs_f64() * 1e3);
        thread::sleep(Duration::from_millis(20));
    }
    Ok(times)
}

fn late(times: &[f64]) -> f64 {
    quantile(times.iter().copied(), 0.99)
}

/// One figure of each round's run with this storm.
fn of(rounds: &[Round], storm: Storm, figure: fn(&Seen) -> f64) -> Vec<f64> {
    rounds.iter().flatten().filter(|seen| seen.storm == storm).map(figure).collect()
}

fn ratios(rounds: &[Round], storm: Storm) -> Vec<f64> {
    let p99 = |storm: Storm| of(rounds, storm, |seen| late(&seen.kept));
    p99(storm).into_iter().zip(p99(Storm::None)).map(|(with, without)| with / without).collect()
}

fn row(contestant: Contestant, storm: Storm, rounds: &[Round]) -> String {
    let name = match storm {
        Storm::None => "none",
        Storm::Even => "evenly",
        Storm::Flood => "as fast as can be",
    };
    let against = ratios(rounds, storm);
    let (least, most) = range(against.iter().copied());
    let ratio = format!("{:.1} × ({least:.1}–{most:.1})", median(against));
    let greatest = range(of(rounds, storm, |seen| quantile(seen.new.iter().copied(), 1.0))).1;
    format!(
        "| {} | {name} | {:.2} | {} | {:.2} | {greatest:.2} |\n",
        contestant.name(),
        median(of(rounds, storm, |seen| late(&seen.kept))),
        if storm == Storm::None { "" } else { &ratio },
        median(of(rounds, storm, |seen| late(&seen.new))),
    )
}

fn aims(rounds: &[Round], plan: &Plan) -> String {
    let kept = |(storm, how): (Storm, &str)| {
        let ratio = median(ratios(rounds, storm));
        let what = format!("p99 of a working client while {} connections are reset {how}", plan.resets);
        aim(&format!("{what} ≤ {:.0} × undisturbed", AIMS.0), &format!("{ratio:.1} ×"), ratio <= AIMS.0)
    };
    let new = median(of(rounds, Storm::Even, |seen| late(&seen.new)));
    let come = format!("a new connection while others are reset evenly has its answer at once: p99 ≤ {:.0} ms", AIMS.1);
    let kept: String = [(Storm::Even, "evenly"), (Storm::Flood, "as fast as can be")].into_iter().map(kept).collect();
    kept + &aim(&come, &format!("{new:.1} ms"), new <= AIMS.1)
}
