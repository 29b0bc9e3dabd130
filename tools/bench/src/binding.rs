//! The binding to WasmEdge's sockets: ours, the published one, and a native process.
//!
//! | room | what it measures |
//! |---|---|
//! | `idle` | what idle connections cost a busy one; drawn by `drawing` |
//! | `cold` | how late the first answer of a silent connection is |
//! | `resets` | what connections that are reset early do to the others |
//! | `against` | ours and the published one with few connections |

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use testkit::{Service, artifacts};

use crate::Plan;
use crate::contest::{Contest, Contestant};

mod against;
mod client;
mod cold;
mod drawing;
mod idle;
mod resets;

/// The head of a table of aims.
const AIMS: &str = "| aim | reached | |\n|---|---:|---|\n";

/// The section, and the drawing beside the page.
pub(crate) fn measure(contest: &Contest, plan: &Plan) -> Result<String> {
    more_descriptors()?;
    let curves = idle::measure(contest, plan)?;
    let path = artifacts::root().join("docs/idle-connections.svg");
    std::fs::write(&path, drawing::of(&curves)).with_context(|| format!("cannot write {}", path.display()))?;
    let (cold, cold_aims) = cold::measure(contest, plan)?;
    let (resets, reset_aims) = resets::measure(contest, plan)?;
    let (against, against_aims) = against::measure(contest, plan)?;
    Ok([
        "### The binding\n\n",
        &idle::table(&curves),
        "\n![Processor time of a request over idle connections, all three](idle-connections.svg)\n\n",
        &cold,
        "\n",
        &resets,
        "\n",
        &against,
        "\n",
        AIMS,
        &idle::aims(&curves),
        &cold_aims,
        &reset_aims,
        &against_aims,
    ]
    .concat())
}

/// One room's table and aims.
pub(crate) fn only(room: &str, contest: &Contest, plan: &Plan) -> Result<String> {
    more_descriptors()?;
    let (table, aims) = match room {
        "idle" => idle::measure(contest, plan).map(|curves| (idle::table(&curves), idle::aims(&curves)))?,
        "cold" => cold::measure(contest, plan)?,
        "resets" => resets::measure(contest, plan)?,
        "against" => against::measure(contest, plan)?,
        other => {
            bail!("bench measures processes (no argument), containers, idle, cold, resets or against, not {other}")
        }
    };
    Ok(format!("{table}\n{AIMS}{aims}"))
}

/// Lets this process, and what it starts from now on, have enough descriptors.
fn more_descriptors() -> Result<()> {
    let pid = std::process::id().to_string();
    let status =
        Command::new("prlimit").args(["--pid", &pid, "--nofile=16384:"]).status().context("cannot run prlimit")?;
    ensure!(status.success(), "5,000 connections need `ulimit -n 16384`");
    Ok(())
}

/// A contestant that may have thousands of connections, and keeps them.
fn spacious(contest: &Contest, contestant: Contestant) -> Result<Service> {
    contest.builder(contestant).env("MAX_CONNECTIONS", "8192").env("IDLE_TIMEOUT", "30m").start()
}
