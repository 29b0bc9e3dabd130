//! The native build of the same source, for nodes without a wasm runtime.

use anyhow::{Result, ensure};
use cluster::images::ImageBuilder;
use cluster::overlay;

use crate::context::{TestContext, check_no_failure};
use crate::pods::SERVICE;

/// One `kubectl apply` replaces wasm by native without a failed request.
pub(crate) fn replaces_wasm(context: &mut TestContext) -> Result<()> {
    context.deploy("crun")?;
    ImageBuilder::start(context.cluster.node())?.push_native()?;
    let load = context.start_load(4)?;
    context.cluster.apply(&overlay("native"))?;
    context.wait_for_rollout()?;
    let pods = context.wait_for_pods(2)?;
    let result = load.finish();
    check_no_failure(&result)?;
    context.check_orders(&result)?;
    for pod in &pods {
        let maps = pod.memory_maps()?;
        ensure!(maps.contains("/order-service") && !maps.contains("libwasmedge"), "pod {} is not native", pod.name);
    }
    let classes = ["get", "pods", "--selector", SERVICE, "--output=jsonpath={.items[*].spec.runtimeClassName}"];
    ensure!(context.cluster.kubectl(&classes)?.trim().is_empty(), "a pod has a runtime class");
    crate::walkthrough::walk_through(context)
}
