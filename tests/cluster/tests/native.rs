//! The same source as a Linux program, for whoever has no wasm runtime.

use std::time::Duration;

use anyhow::{Result, ensure};
use cluster::images::ImageBuilder;
use cluster::overlay;

use crate::support::{SERVICE, World};

const LIMIT: Duration = Duration::from_secs(120);

/// One `apply` takes a running service from wasm to native; nobody who asks notices.
pub(crate) fn takes_the_place(world: &mut World) -> Result<()> {
    ImageBuilder::start(world.cluster.node())?.push_native()?;
    // A Secret that was changed before is the base's again with this `apply`; its user may be gone.
    world.sql(
        "CREATE USER IF NOT EXISTS orders@'%' IDENTIFIED BY 'for-trying-out'; GRANT ALL ON orders.* TO orders@'%'",
    )?;
    let load = world.load(4);
    world.cluster.apply(&overlay("native"))?;
    world.cluster.wait_for_rollout("deployment/order-service", LIMIT)?;
    let pods = world.wait_for_pods(2, LIMIT)?;
    let outcome = load.finish();
    crate::support::without_failure(&outcome)?;
    world.all_there(&outcome)?;
    for pod in &pods {
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", crate::support::process_of(pod)?))?;
        ensure!(maps.contains("/order-service") && !maps.contains("libwasmedge"), "pod {} is not native", pod.name);
    }
    let classes = ["get", "pods", "--selector", SERVICE, "--output=jsonpath={.items[*].spec.runtimeClassName}"];
    ensure!(world.cluster.kubectl(&classes)?.trim().is_empty(), "a runtime class is left");
    crate::walkthrough::by_the_services_name(world)
}
