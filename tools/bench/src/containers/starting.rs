//! From `docker run` to the first answers.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{Contained, Site};
use crate::stats::{median, range};
use crate::turns::Turns;
use crate::{Plan, http, say};

const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const NAME: &str = "bench-start";

/// The times until `GET /` and `GET /ready` are answered with 200.
type Times = (Duration, Duration);

/// The table.
pub(super) fn measure(site: &Site, plan: &Plan) -> Result<String> {
    say(&format!("docker run to the first answer, {} times each", plan.starts));
    let mut samples = Contained::ALL.map(|who| (who, Vec::new()));
    let mut turns = Turns::seeded(2025);
    // The first round fills the page cache, makes the tables, and does not count.
    for round in 0..=plan.starts {
        for who in turns.round(&Contained::ALL) {
            let times = first_answers(site, who).with_context(|| who.name())?;
            let of_this = samples.iter_mut().find(|(known, _)| *known == who);
            of_this.into_iter().filter(|_| round > 0).for_each(|(_, all)| all.push(times));
        }
    }
    Ok(table(&samples))
}

/// The client is started directly, and nobody waits for it: containers answer before it has ended.
fn first_answers(site: &Site, who: Contained) -> Result<Times> {
    let run = site.run(who, NAME, &["--publish=127.0.0.1:8080:8080"]);
    let mut command = Command::new(run.get_program());
    command.args(run.get_args()).stdin(Stdio::null()).stdout(Stdio::null());
    command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let start = Instant::now();
    let mut client = command.spawn().context("cannot run docker")?;
    let answers = until_served("/", start).and_then(|first| Ok((first, until_served("/ready", start)?)));
    let status = client.wait()?;
    let log = if answers.is_err() { site.docker(&["logs", NAME])? } else { String::new() };
    site.remove(&[NAME.to_owned()])?;
    ensure!(status.success(), "docker run ended with {status}");
    answers.context(log)
}

/// A try has 20 ms: the engine's proxy accepts before there is anybody behind it.
fn until_served(path: &str, start: Instant) -> Result<Duration> {
    while !http::is_served_at(ADDRESS, path, Duration::from_millis(20)) {
        ensure!(start.elapsed() < Duration::from_secs(30), "GET {path} is not answered");
        thread::sleep(Duration::from_micros(500));
    }
    Ok(start.elapsed())
}

fn table(samples: &[(Contained, Vec<Times>)]) -> String {
    let mut text = String::from(
        "### `docker run` to the first answer\n\nFrom the start of `docker run --detach` to the first 200 on the published port: `GET /`, which \
         needs no database, and then `GET /ready`, which asks the MariaDB that runs in a container beside it. The images and their files are \
         there; median (least–greatest).\n\n| | `GET /` ms | `GET /ready` ms |\n|---|---:|---:|\n",
    );
    for (who, times) in samples {
        let column = |of: fn(&Times) -> Duration| {
            let ms = || times.iter().map(|times| of(times).as_secs_f64() * 1e3);
            let (least, most) = range(ms());
            format!("{:.0} ({least:.0}–{most:.0})", median(ms()))
        };
        text += &format!("| {} | {} | {} |\n", who.name(), column(|times| times.0), column(|times| times.1));
    }
    text
}
