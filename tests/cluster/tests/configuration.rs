//! A start that fails because of the configuration.

use anyhow::{Context as _, Result, ensure};
use cluster::progress;
use serde_json::Value;
use testkit::try_wait_for;

use crate::context::{TIMEOUT, TestContext};
use crate::pods::Pod;

/// The new pod fails, its log begins with the reason in one line, and the old pods keep serving.
pub(crate) fn wrong_value(context: &mut TestContext) -> Result<()> {
    let before = context.deploy("crun")?;
    context.cluster.kubectl(&["set", "env", "deployment/order-service", "POOL_MAX=many"])?;
    let text = |pod: &Pod, pointer: &str| pod.container.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let pod = try_wait_for("CrashLoopBackOff", TIMEOUT, || {
        let failed = |pod: &Pod| text(pod, "/state/waiting/reason").as_deref() == Some("CrashLoopBackOff");
        Ok(context.pods()?.into_iter().find(failed))
    })?;
    let status = pod.container.pointer("/lastState/terminated/exitCode").and_then(Value::as_u64);
    ensure!(status.is_some_and(|status| status != 0), "the exit status was {status:?}");
    // The kubelet restarts the container, and then there is no log for a moment.
    let mut last = String::new();
    let read = || -> Result<Option<String>> {
        last = context.cluster.kubectl(&["logs", &pod.name]).unwrap_or_else(|error| format!("{error:#}"));
        Ok(last.starts_with("order-service: ").then(|| last.clone()))
    };
    let log = try_wait_for("the reason in the log", TIMEOUT, read).with_context(|| format!("the log is:\n{last}"))?;
    check_log(&log)?;
    let current = context.pods()?;
    let serves = |old: &Pod| current.iter().any(|pod| pod.name == old.name && pod.ready);
    ensure!(before.iter().all(serves), "an old pod is gone: {current:#?}");
    context.curl(&["--fail", "http://order-service/orders?limit=1"])?;
    context.cluster.kubectl(&["set", "env", "deployment/order-service", "POOL_MAX-"])?;
    context.wait_for_rollout()?;
    context.wait_for_pods(2).map(drop)
}

/// WasmEdge's report of the trap follows the reason.
fn check_log(log: &str) -> Result<()> {
    let reason = log.lines().next().unwrap_or_default();
    ensure!(reason.starts_with("order-service: POOL_MAX "), "the log does not begin with the reason:\n{log}");
    let lines = log.lines().filter(|line| line.contains("order-service") || line.contains("POOL_MAX")).count();
    ensure!(lines == 1, "the service logged more than one line:\n{log}");
    progress(reason);
    Ok(())
}
