//! Our binding against the published one under the very same server, with few connections, where there is nothing to be won.

use anyhow::Result;
use testkit::{Runtime, Service};

use crate::contest::Contest;
use crate::report::aim;
use crate::stats::{median, range};
use crate::{Plan, demo, say, wrk};

/// Busy connections.
const CONNECTIONS: [u32; 3] = [1, 8, 64];

/// The aim: processor time of a request against the published binding's.
const AIM: f64 = 1.05;

/// What was seen with so many connections: processor time of a request in µs, pair by pair, published and ours.
struct Seen {
    connections: u32,
    timer: bool,
    pairs: Vec<(f64, f64)>,
}

/// The table, and the aims.
pub(crate) fn measure(contest: &Contest, plan: &Plan) -> Result<(String, String)> {
    let ours = demo::on_ours()?;
    let mut all = Vec::new();
    for timer in [false, true] {
        let start = |program| {
            let builder = Service::builder().runtime(Runtime::Aot).program(program).env("ONE_WRITE", "1");
            builder.env("TIMER", if timer { "1" } else { "0" }).start()
        };
        let both = (start(contest.demo())?, start(&ours)?);
        for connections in CONNECTIONS {
            let seen = Seen { connections, timer, pairs: pairs(&both, connections, plan)? };
            say(row(&seen).trim());
            all.push(seen);
        }
    }
    let mut text = format!(
        "hyper_wasi's server, one build on each binding, `GET /`: processor time of a request in µs, {} pairs of runs, first the one, then the \
         other before. Head and body leave in one write here: in two, the published binding's answers wait for the client's delayed \
         acknowledgement, and a server that waits 44 ms for each cannot be compared with one that does not.\n\n\
         | connections | a timer is pending | published | ours | ratio, median (least–greatest) |\n|---:|---|---:|---:|---:|\n",
        plan.pairs
    );
    text.extend(all.iter().map(row));
    Ok((text, all.iter().map(verdict).collect()))
}

fn pairs(both: &(Service, Service), connections: u32, plan: &Plan) -> Result<Vec<(f64, f64)>> {
    let cost = |server: &Service| -> Result<f64> {
        let before = server.cpu_time()?;
        let seen = wrk::run(&server.url("/"), connections, plan.seconds, None)?;
        Ok(server.cpu_time()?.saturating_sub(before).as_secs_f64() * 1e6 / seen.requests)
    };
    let pair = |index: usize| -> Result<(f64, f64)> {
        if index % 2 == 0 {
            Ok((cost(&both.0)?, cost(&both.1)?))
        } else {
            let ours = cost(&both.1)?;
            Ok((cost(&both.0)?, ours))
        }
    };
    (0..plan.pairs).map(pair).collect()
}

fn ratios(seen: &Seen) -> impl Iterator<Item = f64> {
    seen.pairs.iter().map(|(published, ours)| ours / published)
}

fn row(seen: &Seen) -> String {
    let (least, most) = range(ratios(seen));
    format!(
        "| {} | {} | {:.1} | {:.1} | {:.2} ({least:.2}–{most:.2}) |\n",
        seen.connections,
        if seen.timer { "yes" } else { "no" },
        median(seen.pairs.iter().map(|pair| pair.0)),
        median(seen.pairs.iter().map(|pair| pair.1)),
        median(ratios(seen)),
    )
}

fn verdict(seen: &Seen) -> String {
    let ratio = median(ratios(seen));
    let timer = if seen.timer { "with" } else { "without" };
    let what =
        format!("{} busy, {timer} a timer: CPU of a request ≤ {AIM} × the published binding's", seen.connections);
    aim(&what, &format!("{ratio:.2} ×"), ratio <= AIM)
}
