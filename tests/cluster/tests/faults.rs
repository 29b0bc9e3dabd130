//! Ends that nobody announced.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::support::{SERVICE, World, process_of, same_pods, without_failure};

const LIMIT: Duration = Duration::from_secs(120);

/// Requests under way there fail; what was acknowledged stays, and the kubelet starts the container anew.
pub(crate) fn kill_9(world: &mut World) -> Result<()> {
    let pods = world.wait_for_pods(2, LIMIT)?;
    let victim = pods.first().context("no pod")?;
    let load = world.load(4);
    thread::sleep(Duration::from_secs(1));
    let process = process_of(victim)?;
    testkit::engine::run(std::process::Command::new("kill").args(["-KILL", &process.to_string()]))?;
    testkit::try_wait_for("the container's restart", LIMIT, || {
        let pods = world.pods(SERVICE)?;
        Ok(pods
            .iter()
            .any(|pod| pod.name == victim.name && pod.restarts == victim.restarts + 1 && pod.ready)
            .then_some(()))
    })?;
    world.wait_for_pods(2, LIMIT)?;
    let answered = load.answered();
    thread::sleep(Duration::from_secs(2));
    ensure!(load.answered() > answered, "nothing is answered any more");
    let outcome = load.finish();
    cluster::progress(&format!("{} answered, {} failed", outcome.answered, outcome.failures.len()));
    // One connection's worth of requests at most was lost with the process, and some were refused until its pod was unready.
    ensure!(outcome.answered > 100, "only {} requests were answered", outcome.answered);
    world.all_there(&outcome)
}

/// A pod that is deleted leaves by /drain: nobody notices.
pub(crate) fn deleted_pod(world: &mut World) -> Result<()> {
    let pods = world.wait_for_pods(2, LIMIT)?;
    let load = world.load(4);
    let start = std::time::Instant::now();
    world.cluster.kubectl(&["delete", "pod", &pods.first().context("no pod")?.name])?;
    let took = start.elapsed();
    world.wait_for_pods(2, LIMIT)?;
    let outcome = load.finish();
    without_failure(&outcome)?;
    cluster::progress(&format!("gone after {:.1} s; {} answered, 0 failed", took.as_secs_f64(), outcome.answered));
    // It ended by itself: the grace period is 40 s.
    ensure!(took < Duration::from_secs(20), "the pod took {took:?} to leave");
    world.all_there(&outcome)
}

/// Containers go on without the engine that started them, and the new one takes over.
pub(crate) fn containerd(world: &mut World) -> Result<()> {
    let before = world.wait_for_pods(2, LIMIT)?;
    let load = world.load(4);
    thread::sleep(Duration::from_secs(1));
    world.cluster.restart_containerd()?;
    thread::sleep(Duration::from_secs(15));
    let after = world.wait_for_pods(2, LIMIT)?;
    let outcome = load.finish();
    without_failure(&outcome)?;
    ensure!(same_pods(&before, &after), "pods were replaced: {after:#?}");
    world.all_there(&outcome)?;
    // The new one is at work: by nobody else does a pod end and another begin.
    let leaves = &before.first().context("no pod")?.name;
    world.cluster.kubectl(&["delete", "pod", leaves, "--timeout=120s"])?;
    let successors = world.wait_for_pods(2, LIMIT)?;
    ensure!(successors.iter().all(|pod| pod.name != *leaves), "pod {leaves} is still there");
    Ok(())
}
