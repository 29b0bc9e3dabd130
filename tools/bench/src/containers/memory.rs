//! Memory of one replica, and of ten.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use testkit::stats::median;

use super::cgroup::{MemoryUsage, memory_usage};
use super::{ContainerVariant, Deployment};
use crate::plan::Plan;
use crate::round_order::shuffled;
use crate::{http, print_line};

const REPLICAS: [usize; 2] = [1, 10];

const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The mean usage of a number of replicas at one time.
struct Sample {
    variant: ContainerVariant,
    replicas: usize,
    usage: MemoryUsage,
}

/// The table.
pub(super) fn measure(deployment: &Deployment, plan: &Plan) -> Result<String> {
    let (mut rng, mut samples) = (Rng::with_seed(10), Vec::new());
    for _ in 0..plan.memory_samples {
        for replicas in REPLICAS {
            for variant in shuffled(&mut rng, &ContainerVariant::ALL) {
                print_line(&format!("memory: {replicas} × {}", variant.name()));
                let usage = mean_usage(deployment, variant, replicas).with_context(|| variant.name())?;
                samples.push(Sample { variant, replicas, usage });
            }
        }
    }
    Ok(table(&samples))
}

/// Starts the replicas. Each is idle after it has become ready and has read the table of orders once.
fn mean_usage(deployment: &Deployment, variant: ContainerVariant, replicas: usize) -> Result<MemoryUsage> {
    let names: Vec<String> = (0..replicas).map(|number| format!("bench-{number}")).collect();
    for name in &names {
        let output = deployment.run(variant, name, &[]).output()?;
        ensure!(output.status.success(), "docker run: {}", String::from_utf8_lossy(&output.stderr));
        let address = deployment.address(name)?;
        deployment.wait_until_ready(name, address)?;
        ensure!(http::is_ok_at(address, "/orders", REQUEST_TIMEOUT), "GET /orders fails");
    }
    let usages: Result<Vec<MemoryUsage>> = names.iter().map(|name| memory_usage(&deployment.cgroup(name)?)).collect();
    deployment.remove(&names)?;
    Ok(mean(&usages?))
}

#[expect(clippy::cast_precision_loss, reason = "ten, not 2^52")]
fn mean(usages: &[MemoryUsage]) -> MemoryUsage {
    let of = |figure: fn(&MemoryUsage) -> f64| usages.iter().map(figure).sum::<f64>() / usages.len().max(1) as f64;
    MemoryUsage { current: of(|usage| usage.current), peak: of(|usage| usage.peak), pss: of(|usage| usage.pss) }
}

fn table(samples: &[Sample]) -> String {
    let mut text = String::from(
        "### Memory of containers\n\nMB per replica: the mean of the replicas and the median of the samples, idle \
         after a few requests, with a limit of 128 MiB. Control group: the memory that the kernel charges to the \
         container (`memory.current`, `memory.peak`; in version 1 of control groups `memory.usage_in_bytes`, \
         `memory.max_usage_in_bytes`). It includes file pages that the container was the first to read. Processes: \
         `Pss` in `smaps_rollup` of all processes in the container; pages that several processes share, such as \
         libraries, are divided among them. Neither includes the engine's memory per container (a shim, a part of \
         `dockerd`), which is the same for all.\n\n\
         | | replicas | control group | its peak | processes | processes, all replicas |\n\
         |---|---:|---:|---:|---:|---:|\n",
    );
    for variant in ContainerVariant::ALL {
        for replicas in REPLICAS {
            text += &row(samples, variant, replicas);
        }
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "ten, not 2^52")]
fn row(samples: &[Sample], variant: ContainerVariant, replicas: usize) -> String {
    let of = |figure: fn(&MemoryUsage) -> f64| {
        let own = samples.iter().filter(|sample| sample.variant == variant && sample.replicas == replicas);
        median(own.map(|sample| figure(&sample.usage) / 1e6))
    };
    let pss = of(|usage| usage.pss);
    format!(
        "| {} | {replicas} | {:.1} | {:.1} | {pss:.1} | {:.0} |\n",
        variant.name(),
        of(|usage| usage.current),
        of(|usage| usage.peak),
        pss * replicas as f64
    )
}
