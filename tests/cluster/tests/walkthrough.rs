//! The walkthrough, by the Service's name.

use anyhow::{Result, ensure};
use testkit::artifacts;

use crate::support::{SERVICE, World, process_of};

/// Short and whole: both through CoreDNS, the first by the search list.
pub(crate) fn by_the_services_name(world: &mut World) -> Result<()> {
    let root = artifacts::root();
    let orders = format!("@{}", root.join("orders.json").display());
    let update = format!("@{}", root.join("update_order.json").display());
    let done = "{\"status\":true}";
    for host in ["http://order-service", "http://order-service.order-service.svc.cluster.local"] {
        let url = |path: &str| format!("{host}{path}");
        ensure!(world.curl(&[&url("/init")])?.trim() == done);
        world.sql("DELETE FROM orders")?;
        ensure!(world.curl(&[&url("/create_orders"), "-X", "POST", "-d", &orders])?.trim() == done);
        let all = world.curl(&[&url("/orders")])?;
        ensure!(ids(&all)? == [1, 2, 3, 4, 5], "after the five were created: {all}");
        ensure!(world.curl(&[&url("/update_order"), "-X", "POST", "-d", &update])?.trim() == done);
        ensure!(world.curl(&[&url("/delete_order?id=2")])?.trim() == done);
        let all = world.curl(&[&url("/orders")])?;
        ensure!(ids(&all)? == [1, 3, 4, 5], "after the second was deleted: {all}");
        ensure!(all.contains("375.0") && !all.contains("536.0"), "the third was not replaced: {all}");
    }
    Ok(())
}

/// What answered is the module: the pod's process is crun's WasmEdge, and there is nothing else in the image.
pub(crate) fn in_wasmedge(world: &mut World) -> Result<()> {
    let class = world.cluster.kubectl(&[
        "get",
        "pods",
        "--selector",
        SERVICE,
        "--output=jsonpath={.items[*].spec.runtimeClassName}",
    ])?;
    ensure!(class == "crun crun", "runtime classes: {class:?}");
    for pod in world.pods(SERVICE)? {
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", process_of(&pod)?))?;
        ensure!(maps.contains("libwasmedge"), "pod {} runs without WasmEdge", pod.name);
    }
    Ok(())
}

fn ids(json: &str) -> Result<Vec<u64>> {
    let all: Vec<serde_json::Value> = serde_json::from_str(json)?;
    Ok(all.iter().filter_map(|order| order.get("order_id")?.as_u64()).collect())
}
