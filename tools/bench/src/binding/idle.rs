//! What idle connections cost a busy one.

use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use testkit::{Runtime, Service};

use super::client::{ask, connect, crowd};
use super::spacious;
use crate::contest::{Contest, Contestant};
use crate::report::aim;
use crate::{Plan, demo, say};

/// How many idle connections there are beside the busy one.
pub(crate) const CROWDS: [usize; 6] = [0, 100, 500, 1_000, 2_000, 5_000];

/// The aims: beside so many idle ones, so many times what a request costs beside none.
const AIMS: [(usize, f64); 2] = [(2_000, 3.0), (5_000, 5.0)];

/// Whose curve it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// One of those that are compared everywhere.
    Contestant(Contestant),
    /// hyper_wasi's server where head and body leave in one write, so that both bindings are under the same server and neither waits.
    OneWrite {
        /// On our binding, or on the published one.
        ours: bool,
    },
}

impl Who {
    fn name(self) -> &'static str {
        match self {
            Self::Contestant(contestant) => contestant.name(),
            Self::OneWrite { ours: false } => "hyper_wasi in one write, published binding, AOT",
            Self::OneWrite { ours: true } => "the same on our binding",
        }
    }
}

/// A row of the table: processor time and latency of a request, for each crowd.
pub(crate) struct Curve {
    pub(crate) who: Who,
    pub(crate) points: Vec<(Duration, Duration)>,
}

/// The curves of native, ours and the published one; and of the two bindings under the very same server.
pub(crate) fn measure(contest: &Contest, plan: &Plan) -> Result<Vec<Curve>> {
    let ours = demo::on_ours()?;
    let one_write = |program: &Path| Service::builder().runtime(Runtime::Aot).program(program).env("ONE_WRITE", "1");
    let mut curves = Vec::new();
    for contestant in [Contestant::Native, Contestant::Aot, Contestant::Demo] {
        curves.push(curve(spacious(contest, contestant)?, Who::Contestant(contestant), plan)?);
    }
    curves.push(curve(one_write(contest.demo()).start()?, Who::OneWrite { ours: false }, plan)?);
    curves.push(curve(one_write(&ours).start()?, Who::OneWrite { ours: true }, plan)?);
    Ok(curves)
}

#[expect(clippy::needless_pass_by_value, reason = "the service ends with its curve")]
fn curve(service: Service, who: Who, plan: &Plan) -> Result<Curve> {
    let mut busy = connect(&service)?;
    let (mut idle, mut points) = (Vec::new(), Vec::new());
    for size in CROWDS {
        idle.append(&mut crowd(&service, size - idle.len())?);
        run(&service, &mut busy, Duration::from_millis(300))?;
        let point = run(&service, &mut busy, Duration::from_secs(u64::from(plan.seconds)))?;
        say(&format!("{}: {size} idle connections: {:?} of processor time a request", who.name(), point.0));
        points.push(point);
    }
    Ok(Curve { who, points })
}

/// Requests one after another for so long: processor time and time of each.
fn run(service: &Service, busy: &mut TcpStream, time: Duration) -> Result<(Duration, Duration)> {
    let (start, before, mut requests) = (Instant::now(), service.cpu_time()?, 0);
    while start.elapsed() < time {
        ask(busy)?;
        requests += 1;
    }
    Ok((service.cpu_time()?.saturating_sub(before) / requests, start.elapsed() / requests))
}

pub(crate) fn table(curves: &[Curve]) -> String {
    let mut text = String::from(
        "One busy connection asking `GET /` beside idle keep-alive ones: the service's processor time for each request in µs, and in \
         brackets the time until the answer in µs. The published binding's answers wait for the client's delayed acknowledgement, with its \
         idle connections' cost hidden in that wait; the last two rows are without it.\n\n|",
    );
    for size in CROWDS {
        text += &format!(" | {size} idle");
    }
    text += &format!(" |\n|---|{}\n", "---:|".repeat(CROWDS.len()));
    for curve in curves {
        text += &format!("| {}", curve.who.name());
        for (cpu, latency) in &curve.points {
            text += &format!(" | {:.0} ({:.0})", cpu.as_secs_f64() * 1e6, latency.as_secs_f64() * 1e6);
        }
        text += " |\n";
    }
    text
}

/// What a request of ours costs beside many, against beside none.
pub(crate) fn aims(curves: &[Curve]) -> String {
    let service = Who::Contestant(Contestant::Aot);
    let Some(ours) = curves.iter().find(|curve| curve.who == service) else { return String::new() };
    let beside = |size: usize| {
        let point = CROWDS.iter().position(|crowd| *crowd == size).and_then(|index| ours.points.get(index));
        point.map_or(f64::NAN, |(cpu, _)| cpu.as_secs_f64())
    };
    let row = |(size, most): (usize, f64)| {
        let ratio = beside(size) / beside(0);
        aim(
            &format!("CPU of a request beside {size} idle ones ≤ {most:.0} × beside none"),
            &format!("{ratio:.1} ×"),
            ratio <= most,
        )
    };
    AIMS.into_iter().map(row).collect()
}
