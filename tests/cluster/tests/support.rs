//! What the tests ask the cluster and the service.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cluster::load_generator::{Answer, Client, Load, Outcome};
use cluster::{Cluster, overlay};
use serde_json::Value;
use testkit::try_wait_for;

use crate::client::ClientPod;

/// The selector of the service's pods.
pub(crate) const SERVICE: &str = "app.kubernetes.io/name=order-service";

/// The cluster with the service on it.
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    client: ClientPod,
    /// The Service's address.
    pub(crate) address: SocketAddr,
    next_id: u32,
}

/// A pod as the API tells of it, reduced to what is asked here.
#[derive(Debug)]
pub(crate) struct Pod {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) ready: bool,
    pub(crate) leaving: bool,
    pub(crate) restarts: u64,
    /// Its container as the API describes it.
    pub(crate) container: Value,
}

impl World {
    pub(crate) fn new(cluster: Cluster) -> Result<Self> {
        let address = cluster.service_address()?;
        let client = ClientPod::start(&cluster)?;
        Ok(Self { cluster, client, address, next_id: 100_000_000 })
    }

    /// The pods that `selector` names.
    pub(crate) fn pods(&self, selector: &str) -> Result<Vec<Pod>> {
        pods(&self.cluster, selector)
    }

    /// Waits until exactly `count` pods of the service are there, all ready and none leaving.
    pub(crate) fn wait_for_pods(&self, count: usize, limit: Duration) -> Result<Vec<Pod>> {
        try_wait_for(&format!("{count} ready pods"), limit, || {
            let pods = self.pods(SERVICE)?;
            let settled = pods.len() == count && pods.iter().all(|pod| pod.ready && !pod.leaving);
            Ok(settled.then_some(pods))
        })
    }

    /// Starts `clients` in the client's pod that write orders with ids nobody else uses.
    pub(crate) fn load(&mut self, clients: u32) -> Load {
        let first = self.next_id;
        self.next_id += clients * 1_000_000;
        Load::start(&self.client.network(), self.address, clients, first)
    }

    /// All orders that were acknowledged are there.
    pub(crate) fn all_there(&self, outcome: &Outcome) -> Result<()> {
        ensure!(!outcome.acknowledged.is_empty(), "no order was written at all");
        let low = outcome.acknowledged.iter().min().copied().unwrap_or_default();
        let high = outcome.acknowledged.iter().max().copied().unwrap_or_default();
        let text = self.sql(&format!("SELECT order_id FROM orders WHERE order_id BETWEEN {low} AND {high}"))?;
        let there: std::collections::HashSet<u32> = text.lines().filter_map(|line| line.trim().parse().ok()).collect();
        let lost = outcome.acknowledged.iter().filter(|id| !there.contains(id)).count();
        ensure!(lost == 0, "{lost} of {} acknowledged orders are lost", outcome.acknowledged.len());
        Ok(())
    }

    /// A copy of `deploy/kubernetes` to change, as a user would have it.
    pub(crate) fn copy_of_manifests(&self, name: &str) -> Result<PathBuf> {
        let copy = self.cluster.dir().join(name);
        let source = overlay("crun").join("../..").canonicalize()?;
        self.cluster.node().run("cp", &["--recursive", &source.to_string_lossy(), &copy.to_string_lossy()])?;
        Ok(copy)
    }

    /// Asks the database in its own pod.
    pub(crate) fn sql(&self, statement: &str) -> Result<String> {
        let client =
            ["mariadb", "--socket=/run/mysqld/mysqld.sock", "--user=root", "--password=for-trying-out-as-root"];
        let mut arguments = vec!["exec", "mariadb-0", "--"];
        arguments.extend(client);
        arguments.extend(["--batch", "--skip-column-names", "--execute", statement, "orders"]);
        self.cluster.kubectl(&arguments)
    }

    /// `curl` in the client's pod.
    pub(crate) fn curl(&self, arguments: &[&str]) -> Result<String> {
        let mut all = vec!["--silent", "--show-error", "--max-time", "120"];
        all.extend(arguments);
        self.client.run("curl", &all)
    }

    /// One request to a pod's own port, from the node as the kubelet asks.
    pub(crate) fn ask(&self, address: &str, method: &str, path: &str) -> Result<Answer> {
        let address: SocketAddr = address.parse()?;
        let (network, method, path) = (self.cluster.node().network(), method.to_owned(), path.to_owned());
        let asked = std::thread::spawn(move || {
            network.enter()?;
            Client::new(address).request(&method, &path, "")
        });
        asked.join().unwrap_or_else(|_| anyhow::bail!("the thread that asks has panicked"))
    }
}

/// The pods that `selector` names.
pub(crate) fn pods(cluster: &Cluster, selector: &str) -> Result<Vec<Pod>> {
    let text = cluster.kubectl(&["get", "pods", "--output=json", "--selector", selector])?;
    let list: Value = serde_json::from_str(&text)?;
    let items = list.pointer("/items").and_then(Value::as_array).context("no list of pods")?;
    Ok(items.iter().map(pod).collect())
}

/// The process that runs a pod's container, as seen from here.
pub(crate) fn process_of(pod: &Pod) -> Result<u32> {
    let id = pod.container.pointer("/containerID").and_then(Value::as_str).context("no container")?;
    let id = id.trim_start_matches("containerd://");
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let groups = std::fs::read_to_string(entry.path().join("cgroup")).unwrap_or_default();
        if groups.contains(id) {
            return Ok(pid);
        }
    }
    anyhow::bail!("no process is in the control group of container {id}")
}

fn pod(item: &Value) -> Pod {
    let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let container = item.pointer("/status/containerStatuses/0").cloned().unwrap_or_default();
    Pod {
        name: text("/metadata/name"),
        address: text("/status/podIP"),
        ready: container.pointer("/ready").and_then(Value::as_bool).unwrap_or_default(),
        leaving: item.pointer("/metadata/deletionTimestamp").is_some(),
        restarts: container.pointer("/restartCount").and_then(Value::as_u64).unwrap_or_default(),
        container,
    }
}

/// Whether these are the pods that were there before, none of them started again.
pub(crate) fn same_pods(before: &[Pod], after: &[Pod]) -> bool {
    let same = |pod: &Pod| before.iter().any(|old| old.name == pod.name && old.restarts == pod.restarts);
    before.len() == after.len() && after.iter().all(same)
}

/// Nothing failed, and something was asked.
pub(crate) fn without_failure(outcome: &Outcome) -> Result<()> {
    let shown: Vec<&str> = outcome.failures.iter().take(5).map(String::as_str).collect();
    ensure!(
        outcome.failures.is_empty(),
        "{} of {} requests failed: {shown:#?}",
        outcome.failures.len(),
        outcome.answered
    );
    ensure!(outcome.answered > 100, "only {} requests were made", outcome.answered);
    Ok(())
}
