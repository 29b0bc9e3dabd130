//! New versions and new secrets under load.

use std::fs;

use anyhow::{Result, ensure};
use cluster::load_generator::LoadGenerator;
use cluster::progress;
use cluster::service::{IMAGE, NEXT_IMAGE};

use crate::context::{TIMEOUT, TestContext, check_no_failure};
use crate::pods::{Pod, all_replaced};

const ROUNDS: u32 = 5;

/// Five updates to the other image and back.
pub(crate) fn rolling_updates(context: &mut TestContext) -> Result<()> {
    context.deploy("crun")?;
    let failed_drains = failed_drains(context)?;
    for round in 1..=ROUNDS {
        let image = if round % 2 == 1 { NEXT_IMAGE } else { IMAGE };
        let requests = update(context, image)?;
        progress(&format!("update {round}: {requests} requests, 0 failed"));
    }
    ensure!(self::failed_drains(context)? == failed_drains, "a pod did not accept the drain request");
    Ok(())
}

/// Rolls out `image` under load and returns the number of requests meanwhile.
fn update(context: &mut TestContext, image: &str) -> Result<u64> {
    let before = context.wait_for_pods(2)?;
    let load = context.start_load(8)?;
    context.cluster.kubectl(&["set", "image", "deployment/order-service", &format!("order-service={image}")])?;
    let (after, successes) = finish_rollout(context, &before, load)?;
    for pod in &after {
        let name = pod.container.pointer("/image").and_then(serde_json::Value::as_str).unwrap_or_default();
        ensure!(name.ends_with(image), "pod {} runs {name}, not {image}", pod.name);
    }
    Ok(successes)
}

/// Waits until a rollout under load has replaced the pods `before`, and checks that no request failed. Returns the new
/// pods and the number of requests.
pub(crate) fn finish_rollout(context: &TestContext, before: &[Pod], load: LoadGenerator) -> Result<(Vec<Pod>, u64)> {
    context.wait_for_rollout()?;
    // The rollout is complete when the new pods are ready; the old ones end later.
    let after = context.wait_for_pods(2)?;
    load.wait_for_successes(200, TIMEOUT)?;
    let result = load.finish();
    check_no_failure(&result)?;
    context.check_orders(&result)?;
    ensure!(all_replaced(before, &after), "the pods were not replaced: {after:#?}");
    Ok((after, result.successes))
}

/// The events of pods whose preStop hook failed.
pub(crate) fn failed_drains(context: &TestContext) -> Result<String> {
    let format = "--output=jsonpath={range .items[*]}{.metadata.name} {.metadata.resourceVersion}{\"\\n\"}{end}";
    context.cluster.kubectl(&["get", "events", "--field-selector=reason=FailedPreStopHook", format])
}

/// The database gets a second user, and `kubectl apply` of a Secret with its name rolls the pods out. The first user is
/// not needed afterwards.
pub(crate) fn changed_secret(context: &mut TestContext) -> Result<()> {
    let before = context.deploy("crun")?;
    let copy = context.copy_manifests("changed")?;
    let component = copy.join("components/mariadb/kustomization.yaml");
    let text = fs::read_to_string(&component)?;
    // The host's name is longer, too: the search list of the pod's resolv.conf completes both forms.
    let changed = text
        .replace("mysql://orders:for-trying-out@mariadb:", "mysql://orders2:another-one@mariadb.order-service.svc:");
    ensure!(changed != text, "the component names no user");
    fs::write(&component, changed)?;
    context.sql("CREATE USER orders2@'%' IDENTIFIED BY 'another-one'; GRANT ALL ON orders.* TO orders2@'%'")?;
    let load = context.start_load(4)?;
    context.cluster.apply(&copy.join("overlays/crun"))?;
    context.wait_for_rollout()?;
    let after = context.wait_for_pods(2)?;
    ensure!(all_replaced(&before, &after), "the pods were not replaced: {after:#?}");
    context.sql("DROP USER orders@'%'")?;
    load.wait_for_successes(200, TIMEOUT)?;
    let result = load.finish();
    check_no_failure(&result)?;
    context.check_orders(&result)?;
    ensure!(context.pods()?.iter().all(|pod| pod.restarts == 0), "containers were restarted");
    Ok(())
}
