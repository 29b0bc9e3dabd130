//! `make bench-containers`: the service's images on a private Docker Engine, wasm under crun beside native.
//!
//! | module | measures |
//! |---|---|
//! | `startup` | time from `docker run` to the first responses |
//! | `memory` | memory of one replica and of ten |
//! | `image_build` | building the image from scratch, and after a change of one line |
//!
//! | module | contents |
//! |---|---|
//! | `deployment` | the engine, its images, the database, the variants |
//! | `cgroup` | the kernel's figures of a container |

use std::time::Instant;

use anyhow::Result;

use crate::plan::Plan;
use crate::print_line;
use crate::report::Report;

mod cgroup;
mod deployment;
mod image_build;
mod memory;
mod startup;

use deployment::{ContainerVariant, Deployment};

/// Measures everything and writes it into the page.
pub(crate) fn measure(plan: &Plan) -> Result<()> {
    let start = Instant::now();
    let deployment = Deployment::start()?;
    let machine = testkit::machine::describe_with(&deployment.versions()?)?;
    let mut report = Report::new("make bench-containers");
    report.add(image_sizes(&deployment)?);
    report.add(startup::measure(&deployment, plan)?);
    report.add(memory::measure(&deployment, plan)?);
    report.add(image_build::measure(&deployment, plan)?);
    let method = format!(
        "{} starts of each variant and {} memory samples, in an order that a seed shuffles",
        plan.starts, plan.memory_samples
    );
    report.write(&machine, plan, &method, start.elapsed())
}

fn image_sizes(deployment: &Deployment) -> Result<String> {
    print_line("image sizes");
    let mut text = String::from(
        "### Images\n\nAll blobs of the image as a registry stores them (`scripts/image.sh size aot wasm native`): the \
         layer, compressed with zstd, the configuration and the manifest.\n\n| | MB |\n|---|---:|\n",
    );
    for (name, target) in [("AOT", "aot"), ("`.wasm`, for the interpreter", "wasm"), ("native, static", "native")] {
        text += &format!("| {name} | {:.2} |\n", deployment.compressed_bytes(target)? / 1e6);
    }
    Ok(text)
}
