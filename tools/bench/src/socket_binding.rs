//! The binding to WasmEdge's sockets: ours and the published one, beside a native process.
//!
//! | module | measures |
//! |---|---|
//! | `idle_connections` | the cost of idle connections for a busy one; `chart` draws it |
//! | `silent_connections` | the delay of a silent connection's first response |
//! | `resets` | the effect of early connection resets on other connections |
//! | `paired_runs` | our binding and the published one with few connections, in pairs of runs |

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use testkit::artifacts;

use crate::comparison::Comparison;
use crate::plan::Plan;
use crate::report::TARGETS;

mod chart;
mod client;
mod idle_connections;
mod paired_runs;
mod resets;
mod silent_connections;

/// The tables of one part.
struct Section {
    /// The measured figures.
    table: String,
    /// Rows for the table of targets.
    targets: String,
}

/// The section of the page, and the chart beside the page.
pub(crate) fn measure(comparison: &Comparison, plan: &Plan) -> Result<String> {
    raise_descriptor_limit()?;
    let curves = idle_connections::measure(comparison, plan)?;
    let path = artifacts::root().join("docs/idle-connections.svg");
    std::fs::write(&path, chart::draw(&curves)).with_context(|| format!("cannot write {}", path.display()))?;
    let silent = silent_connections::measure(comparison, plan)?;
    let resets = resets::measure(comparison, plan)?;
    let paired = paired_runs::measure(comparison, plan)?;
    Ok([
        "### The binding\n\n",
        &idle_connections::table(&curves),
        "\n![CPU time per request by number of idle connections, for all three](idle-connections.svg)\n\n",
        &silent.table,
        "\n",
        &resets.table,
        "\n",
        &paired.table,
        "\n",
        TARGETS,
        &idle_connections::targets(&curves),
        &silent.targets,
        &resets.targets,
        &paired.targets,
    ]
    .concat())
}

/// The tables of one part.
pub(crate) fn measure_part(part: &str, plan: &Plan) -> Result<String> {
    let measure: fn(&Comparison, &Plan) -> Result<Section> = match part {
        "idle" => idle_connections::section,
        "silent" => silent_connections::measure,
        "resets" => resets::measure,
        "paired" => paired_runs::measure,
        other => bail!("unknown argument {other}: none, or one of containers, cluster, idle, silent, resets, paired"),
    };
    raise_descriptor_limit()?;
    let section = measure(&Comparison::prepare()?, plan)?;
    Ok(format!("{}\n{TARGETS}{}", section.table, section.targets))
}

/// Raises the limit of open descriptors for this process and its future children.
fn raise_descriptor_limit() -> Result<()> {
    let pid = std::process::id().to_string();
    let status =
        Command::new("prlimit").args(["--pid", &pid, "--nofile=16384:"]).status().context("cannot run prlimit")?;
    ensure!(status.success(), "5,000 connections need `ulimit -n 16384`");
    Ok(())
}
