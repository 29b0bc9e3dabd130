//! Time from the start of the process to its first response.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use testkit::ports;

use crate::comparison::{Comparison, Variant};
use crate::plan::Plan;
use crate::report::milliseconds;
use crate::{http, print_line};

const START_TIMEOUT: Duration = Duration::from_secs(20);

/// The interval between two requests is part of the measured time, so it is fixed and short.
const POLL_INTERVAL: Duration = Duration::from_micros(100);

/// The table. The order of the variants alternates from round to round.
pub(crate) fn measure(comparison: &Comparison, plan: &Plan) -> Result<String> {
    print_line(&format!("start to first response, {} times each", plan.starts));
    let mut samples = Variant::SERVICE.map(|variant| (variant, Vec::new()));
    for round in 0..plan.starts {
        for (variant, times) in &mut samples {
            times.push(first_response(comparison, *variant)?);
        }
        if round % 2 == 0 {
            samples.reverse();
        }
    }
    samples.sort_by_key(|(variant, _)| Variant::SERVICE.iter().position(|known| known == variant));
    let mut text = String::from(
        "### Start to first response\n\nFrom the start of the process to the response of `GET /`, with the files in \
         the page cache; median (min–max).\n\n| | ms |\n|---|---:|\n",
    );
    for (variant, times) in &samples {
        text += &format!("| {} | {} |\n", variant.name(), milliseconds(times, 1));
    }
    Ok(text)
}

/// Starts the process directly: testkit's wrapper, which ties it to this process, would add to the time.
fn first_response(comparison: &Comparison, variant: Variant) -> Result<Duration> {
    let port = ports::free()?;
    let mut command = comparison.builder(variant).command(port)?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot start {}", variant.name()))?;
    let mut responded = None;
    while responded.is_none() && start.elapsed() < START_TIMEOUT {
        if http::is_ok(port, "/") {
            responded = Some(start.elapsed());
        } else {
            thread::sleep(POLL_INTERVAL);
        }
    }
    child.kill()?;
    child.wait()?;
    let Some(time) = responded else { bail!("{} did not respond within {START_TIMEOUT:?}", variant.name()) };
    Ok(time)
}
