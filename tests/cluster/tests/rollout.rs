//! New versions and new secrets, while the service is asked all the time.

use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use cluster::progress;
use cluster::service::{IMAGE, NEXT_IMAGE};
use testkit::try_wait_for;

use crate::support::{SERVICE, World, without_failure};

const LIMIT: Duration = Duration::from_secs(120);

/// Five times to the other image and back.
pub(crate) fn under_load(world: &mut World) -> Result<()> {
    let before = world.wait_for_pods(2, LIMIT)?;
    for round in 1..=5 {
        let load = world.load(8);
        answered_some(&load, 200)?;
        let image = if round % 2 == 1 { NEXT_IMAGE } else { IMAGE };
        world.cluster.kubectl(&["set", "image", "deployment/order-service", &format!("order-service={image}")])?;
        world.cluster.wait_for_rollout("deployment/order-service", LIMIT)?;
        // Until the last of the old ones has left, not only until the new ones are ready.
        let pods = world.wait_for_pods(2, LIMIT)?;
        let so_far = load.answered();
        answered_some(&load, so_far + 200)?;
        let outcome = load.finish();
        without_failure(&outcome)?;
        world.all_there(&outcome)?;
        ensure!(
            pods.iter().all(|pod| before.iter().all(|old| old.name != pod.name)) || round > 1,
            "nothing was rolled out"
        );
        for pod in &pods {
            let of = pod.container.pointer("/image").and_then(serde_json::Value::as_str).unwrap_or_default();
            ensure!(of.ends_with(image), "pod {} runs {of}, not {image}", pod.name);
        }
        progress(&format!("round {round}: {} requests, 0 failed", outcome.answered));
    }
    ensure!(!a_drain_failed(world)?, "a pod could not be asked to leave");
    Ok(())
}

/// The database gets a second user, and the overlay's Secret names it: one more `apply` brings it to the pods, and the first user
/// is not needed any more.
pub(crate) fn of_a_changed_secret(world: &mut World) -> Result<()> {
    let before = world.wait_for_pods(2, LIMIT)?;
    let copy = world.copy_of_manifests("changed")?;
    let base = copy.join("base/kustomization.yaml");
    let text = fs::read_to_string(&base)?;
    // Another form of the name, too: the search list of the pod's own resolv.conf must complete both.
    let changed = text
        .replace("mysql://orders:for-trying-out@mariadb:", "mysql://orders2:another-one@mariadb.order-service.svc:");
    ensure!(changed != text, "the base names no user");
    fs::write(&base, changed)?;
    world.sql("CREATE USER orders2@'%' IDENTIFIED BY 'another-one'; GRANT ALL ON orders.* TO orders2@'%'")?;
    let load = world.load(4);
    world.cluster.apply(&copy.join("overlays/crun"))?;
    world.cluster.wait_for_rollout("deployment/order-service", LIMIT)?;
    let after = world.wait_for_pods(2, LIMIT)?;
    ensure!(after.iter().all(|pod| before.iter().all(|old| old.name != pod.name)), "the pods are still the old ones");
    world.sql("DROP USER orders@'%'")?;
    let so_far = load.answered();
    answered_some(&load, so_far + 200)?;
    let outcome = load.finish();
    without_failure(&outcome)?;
    world.all_there(&outcome)?;
    ensure!(world.pods(SERVICE)?.iter().all(|pod| pod.restarts == 0), "pods were restarted");
    Ok(())
}

/// Waits until the load has had so many answers.
fn answered_some(load: &cluster::load_generator::Load, count: u64) -> Result<()> {
    try_wait_for(&format!("{count} answers"), LIMIT, || Ok((load.answered() >= count).then_some(())))
}

/// Whether a pod could not be asked to leave.
fn a_drain_failed(world: &World) -> Result<bool> {
    let events =
        world.cluster.kubectl(&["get", "events", "--field-selector=reason=FailedPreStopHook", "--output=name"])?;
    Ok(!events.trim().is_empty())
}
