//! What connections that are reset at once, or within their first bytes, do to a client that works and to new connections.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use testbed::Service;

use super::client::{REQUEST, ask, connect};
use super::spacious;
use crate::contest::{Contest, Contestant};
use crate::report::aim;
use crate::stats::{median, quantile, range};
use crate::{Plan, say};

/// Connections reset in a second, in small bursts: a load balancer's or a scanner's worst, and no race for the generator's processor.
const A_SECOND: u32 = 2_000;

/// The aims: the working client's p99 against undisturbed, and when a new connection has its answer, in milliseconds.
const AIMS: (f64, f64) = (2.0, 10.0);

/// One run: how long each answer took on the kept connection, and each first answer of a new one, connecting included; milliseconds.
struct Seen {
    kept: Vec<f64>,
    new: Vec<f64>,
}

/// A run without resets, and one with.
struct Pair {
    calm: Seen,
    stormy: Seen,
}

/// The table, and the aims.
pub(crate) fn measure(contest: &Contest, plan: &Plan) -> Result<(String, String)> {
    let mut text = format!(
        "{} connections are reset at {A_SECOND} a second, half of them at once, half within their first bytes, while one kept connection \
         asks without pause and a new one comes every 20 ms; beside it the same without resets, {} pairs, first the one, then the other \
         before. Each figure in ms is the median of the runs', the ratio the median of the pairs' (least–greatest).\n\n\
         | | kept, p99 | while resetting | ratio | new, p99 | while resetting | greatest |\n|---|---:|---:|---:|---:|---:|---:|\n",
        plan.resets, plan.pairs
    );
    let mut all_aims = String::new();
    for contestant in [Contestant::Native, Contestant::Aot] {
        let service = spacious(contest, contestant)?;
        let pairs: Result<Vec<Pair>> = (0..plan.pairs).map(|index| pair(&service, plan, index)).collect();
        let pairs = pairs?;
        text += &row(contestant, &pairs);
        say(row(contestant, &pairs).trim());
        if contestant == Contestant::Aot {
            all_aims = aims(&pairs, plan);
        }
    }
    Ok((text, all_aims))
}

fn pair(service: &Service, plan: &Plan, index: usize) -> Result<Pair> {
    let calm = |_: ()| run(service, plan.resets, false);
    let stormy = |_: ()| run(service, plan.resets, true);
    if index % 2 == 0 {
        Ok(Pair { calm: calm(())?, stormy: stormy(())? })
    } else {
        let stormy = stormy(())?;
        Ok(Pair { calm: calm(())?, stormy })
    }
}

/// As long as so many resets take, with them or without.
fn run(service: &Service, resets: u32, resetting: bool) -> Result<Seen> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let kept = scope.spawn(|| keep_asking(service, &stop));
        let new = scope.spawn(|| keep_coming(service, &stop));
        let outcome = paced(resets, |number| if resetting { reset(service, number) } else { Ok(()) });
        stop.store(true, Ordering::Relaxed);
        let kept = kept.join().map_err(|_| anyhow!("the kept connection's client panicked"))??;
        let new = new.join().map_err(|_| anyhow!("the new connections' client panicked"))??;
        outcome.map(|()| Seen { kept, new })
    })
}

/// So many times, in bursts of 20.
fn paced(times: u32, mut act: impl FnMut(u32) -> Result<()>) -> Result<()> {
    let start = Instant::now();
    for number in 0..times {
        if number % 20 == 0 {
            thread::sleep((Duration::from_secs(1) * number / A_SECOND).saturating_sub(start.elapsed()));
        }
        act(number)?;
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

fn ratios(pairs: &[Pair]) -> impl Iterator<Item = f64> {
    pairs.iter().map(|pair| late(&pair.stormy.kept) / late(&pair.calm.kept))
}

fn row(contestant: Contestant, pairs: &[Pair]) -> String {
    let of = |times: fn(&Pair) -> &[f64]| median(pairs.iter().map(|pair| late(times(pair))));
    let (least, most) = range(ratios(pairs));
    let greatest = quantile(pairs.iter().flat_map(|pair| pair.stormy.new.iter().copied()), 1.0);
    format!(
        "| {} | {:.2} | {:.2} | {:.1} ({least:.1}–{most:.1}) | {:.2} | {:.2} | {greatest:.2} |\n",
        contestant.name(),
        of(|pair| &pair.calm.kept),
        of(|pair| &pair.stormy.kept),
        median(ratios(pairs)),
        of(|pair| &pair.calm.new),
        of(|pair| &pair.stormy.new),
    )
}

fn aims(pairs: &[Pair], plan: &Plan) -> String {
    let (ratio, new) = (median(ratios(pairs)), median(pairs.iter().map(|pair| late(&pair.stormy.new))));
    [
        aim(
            &format!(
                "p99 of a working client while {} connections are reset ≤ {:.0} × undisturbed",
                plan.resets, AIMS.0
            ),
            &format!("{ratio:.1} ×"),
            ratio <= AIMS.0,
        ),
        aim(
            &format!("a new connection meanwhile has its answer at once: p99 ≤ {:.0} ms", AIMS.1),
            &format!("{new:.1} ms"),
            new <= AIMS.1,
        ),
    ]
    .concat()
}
