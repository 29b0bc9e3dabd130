//! The database's pod goes away and comes back.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::support::{SERVICE, World, same_pods};

const LIMIT: Duration = Duration::from_secs(120);

/// Readiness follows the database, liveness does not, and nothing but time is needed.
pub(crate) fn deleted_pod(world: &mut World) -> Result<()> {
    let before = world.wait_for_pods(2, LIMIT)?;
    let count = world.sql("SELECT COUNT(*) FROM orders")?;
    // None comes back before readiness was seen to be red.
    world.cluster.kubectl(&["scale", "statefulset/mariadb", "--replicas=0"])?;
    testkit::try_wait_for("no pod to be ready", LIMIT, || {
        Ok(world.pods(SERVICE)?.iter().all(|pod| !pod.ready).then_some(()))
    })?;
    for pod in &before {
        let admin = format!("{}:9090", pod.address);
        ensure!(world.ask(&admin, "GET", "/ready")?.status == 503, "a pod says that it is ready");
        ensure!(world.ask(&admin, "GET", "/health")?.status == 200, "a pod says that it is not alive");
    }
    // Longer than liveness would take to give up.
    std::thread::sleep(Duration::from_secs(35));
    world.cluster.kubectl(&["scale", "statefulset/mariadb", "--replicas=1"])?;
    let after = world.wait_for_pods(2, LIMIT)?;
    ensure!(same_pods(&before, &after), "the service was restarted: {after:#?}");
    ensure!(world.sql("SELECT COUNT(*) FROM orders")? == count, "orders are lost");
    // And once as it happens: the pod is deleted, and its StatefulSet makes another.
    world.cluster.kubectl(&["delete", "pod", "mariadb-0"])?;
    world.cluster.wait_for_rollout("statefulset/mariadb", LIMIT)?;
    let after = world.wait_for_pods(2, LIMIT)?;
    ensure!(same_pods(&before, &after), "the service was restarted: {after:#?}");
    ensure!(world.sql("SELECT COUNT(*) FROM orders")? == count, "orders are lost");
    Ok(())
}
