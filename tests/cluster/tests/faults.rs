//! Processes and pods that end without notice.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cluster::progress;
use testkit::engine::run;
use testkit::{observe_for, try_wait_for};

use crate::context::{TIMEOUT, TestContext, check_no_failure};
use crate::pods::same_pods;

/// The kubelet compares containers with their pods every second. It would restart them within this time.
const OBSERVATION: Duration = Duration::from_secs(15);

/// The process's current requests fail. Acknowledged writes stay, and the kubelet restarts the container.
pub(crate) fn killed_process(context: &mut TestContext) -> Result<()> {
    let pods = context.deploy("crun")?;
    let victim = pods.first().context("no pod")?;
    let load = context.start_load(4)?;
    run(Command::new("kill").args(["-KILL", &victim.process()?.to_string()]))?;
    try_wait_for("the container's restart", TIMEOUT, || {
        let pods = context.pods()?;
        let restarted =
            pods.iter().any(|pod| pod.name == victim.name && pod.restarts == victim.restarts + 1 && pod.ready);
        Ok(restarted.then_some(()))
    })?;
    context.wait_for_pods(2)?;
    load.wait_for_successes(200, TIMEOUT)?;
    let result = load.finish();
    progress(&format!("{} requests succeeded, {} failed", result.successes, result.failures.len()));
    context.check_orders(&result)
}

/// A deleted pod drains before it ends.
pub(crate) fn deleted_pod(context: &mut TestContext) -> Result<()> {
    let pods = context.deploy("crun")?;
    let load = context.start_load(4)?;
    let start = Instant::now();
    context.cluster.kubectl(&["delete", "pod", &pods.first().context("no pod")?.name])?;
    let duration = start.elapsed();
    context.wait_for_pods(2)?;
    let result = load.finish();
    check_no_failure(&result)?;
    progress(&format!("deleted in {:.1} s; {} requests, 0 failed", duration.as_secs_f64(), result.successes));
    // It ended by itself: the grace period is 40 s.
    ensure!(duration < Duration::from_secs(20), "the pod took {duration:?} to end");
    context.check_orders(&result)
}

/// Containers keep running without containerd, and a new containerd takes them over.
pub(crate) fn restarted_containerd(context: &mut TestContext) -> Result<()> {
    let before = context.deploy("crun")?;
    let processes = before.iter().map(|pod| Ok(PathBuf::from(format!("/proc/{}", pod.process()?))));
    let processes: Vec<PathBuf> = processes.collect::<Result<_>>()?;
    let load = context.start_load(4)?;
    context.cluster.restart_containerd()?;
    observe_for("the containers keep running", OBSERVATION, || processes.iter().all(|process| process.exists()))?;
    let after = context.wait_for_pods(2)?;
    let result = load.finish();
    check_no_failure(&result)?;
    ensure!(same_pods(&before, &after), "pods were replaced: {after:#?}");
    context.check_orders(&result)?;
    // Only a containerd that works ends one pod and starts another.
    let name = &before.first().context("no pod")?.name;
    context.cluster.kubectl(&["delete", "pod", name, "--timeout=120s"])?;
    let pods = context.wait_for_pods(2)?;
    ensure!(pods.iter().all(|pod| pod.name != *name), "pod {name} still exists");
    Ok(())
}
