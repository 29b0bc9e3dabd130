//! How long the image takes to build: all of it, and after a change of one line.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use testkit::artifacts;
use testkit::engine::run;

use super::Site;
use crate::{Plan, say};

/// Both, one after the other, in a copy of the source.
pub(super) fn measure(site: &Site, plan: &Plan) -> Result<String> {
    let heading = "### Building the image\n\n";
    if plan.quick {
        return Ok(format!("{heading}Not measured with `QUICK=1`.\n"));
    }
    let source = artifacts::copy_source()?;
    say("building the image from its first step on, then after a change of one line");
    let whole = build(site, source.path(), "--no-cache")?;
    let mut main = fs::OpenOptions::new().append(true).open(source.path().join("src/main.rs"))?;
    writeln!(main, "// One line more.")?;
    let line = build(site, source.path(), "")?;
    ensure!(line < whole, "the layer of the dependencies was not used again");
    Ok(format!(
        "{heading}`scripts/image.sh build wasm`, once each; the compiler's packages and the crates' sources are in the build's cache mounts.\n\n\
         | | s |\n|---|---:|\n| every step, from the base image on (`BUILD_OPTIONS=--no-cache`) | {:.0} |\n\
         | after a change of one line in `src/` | {:.0} |\n",
        whole.as_secs_f64(),
        line.as_secs_f64()
    ))
}

fn build(site: &Site, source: &Path, options: &str) -> Result<Duration> {
    let start = Instant::now();
    let mut command = site.command("scripts/image.sh");
    command.current_dir(source).env("BUILD_OPTIONS", options).args(["build", "wasm"]);
    run(&mut command)?;
    Ok(start.elapsed())
}
