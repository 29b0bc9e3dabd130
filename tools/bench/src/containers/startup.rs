//! Time from `docker run` to the first responses.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fastrand::Rng;

use super::{ContainerVariant, Deployment};
use crate::plan::Plan;
use crate::report::milliseconds;
use crate::round_order::shuffled;
use crate::{http, print_line};

const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const NAME: &str = "bench-start";
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// The timeout of one request. It is short because the engine's proxy accepts connections before the container listens.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(20);

/// The interval between two requests is part of the measured time, so it is fixed and short.
const POLL_INTERVAL: Duration = Duration::from_micros(500);

/// The times until `GET /` and until `GET /ready` respond with 200.
type Times = (Duration, Duration);

/// The table.
pub(super) fn measure(deployment: &Deployment, plan: &Plan) -> Result<String> {
    print_line(&format!("docker run to first response, {} times each", plan.starts));
    let mut samples = ContainerVariant::ALL.map(|variant| (variant, Vec::new()));
    let mut rng = Rng::with_seed(2025);
    // The first round is a warm-up: it fills the page cache and creates the tables.
    for round in 0..=plan.starts {
        for variant in shuffled(&mut rng, &ContainerVariant::ALL) {
            let times = first_responses(deployment, variant).with_context(|| variant.name())?;
            let own = samples.iter_mut().find(|(known, _)| *known == variant);
            own.into_iter().filter(|_| round > 0).for_each(|(_, all)| all.push(times));
        }
    }
    Ok(table(&samples))
}

/// Starts the client without waiting for its end: containers respond before that.
fn first_responses(deployment: &Deployment, variant: ContainerVariant) -> Result<Times> {
    let run = deployment.run(variant, NAME, &["--publish=127.0.0.1:8080:8080"]);
    let mut command = Command::new(run.get_program());
    command.args(run.get_args()).stdin(Stdio::null()).stdout(Stdio::null());
    command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let start = Instant::now();
    let mut client = command.spawn().context("cannot run docker")?;
    let times = time_to_ok("/", start).and_then(|first| Ok((first, time_to_ok("/ready", start)?)));
    let status = client.wait()?;
    let log = if times.is_err() { deployment.log(NAME) } else { String::new() };
    deployment.remove(&[NAME.to_owned()])?;
    ensure!(status.success(), "docker run exited with {status}");
    times.context(log)
}

fn time_to_ok(path: &str, start: Instant) -> Result<Duration> {
    while !http::is_ok_at(ADDRESS, path, REQUEST_TIMEOUT) {
        ensure!(start.elapsed() < START_TIMEOUT, "GET {path} does not respond with 200");
        thread::sleep(POLL_INTERVAL);
    }
    Ok(start.elapsed())
}

fn table(samples: &[(ContainerVariant, Vec<Times>)]) -> String {
    let mut text = String::from(
        "### `docker run` to first response\n\nFrom the start of `docker run --detach` to the first 200 on the \
         published port: `GET /`, which needs no database, then `GET /ready`, which queries the MariaDB in a container \
         beside it. Images and their files are present; median (min–max).\n\n| | `GET /` ms | `GET /ready` ms \
         |\n|---|---:|---:|\n",
    );
    for (variant, times) in samples {
        let column = |of: fn(&Times) -> Duration| milliseconds(&times.iter().map(of).collect::<Vec<_>>(), 0);
        text += &format!("| {} | {} | {} |\n", variant.name(), column(|times| times.0), column(|times| times.1));
    }
    text
}
