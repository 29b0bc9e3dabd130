//! components/pod-monitor and components/service-monitor: valid for the Prometheus Operator's types, and what they
//! select is each pod's port with the metrics.
//!
//! The operator itself does not run here.
#![expect(clippy::indexing_slicing, reason = "a field that JSON lacks is null")]

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use testkit::artifacts;
use testkit::engine::run;

use crate::context::{TIMEOUT, TestContext};
use crate::manifests::overlay_with;

const KINDS: [&str; 3] = ["podmonitors", "servicemonitors", "prometheusrules"];

/// Both components pass the strict validation, and find all pods.
pub(crate) fn monitors_find_every_pod(context: &mut TestContext) -> Result<()> {
    let pods = context.deploy("crun")?;
    let addresses: BTreeSet<String> = pods.iter().map(|pod| pod.address.clone()).collect();
    install_types(context)?;
    let copy = context.copy_manifests("with-monitors")?;
    for component in ["pod-monitor", "service-monitor"] {
        let directory = copy.join("overlays").join(component);
        fs::create_dir(&directory)?;
        fs::write(directory.join("kustomization.yaml"), overlay_with(component))?;
        let path = directory.display().to_string();
        let strict = ["--validate=strict", "--warnings-as-errors"];
        context.cluster.kubectl(&[&["apply", "-k", &path][..], &strict].concat())?;
    }
    let by_pods = endpoints_of_pod_monitor(context)?;
    ensure!(by_pods == addresses, "the PodMonitor finds {by_pods:?}, the pods have {addresses:?}");
    let by_service = testkit::try_wait_for("the Service's endpoints", TIMEOUT, || {
        let found = endpoints_of_service_monitor(context)?;
        Ok((found == addresses).then_some(found))
    })?;
    for address in by_service {
        let pod = pods.iter().find(|pod| pod.address == address).context("a pod")?;
        ensure!(context.admin_status(pod, "/metrics")? == 200, "{address} has no metrics");
    }
    for object in ["podmonitor/order-service", "servicemonitor/order-service", "service/order-service-admin"] {
        context.cluster.kubectl(&["delete", object])?;
    }
    Ok(())
}

/// The operator's resource types, which a cluster with the operator has.
fn install_types(context: &TestContext) -> Result<()> {
    // Not on the node, from where a Go module may be out of reach.
    let directory = run(&mut Command::new(artifacts::root().join("scripts/operator-types.sh")))?;
    for kind in KINDS {
        let file = format!("{}/monitoring.coreos.com_{kind}.yaml", directory.trim());
        // Too large for the annotation of an apply on the client's side.
        context.cluster.kubectl(&["apply", "--server-side", "-f", &file])?;
        let name = format!("crd/{kind}.monitoring.coreos.com");
        context.cluster.kubectl(&["wait", "--for=condition=established", "--timeout=60s", &name])?;
    }
    Ok(())
}

/// The addresses of the pods that the PodMonitor selects and that have its port.
fn endpoints_of_pod_monitor(context: &TestContext) -> Result<BTreeSet<String>> {
    let monitor = get(context, &["podmonitor/order-service"])?;
    let endpoint = monitor.pointer("/spec/podMetricsEndpoints/0").context("no endpoint")?;
    ensure!(endpoint["path"] == "/metrics", "the path is {}", endpoint["path"]);
    let job_label = monitor["spec"]["jobLabel"].as_str().context("no label of the job")?;
    let pods = get(context, &["pods", "--selector", &selector(&monitor)?])?;
    let mut addresses = BTreeSet::new();
    for pod in pods["items"].as_array().into_iter().flatten() {
        ensure!(pod["metadata"]["labels"][job_label] == "order-service", "another job: {}", pod["metadata"]);
        let ports = pod.pointer("/spec/containers/0/ports").and_then(Value::as_array).context("no ports")?;
        let port = ports.iter().find(|port| port["name"] == endpoint["port"]).context("no such port")?;
        ensure!(port["containerPort"] == 9090, "{port}");
        addresses.extend(pod.pointer("/status/podIP").and_then(Value::as_str).map(str::to_owned));
    }
    Ok(addresses)
}

/// The addresses behind the Service that the ServiceMonitor selects.
fn endpoints_of_service_monitor(context: &TestContext) -> Result<BTreeSet<String>> {
    let monitor = get(context, &["servicemonitor/order-service"])?;
    let services = get(context, &["services", "--selector", &selector(&monitor)?])?;
    let [service] = services["items"].as_array().map_or(&[][..], Vec::as_slice) else {
        anyhow::bail!("not one Service: {services}")
    };
    let job_label = monitor["spec"]["jobLabel"].as_str().context("no label of the job")?;
    ensure!(service["metadata"]["labels"][job_label] == "order-service", "another job: {}", service["metadata"]);
    let name = service["metadata"]["name"].as_str().context("no name")?;
    let slices = get(context, &["endpointslices", "--selector", &format!("kubernetes.io/service-name={name}")])?;
    let mut addresses = BTreeSet::new();
    for slice in slices["items"].as_array().into_iter().flatten() {
        let port = slice.pointer("/ports/0").context("no port")?;
        let wanted = monitor.pointer("/spec/endpoints/0/port").context("no endpoint")?;
        ensure!(port["name"] == *wanted && port["port"] == 9090, "{port}");
        let endpoints = slice["endpoints"].as_array().into_iter().flatten();
        let all = endpoints.filter_map(|endpoint| endpoint["addresses"].as_array()).flatten();
        addresses.extend(all.filter_map(Value::as_str).map(str::to_owned));
    }
    Ok(addresses)
}

/// The labels that a monitor selects, as an argument.
fn selector(monitor: &Value) -> Result<String> {
    let labels = monitor.pointer("/spec/selector/matchLabels").and_then(Value::as_object).context("no selector")?;
    let pairs = labels.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()));
    Ok(pairs.collect::<Vec<_>>().join(","))
}

/// `kubectl get` as JSON.
fn get(context: &TestContext, what: &[&str]) -> Result<Value> {
    Ok(serde_json::from_str(&context.cluster.kubectl(&[&["get", "--output=json"][..], what].concat())?)?)
}
