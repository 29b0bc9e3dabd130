//! What observing costs: CPU time per request with a scrape each second, with traces that are sampled out, and with
//! traces that are all recorded, relative to a service that nobody observes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use testkit::collector::Collector;
use testkit::http::Client;
use testkit::stats::{median, range};
use testkit::{Service, ports};

use crate::comparison::{Comparison, Variant, wait_until_ready};
use crate::plan::Plan;
use crate::report::{TARGETS, target};
use crate::round_order::forwards_and_backwards;
use crate::{print_line, wrk};

const CONNECTIONS: u32 = 32;
const PATHS: [&str; 2] = ["/", "/orders"];

/// The time between two scrapes. Prometheus' default is a minute.
const SCRAPE_INTERVAL: Duration = Duration::from_secs(1);

/// The target: a request whose trace is sampled out, relative to one of a service without traces.
const MAX_SAMPLED_OUT: f64 = 1.01;

/// How the service is observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Observation {
    Nobody,
    Scraped,
    SampledOut,
    Recorded,
}

impl Observation {
    const ALL: [Self; 4] = [Self::Nobody, Self::Scraped, Self::SampledOut, Self::Recorded];

    fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nothing",
            Self::Scraped => "`/metrics` each second",
            Self::SampledOut => "traces, all sampled out",
            Self::Recorded => "traces, all recorded",
        }
    }

    fn environment(self, collector: &Collector) -> Vec<(&'static str, String)> {
        let sampler = match self {
            Self::Nobody | Self::Scraped => return Vec::new(),
            Self::SampledOut => "always_off",
            Self::Recorded => "always_on",
        };
        vec![("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()), ("OTEL_TRACES_SAMPLER", sampler.to_owned())]
    }
}

/// A service, and where it is scraped.
struct Observed {
    observation: Observation,
    service: Service,
    operator: String,
}

/// The table and the target.
pub(crate) fn measure(comparison: &Comparison, plan: &Plan) -> Result<String> {
    let collector = Collector::start()?;
    let all: Vec<Observed> = Observation::ALL
        .into_iter()
        .map(|observation| start(comparison, observation, &collector))
        .collect::<Result<_>>()?;
    let mut table = format!(
        "### What observing costs\n\n\
         CPU time of the service per request in µs at {CONNECTIONS} connections, {} runs of each, in alternating \
         order. Traces go to an OpenTelemetry Collector; `GET /` is one span, `GET /orders` three.\n\n\
         | request | observed by | CPU µs | ratio to nothing, median (min–max) |\n|---|---|---:|---:|\n",
        plan.pairs.div_ceil(2) * 2
    );
    let mut sampled_out = Vec::new();
    for path in PATHS {
        print_line(&format!("GET {path}, observed"));
        let runs = run_all(&all, path, plan)?;
        let Some((_, base)) = runs.first() else { continue };
        for (observation, times) in &runs {
            let ratios = || times.iter().zip(base).map(|(time, base)| time / base);
            let (min, max) = range(ratios());
            let ratio = median(ratios());
            table += &format!(
                "| `GET {path}` | {} | {:.1} | {ratio:.3} ({min:.2}–{max:.2}) |\n",
                observation.name(),
                median(times.iter().copied())
            );
            if *observation == Observation::SampledOut {
                sampled_out.push(target(
                    &format!("`GET {path}`, sampled out: CPU per request ≤ {MAX_SAMPLED_OUT} × without traces"),
                    &format!("{ratio:.3} ×"),
                    ratio <= MAX_SAMPLED_OUT,
                ));
            }
        }
    }
    Ok(format!("{table}\n{TARGETS}{}", sampled_out.concat()))
}

fn start(comparison: &Comparison, observation: Observation, collector: &Collector) -> Result<Observed> {
    let admin = format!("127.0.0.1:{}", ports::free()?);
    let mut builder = comparison.builder(Variant::Aot).env("ADMIN_ADDR", &admin);
    for (name, value) in observation.environment(collector) {
        builder = builder.env(name, &value);
    }
    let service = builder.start()?;
    wait_until_ready(&service)?;
    Ok(Observed { observation, service, operator: format!("http://{admin}") })
}

/// The CPU times per request, of each run, by how the service is observed. Runs of the same place belong together.
fn run_all(all: &[Observed], path: &str, plan: &Plan) -> Result<Vec<(Observation, Vec<f64>)>> {
    let mut runs: Vec<(Observation, Vec<f64>)> =
        all.iter().map(|observed| (observed.observation, Vec::new())).collect();
    for observation in forwards_and_backwards(&Observation::ALL, plan.pairs.div_ceil(2)) {
        let Some(observed) = all.iter().find(|observed| observed.observation == observation) else { continue };
        let time = cpu_per_request(observed, path, plan.seconds)?;
        if let Some((_, times)) = runs.iter_mut().find(|(known, _)| *known == observation) {
            times.push(time);
        }
    }
    Ok(runs)
}

/// In µs.
fn cpu_per_request(observed: &Observed, path: &str, seconds: u32) -> Result<f64> {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        if observed.observation == Observation::Scraped {
            scope.spawn(|| {
                let operator = Client::new(&observed.operator);
                while !ended.load(Ordering::Relaxed) {
                    // A scrape that fails shows in the ratio: it costs nothing.
                    let _ = operator.get("/metrics");
                    thread::sleep(SCRAPE_INTERVAL);
                }
            });
        }
        let result = wrk::cpu_per_request(&observed.service, path, CONNECTIONS, seconds);
        ended.store(true, Ordering::Relaxed);
        result
    })
}
