//! The database's pod disappears and returns.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use testkit::{observe_for, try_wait_for};

use crate::context::{TIMEOUT, TestContext, check_no_failure};
use crate::pods::{Pod, same_pods};

/// Readiness follows the database and liveness does not; the service recovers without a restart.
pub(crate) fn deleted_pod(context: &mut TestContext) -> Result<()> {
    let before = context.deploy("crun")?;
    let orders = context.start_load(2)?.finish();
    check_no_failure(&orders)?;
    // The database must not return before readiness is red.
    context.cluster.kubectl(&["scale", "statefulset/mariadb", "--replicas=0"])?;
    try_wait_for("all pods to be unready", TIMEOUT, || Ok(context.pods()?.iter().all(|pod| !pod.ready).then_some(())))?;
    for pod in &before {
        ensure!(context.admin_status(pod, "/ready")? == 503, "pod {} reports that it is ready", pod.name);
    }
    observe_for("/health returns 200 without the database", liveness_window(context)?, || {
        before.iter().all(|pod| context.admin_status(pod, "/health").is_ok_and(|status| status == 200))
    })?;
    context.cluster.kubectl(&["scale", "statefulset/mariadb", "--replicas=1"])?;
    check_recovery(context, &before)?;
    context.check_orders(&orders)?;
    // Once more as in an eviction: the StatefulSet replaces the deleted pod.
    context.cluster.kubectl(&["delete", "pod", "mariadb-0"])?;
    context.cluster.wait_for_rollout("statefulset/mariadb", TIMEOUT)?;
    check_recovery(context, &before)?;
    context.check_orders(&orders)
}

/// `kubectl delete -k` of the overlay keeps the namespace and the volume; `kubectl apply -k` finds the data again.
pub(crate) fn deleted_installation(context: &mut TestContext) -> Result<()> {
    context.deploy("crun")?;
    context.sql("INSERT INTO orders VALUES (1, 1, 1, 10.25, 0, 0.50, 'Kept')")?;
    let overlay = cluster::overlay("crun").display().to_string();
    context.cluster.kubectl(&["delete", "-k", &overlay, "--timeout=120s"])?;
    ensure!(context.pods()?.iter().all(|pod| pod.terminating), "pods are left");
    context.cluster.apply(&cluster::overlay("crun"))?;
    context.cluster.wait_for_rollout("statefulset/mariadb", TIMEOUT)?;
    context.wait_for_rollout()?;
    context.wait_for_pods(2)?;
    context.find_service()?;
    let kept = context.sql("SELECT shipping_address FROM orders WHERE order_id = 1")?;
    ensure!(kept.trim() == "Kept", "the order is gone: {kept:?}");
    Ok(())
}

fn check_recovery(context: &TestContext, before: &[Pod]) -> Result<()> {
    let after = context.wait_for_pods(2)?;
    ensure!(same_pods(before, &after), "the service was restarted: {after:#?}");
    Ok(())
}

/// A failing liveness probe restarts the container within this time.
fn liveness_window(context: &TestContext) -> Result<Duration> {
    let path = "--output=jsonpath={.spec.template.spec.containers[0].livenessProbe}";
    let probe: Value = serde_json::from_str(&context.cluster.kubectl(&["get", "deployment/order-service", path])?)?;
    let number = |name: &str| probe.get(name).and_then(Value::as_u64).with_context(|| format!("no {name}: {probe}"));
    // The first probe may come a period late.
    let seconds = number("periodSeconds")? * (number("failureThreshold")? + 1) + number("timeoutSeconds")?;
    Ok(Duration::from_secs(seconds))
}
