//! The time of an image build: from scratch, and after a change of one line.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use testkit::artifacts;
use testkit::engine::run;

use super::Deployment;
use crate::plan::Plan;
use crate::print_line;

/// The table. Both builds run in a copy of the source.
pub(super) fn measure(deployment: &Deployment, plan: &Plan) -> Result<String> {
    let heading = "### Building the image\n\n";
    if plan.quick {
        return Ok(format!("{heading}Not measured with `QUICK=1`.\n"));
    }
    let source = artifacts::copy_source()?;
    print_line("building the image from scratch, then after a change of one line");
    let full = build(deployment, source.path(), "--no-cache")?;
    let mut main = fs::OpenOptions::new().append(true).open(source.path().join("src/main.rs"))?;
    writeln!(main, "// One more line.")?;
    let incremental = build(deployment, source.path(), "")?;
    ensure!(incremental < full, "the layer with the dependencies was built again");
    Ok(format!(
        "{heading}`scripts/image.sh build wasm`, once each; the build's cache mounts hold the compiler's packages and \
         the crates' sources.\n\n\
         | | s |\n|---|---:|\n| all steps, from the base image on (`BUILD_OPTIONS=--no-cache`) | {:.0} |\n\
         | after a change of one line in `src/` | {:.0} |\n",
        full.as_secs_f64(),
        incremental.as_secs_f64()
    ))
}

fn build(deployment: &Deployment, source: &Path, options: &str) -> Result<Duration> {
    let start = Instant::now();
    let mut command = deployment.command("scripts/image.sh");
    command.current_dir(source).env("BUILD_OPTIONS", options).args(["build", "wasm"]);
    run(&mut command)?;
    Ok(start.elapsed())
}
