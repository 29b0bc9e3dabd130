//! How late the first answer is of a connection that has been silent, beside many idle ones and while others are busy.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};

use super::client::{ask, crowd, keep_busy};
use super::spacious;
use crate::contest::{Contest, Contestant};
use crate::report::aim;
use crate::stats::{median, quantile};
use crate::{Plan, say};

/// The crowds; of none, a single connection is asked again and again, silent for long enough to be forgotten meanwhile.
const CROWDS: [usize; 2] = [0, 1_000];

/// Connections that others keep busy.
const BUSY: [usize; 2] = [0, 8];

/// How much later than beside none an answer may be beside a thousand: while others are busy, and when all are silent. The second is what
/// this machine's clocks and schedulers move a median by without any cause.
const LATER: (f64, f64) = (10.0, 0.1);

/// What was seen of one contestant: milliseconds.
struct Times {
    contestant: Contestant,
    busy: usize,
    crowd: usize,
    times: Vec<f64>,
}

/// The table, and the aims.
pub(crate) fn measure(contest: &Contest, plan: &Plan) -> Result<(String, String)> {
    let mut all = Vec::new();
    for contestant in [Contestant::Native, Contestant::Aot] {
        for busy in BUSY {
            for crowd in CROWDS {
                let times = first_answers(contest, contestant, (busy, crowd), plan.cold)?;
                let seen = Times { contestant, busy, crowd, times };
                say(&format!("a cold connection's first answer: {}", row(&seen).trim()));
                all.push(seen);
            }
        }
    }
    let mut text = format!(
        "The first answer, in ms, of a connection that has been silent: {} times, each of another of the idle ones, and while {} other \
         connections are kept busy or all are silent. Beside none, one connection is silent for 5 to 15 ms each time.\n\n\
         | | others | idle | median | p99 | greatest |\n|---|---|---:|---:|---:|---:|\n",
        plan.cold, BUSY[1]
    );
    text.extend(all.iter().map(row));
    Ok((text, aims(&all)))
}

fn first_answers(contest: &Contest, who: Contestant, (busy, idle): (usize, usize), asks: usize) -> Result<Vec<f64>> {
    let service = spacious(contest, who)?;
    let mut cold = crowd(&service, idle.max(1))?;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let others = (busy > 0).then(|| keep_busy(scope, &service, busy, &stop));
        thread::sleep(Duration::from_millis(300));
        let count = cold.len();
        let mut times = Vec::with_capacity(asks);
        let outcome = (0..asks).try_for_each(|index| -> Result<()> {
            // Neither in step with anything in the service, nor along the crowd's order.
            thread::sleep(Duration::from_micros(5_000 + (index as u64 * 7_919) % 10_000));
            let Some(one) = cold.get_mut(index * 389 % count) else { return Ok(()) };
            times.push(ask(one)?.as_secs_f64() * 1e3);
            Ok(())
        });
        stop.store(true, Ordering::Relaxed);
        if let Some(others) = others {
            others.join().map_err(|_| anyhow!("the busy client panicked"))??;
        }
        outcome.map(|()| times)
    })
}

fn row(seen: &Times) -> String {
    let of = |share: f64| quantile(seen.times.iter().copied(), share);
    format!(
        "| {} | {} | {} | {:.2} | {:.2} | {:.2} |\n",
        seen.contestant.name(),
        if seen.busy > 0 { "busy" } else { "silent" },
        seen.crowd,
        of(0.5),
        of(0.99),
        of(1.0)
    )
}

fn aims(all: &[Times]) -> String {
    let times = |busy: usize, crowd: usize| {
        let ours = |one: &&Times| one.contestant == Contestant::Aot && (one.busy, one.crowd) == (busy, crowd);
        all.iter().find(ours).map(|one| one.times.clone()).unwrap_or_default()
    };
    let p99 = |crowd: usize| quantile(times(BUSY[1], crowd), 0.99);
    let middle = |crowd: usize| median(times(BUSY[0], crowd));
    let (busy, silent) = (p99(CROWDS[1]) - p99(CROWDS[0]), middle(CROWDS[1]) - middle(CROWDS[0]));
    let what = "a cold connection's first answer beside 1,000 idle ones against none";
    [
        aim(
            &format!("{what}, others busy: p99 later by ≤ {:.0} ms", LATER.0),
            &format!("{busy:.1} ms"),
            busy <= LATER.0,
        ),
        aim(
            &format!("{what}, others silent: median later by ≤ {:.1} ms, which is nothing measurable", LATER.1),
            &format!("{silent:.2} ms"),
            silent <= LATER.1,
        ),
    ]
    .concat()
}
