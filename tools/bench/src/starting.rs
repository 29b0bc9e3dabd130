//! From the start of the process to its first answer.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use testkit::ports;

use crate::contest::{Contest, Contestant};
use crate::stats::{median, range};
use crate::{Plan, http, say};

/// Starts each contestant so often, in turns, there and back.
pub(crate) fn measure(contest: &Contest, plan: &Plan) -> Result<String> {
    say(&format!("first answer after the start, {} times each", plan.starts));
    let mut samples = Contestant::SERVICE.map(|contestant| (contestant, Vec::new()));
    for turn in 0..plan.starts {
        for (contestant, times) in samples.iter_mut() {
            times.push(first_answer(contest, *contestant)?);
        }
        if turn % 2 == 0 {
            samples.reverse();
        }
    }
    samples.sort_by_key(|(contestant, _)| Contestant::SERVICE.iter().position(|known| known == contestant));
    let mut text = String::from(
        "### First answer after the start\n\nFrom the start of the process to the answer of `GET /`, the files in the page cache; \
         median (least–greatest).\n\n| | ms |\n|---|---:|\n",
    );
    for (contestant, times) in &samples {
        let ms = || times.iter().map(|time| time.as_secs_f64() * 1e3);
        let (least, most) = range(ms());
        text += &format!("| {} | {:.1} ({least:.1}–{most:.1}) |\n", contestant.name(), median(ms()));
    }
    Ok(text)
}

/// The process is started directly, not through what ties it to this one: that takes time too.
fn first_answer(contest: &Contest, contestant: Contestant) -> Result<Duration> {
    let port = ports::free()?;
    let mut command = contest.builder(contestant).command(port)?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let mut child = command.spawn().context("cannot start a contestant")?;
    let mut answered = None;
    while answered.is_none() && start.elapsed() < Duration::from_secs(20) {
        if http::is_served(port, "/") {
            answered = Some(start.elapsed());
        } else {
            thread::sleep(Duration::from_micros(100));
        }
    }
    child.kill()?;
    child.wait()?;
    let Some(time) = answered else { bail!("{} did not answer within 20 s", contestant.name()) };
    Ok(time)
}
