//! The cost of idle connections for a busy one.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use testkit::http::RawConnection;
use testkit::{Runtime, Service};

use super::Section;
use super::client::{connect, open_idle_connections, request};
use crate::comparison::{Comparison, Variant};
use crate::plan::Plan;
use crate::report::target;
use crate::{hyper_server, print_line};

/// The numbers of idle connections beside the busy one.
pub(crate) const IDLE_COUNTS: [usize; 6] = [0, 100, 500, 1_000, 2_000, 5_000];

/// The targets: numbers of idle connections, and the maximum CPU time per request relative to that without.
const TARGETS: [(usize, f64); 2] = [(2_000, 3.0), (5_000, 5.0)];

/// The busy connection runs for this time before each measurement.
const WARM_UP: Duration = Duration::from_millis(300);

/// The server of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// One of the variants that are compared everywhere.
    Variant(Variant),
    /// hyper_wasi's server with head and body in one write: the same server on both bindings, without the wait for the
    /// client's acknowledgement.
    OneWrite { our_binding: bool },
}

impl Server {
    fn name(self) -> &'static str {
        match self {
            Self::Variant(variant) => variant.name(),
            Self::OneWrite { our_binding: false } => "hyper_wasi in one write, published binding, AOT",
            Self::OneWrite { our_binding: true } => "the same on our binding",
        }
    }
}

/// A row of the table: CPU time and latency of a request for each number of idle connections.
pub(crate) struct Curve {
    pub(crate) server: Server,
    pub(crate) points: Vec<(Duration, Duration)>,
}

/// The curves of native, our binding and the published one; and of the same server on both bindings.
pub(crate) fn measure(comparison: &Comparison, plan: &Plan) -> Result<Vec<Curve>> {
    let ours = hyper_server::build_on_our_binding()?;
    let one_write = |program: &Path| Service::builder().runtime(Runtime::Aot).program(program).env("ONE_WRITE", "1");
    let mut curves = Vec::new();
    for variant in [Variant::Native, Variant::Aot, Variant::HyperServer] {
        let service = comparison.builder_for_many_connections(variant).start()?;
        curves.push(curve(&service, Server::Variant(variant), plan)?);
    }
    let published = one_write(comparison.hyper_server()).start()?;
    curves.push(curve(&published, Server::OneWrite { our_binding: false }, plan)?);
    drop(published);
    curves.push(curve(&one_write(&ours).start()?, Server::OneWrite { our_binding: true }, plan)?);
    Ok(curves)
}

/// The tables alone.
pub(super) fn section(comparison: &Comparison, plan: &Plan) -> Result<Section> {
    let curves = measure(comparison, plan)?;
    Ok(Section { table: table(&curves), targets: targets(&curves) })
}

fn curve(service: &Service, server: Server, plan: &Plan) -> Result<Curve> {
    let mut busy = connect(service)?;
    let (mut idle, mut points) = (Vec::new(), Vec::new());
    for count in IDLE_COUNTS {
        idle.append(&mut open_idle_connections(service, count - idle.len())?);
        run(service, &mut busy, WARM_UP)?;
        let point = run(service, &mut busy, Duration::from_secs(u64::from(plan.seconds)))?;
        print_line(&format!("{}: {count} idle connections: {:?} CPU per request", server.name(), point.0));
        points.push(point);
    }
    Ok(Curve { server, points })
}

/// Makes requests one after another for `duration`; returns CPU time and latency per request.
fn run(service: &Service, busy: &mut RawConnection, duration: Duration) -> Result<(Duration, Duration)> {
    let (start, cpu_before, mut requests) = (Instant::now(), service.cpu_time()?, 0);
    while start.elapsed() < duration {
        request(busy)?;
        requests += 1;
    }
    Ok((service.cpu_time()?.saturating_sub(cpu_before) / requests, start.elapsed() / requests))
}

pub(crate) fn table(curves: &[Curve]) -> String {
    let mut text = String::from(
        "One busy connection makes `GET /` requests beside idle keep-alive connections: the service's CPU time per \
         request in µs, and in brackets the latency in µs. Responses of the published binding wait for the client's \
         delayed acknowledgement, which hides the cost of its idle connections; the last two rows are without that \
         wait.\n\n|",
    );
    for count in IDLE_COUNTS {
        text += &format!(" | {count} idle");
    }
    text += &format!(" |\n|---|{}\n", "---:|".repeat(IDLE_COUNTS.len()));
    for curve in curves {
        text += &format!("| {}", curve.server.name());
        for (cpu, latency) in &curve.points {
            text += &format!(" | {:.0} ({:.0})", cpu.as_secs_f64() * 1e6, latency.as_secs_f64() * 1e6);
        }
        text += " |\n";
    }
    text
}

/// Compares the cost of a request with and without idle connections, for the service on our binding.
pub(crate) fn targets(curves: &[Curve]) -> String {
    let service = Server::Variant(Variant::Aot);
    let Some(ours) = curves.iter().find(|curve| curve.server == service) else { return String::new() };
    let cpu = |count: usize| {
        let index = IDLE_COUNTS.iter().position(|known| *known == count);
        index.and_then(|index| ours.points.get(index)).map_or(f64::NAN, |(cpu, _)| cpu.as_secs_f64())
    };
    let row = |(count, max): (usize, f64)| {
        let ratio = cpu(count) / cpu(0);
        let what = format!("CPU per request with {count} idle connections ≤ {max:.0} × without");
        target(&what, &format!("{ratio:.1} ×"), ratio <= max)
    };
    TARGETS.into_iter().map(row).collect()
}
