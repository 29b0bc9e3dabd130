//! A start that cannot succeed.

use std::time::Duration;

use anyhow::{Result, ensure};
use testkit::try_wait_for;

use crate::support::World;

const LIMIT: Duration = Duration::from_secs(120);

/// The pod is seen as failed, its log says why in one line, and the old pods go on serving.
pub(crate) fn wrong_configuration(world: &mut World) -> Result<()> {
    let before = world.wait_for_pods(2, LIMIT)?;
    world.cluster.kubectl(&["set", "env", "deployment/order-service", "POOL_MAX=many"])?;
    let waiting = "/state/waiting/reason";
    let pod = try_wait_for("CrashLoopBackOff", LIMIT, || {
        let pods = world.pods(crate::support::SERVICE)?;
        let reason = |pod: &crate::support::Pod| {
            pod.container.pointer(waiting).and_then(serde_json::Value::as_str) == Some("CrashLoopBackOff")
        };
        Ok(pods.into_iter().find(reason))
    })?;
    let status = pod.container.pointer("/lastState/terminated/exitCode").and_then(serde_json::Value::as_u64);
    ensure!(status.is_some_and(|status| status != 0), "it ended with {status:?}");
    let log = world.cluster.kubectl(&["logs", &pod.name])?;
    // What comes after it is WasmEdge's own account of the trap that ended the module.
    let why = log.lines().next().unwrap_or_default();
    ensure!(why.starts_with("order-service: POOL_MAX is"), "the log does not begin with the reason:\n{log}");
    let words = log.lines().filter(|line| line.contains("order-service") || line.contains("POOL_MAX")).count();
    ensure!(words == 1, "the service says more than one line:\n{log}");
    cluster::progress(why);
    let still = world.pods(crate::support::SERVICE)?;
    ensure!(before.iter().all(|old| still.iter().any(|pod| pod.name == old.name && pod.ready)), "an old pod is gone");
    world.curl(&["--fail", "http://order-service/orders?limit=1"])?;
    world.cluster.kubectl(&["set", "env", "deployment/order-service", "POOL_MAX-"])?;
    world.cluster.wait_for_rollout("deployment/order-service", LIMIT)?;
    world.wait_for_pods(2, LIMIT).map(drop)
}
