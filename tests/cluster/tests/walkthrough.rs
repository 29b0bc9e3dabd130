//! The walkthrough, by the Service's name.

use anyhow::{Result, ensure};
use testkit::artifacts;

use crate::context::TestContext;
use crate::pods::SERVICE;

/// The short name needs the search list of resolv.conf, the full name does not.
const HOSTS: [&str; 2] = ["http://order-service", "http://order-service.order-service.svc.cluster.local"];

pub(crate) fn by_the_services_name(context: &mut TestContext) -> Result<()> {
    context.deploy("crun")?;
    walk_through(context)
}

/// README's requests, by both forms of the Service's name.
pub(crate) fn walk_through(context: &TestContext) -> Result<()> {
    let root = artifacts::root();
    let orders = format!("@{}", root.join("orders.json").display());
    let update = format!("@{}", root.join("update_order.json").display());
    let success = "{\"status\":true}";
    for host in HOSTS {
        let url = |path: &str| format!("{host}{path}");
        ensure!(context.curl(&[&url("/init")])?.trim() == success);
        context.sql("DELETE FROM orders")?;
        ensure!(context.curl(&[&url("/create_orders"), "-X", "POST", "-d", &orders])?.trim() == success);
        let list = context.curl(&[&url("/orders")])?;
        ensure!(ids(&list)? == [1, 2, 3, 4, 5], "after five orders were created: {list}");
        ensure!(context.curl(&[&url("/update_order"), "-X", "POST", "-d", &update])?.trim() == success);
        ensure!(context.curl(&[&url("/delete_order?id=2")])?.trim() == success);
        let list = context.curl(&[&url("/orders")])?;
        ensure!(ids(&list)? == [1, 3, 4, 5], "after the second order was deleted: {list}");
        ensure!(list.contains("375.0") && !list.contains("536.0"), "the third order was not replaced: {list}");
    }
    Ok(())
}

/// The pods' processes are crun with WasmEdge; the image holds nothing but the module.
pub(crate) fn in_wasmedge(context: &mut TestContext) -> Result<()> {
    let pods = context.deploy("crun")?;
    let classes = ["get", "pods", "--selector", SERVICE, "--output=jsonpath={.items[*].spec.runtimeClassName}"];
    let classes = context.cluster.kubectl(&classes)?;
    ensure!(classes == "order-service-crun order-service-crun", "runtime classes: {classes:?}");
    for pod in pods {
        ensure!(pod.memory_maps()?.contains("libwasmedge"), "pod {} runs without WasmEdge", pod.name);
    }
    Ok(())
}

fn ids(json: &str) -> Result<Vec<u64>> {
    let orders: Vec<serde_json::Value> = serde_json::from_str(json)?;
    Ok(orders.iter().filter_map(|order| order.get("order_id")?.as_u64()).collect())
}
