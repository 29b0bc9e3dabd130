//! Pods as the API describes them.

use std::fs;

use anyhow::{Context, Result, bail};
use cluster::Cluster;
use serde_json::Value;

/// The selector of the service's pods.
pub(crate) const SERVICE: &str = "app.kubernetes.io/name=order-service";

/// The properties of a pod that the tests check.
#[derive(Debug)]
pub(crate) struct Pod {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) ready: bool,
    pub(crate) terminating: bool,
    pub(crate) restarts: u64,
    /// The API's status of its container.
    pub(crate) container: Value,
}

/// The pods that match `selector`.
pub(crate) fn pods(cluster: &Cluster, selector: &str) -> Result<Vec<Pod>> {
    let text = cluster.kubectl(&["get", "pods", "--output=json", "--selector", selector])?;
    let list: Value = serde_json::from_str(&text)?;
    let items = list.pointer("/items").and_then(Value::as_array).context("no list of pods")?;
    Ok(items.iter().map(Pod::from_json).collect())
}

impl Pod {
    fn from_json(item: &Value) -> Self {
        let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let container = item.pointer("/status/containerStatuses/0").cloned().unwrap_or_default();
        Self {
            name: text("/metadata/name"),
            address: text("/status/podIP"),
            ready: container.pointer("/ready").and_then(Value::as_bool).unwrap_or_default(),
            terminating: item.pointer("/metadata/deletionTimestamp").is_some(),
            restarts: container.pointer("/restartCount").and_then(Value::as_u64).unwrap_or_default(),
            container,
        }
    }

    /// A process of its container, by its id on this machine.
    pub(crate) fn process(&self) -> Result<u32> {
        let id = self.container.pointer("/containerID").and_then(Value::as_str).context("no container")?;
        let id = id.trim_start_matches("containerd://");
        for entry in fs::read_dir("/proc")?.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            if fs::read_to_string(entry.path().join("cgroup")).is_ok_and(|groups| groups.contains(id)) {
                return Ok(pid);
            }
        }
        bail!("no process is in the control group of container {id}")
    }

    /// The names of the files that its process has mapped into memory.
    pub(crate) fn memory_maps(&self) -> Result<String> {
        Ok(fs::read_to_string(format!("/proc/{}/maps", self.process()?))?)
    }
}

/// Whether the pods are the same as before, and no container was restarted.
pub(crate) fn same_pods(before: &[Pod], after: &[Pod]) -> bool {
    let same = |pod: &Pod| before.iter().any(|old| old.name == pod.name && old.restarts == pod.restarts);
    before.len() == after.len() && after.iter().all(same)
}

/// Whether none of the pods is one of those before.
pub(crate) fn all_replaced(before: &[Pod], after: &[Pod]) -> bool {
    after.iter().all(|pod| before.iter().all(|old| old.name != pod.name))
}
