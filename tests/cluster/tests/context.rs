//! What the tests share: the cluster, a client in it, and the service in a known state.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cluster::load_generator::{LoadGenerator, LoadResult};
use cluster::{Cluster, overlay};
use testkit::http::Client;
use testkit::try_wait_for;

use crate::client_pod::ClientPod;
use crate::pods::{Pod, SERVICE, pods};

/// Bounds each wait; a loaded machine takes a multiple of the usual time.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(120);

const DEPLOYMENT: &str = "deployment/order-service";

/// Restores the database user of the manifests. Tests create a second one.
const RESTORE_USER: &str = "CREATE USER IF NOT EXISTS orders@'%' IDENTIFIED BY 'for-trying-out'; \
                            GRANT ALL ON orders.* TO orders@'%'";
const REMOVE_SECOND_USER: &str = "DROP USER IF EXISTS orders2@'%'; TRUNCATE orders";

/// The cluster with the service on it.
pub(crate) struct TestContext {
    pub(crate) cluster: Cluster,
    client: ClientPod,
    /// The address of the Service.
    address: SocketAddr,
    next_id: u64,
}

impl TestContext {
    pub(crate) fn new(cluster: Cluster) -> Result<Self> {
        let address = cluster.service_address()?;
        let client = ClientPod::start(&cluster)?;
        Ok(Self { cluster, client, address, next_id: 100_000_000 })
    }

    /// Looks up the Service's address, which a new Service changes.
    pub(crate) fn find_service(&mut self) -> Result<()> {
        self.address = self.cluster.service_address()?;
        Ok(())
    }

    /// Brings the service into the state that the overlay `name` describes, independent of what an earlier test left:
    /// manifests, database user, an empty table, two ready pods. Does little when it is in that state.
    pub(crate) fn deploy(&self, name: &str) -> Result<Vec<Pod>> {
        self.cluster.apply(&overlay(name))?;
        self.cluster.wait_for_rollout("statefulset/mariadb", TIMEOUT)?;
        self.sql(RESTORE_USER)?;
        self.replace_deployment(name)?;
        self.wait_for_rollout()?;
        let pods = self.wait_for_pods(2)?;
        self.sql(REMOVE_SECOND_USER)?;
        Ok(pods)
    }

    /// `kubectl apply` keeps what other commands added, such as a variable of `kubectl set env`; `replace` does not.
    fn replace_deployment(&self, name: &str) -> Result<()> {
        let manifests = self.cluster.kubectl(&["kustomize", &overlay(name).to_string_lossy()])?;
        let deployment = manifests.split("\n---\n").find(|text| text.lines().any(|line| line == "kind: Deployment"));
        let path = self.cluster.dir().join("deployment.yaml");
        fs::write(&path, deployment.context("the overlay has no Deployment")?)?;
        self.cluster.kubectl(&["replace", "--save-config", "--filename", &path.to_string_lossy()]).map(drop)
    }

    /// Waits until the service's rollout is complete.
    pub(crate) fn wait_for_rollout(&self) -> Result<()> {
        self.cluster.wait_for_rollout(DEPLOYMENT, TIMEOUT)
    }

    /// The service's pods.
    pub(crate) fn pods(&self) -> Result<Vec<Pod>> {
        pods(&self.cluster, SERVICE)
    }

    /// Waits until the service has exactly `count` pods, all of them ready and none terminating.
    pub(crate) fn wait_for_pods(&self, count: usize) -> Result<Vec<Pod>> {
        try_wait_for(&format!("{count} ready pods"), TIMEOUT, || {
            let pods = self.pods()?;
            let ready = pods.len() == count && pods.iter().all(|pod| pod.ready && !pod.terminating);
            Ok(ready.then_some(pods))
        })
    }

    /// Starts clients in the client pod that write orders with new ids, and waits for their first responses.
    pub(crate) fn start_load(&mut self, clients: u64) -> Result<LoadGenerator> {
        self.start_load_with(clients, None)
    }

    /// The same, of clients with this bearer token.
    pub(crate) fn start_load_with(&mut self, clients: u64, token: Option<&str>) -> Result<LoadGenerator> {
        let load = LoadGenerator::start(&self.client.network(), self.address, clients, self.next_id, token);
        self.next_id += clients * 1_000_000;
        load.wait_for_successes(200, TIMEOUT)?;
        Ok(load)
    }

    /// Checks that all acknowledged orders are stored, and no orders that no client wrote.
    pub(crate) fn check_orders(&self, result: &LoadResult) -> Result<()> {
        ensure!(result.orders.counts().acknowledged > 0, "no order was acknowledged");
        let (first, end) = (result.ids.start, result.ids.end);
        let query = format!("SELECT order_id FROM orders WHERE order_id >= {first} AND order_id < {end}");
        let stored: Vec<u64> = self.sql(&query)?.lines().map(str::parse).collect::<Result<_, _>>()?;
        result.orders.check(stored.into_iter().map(|id| (id, ())))
    }

    /// A copy of `deploy/kubernetes` to change, as a user would have it.
    pub(crate) fn copy_manifests(&self, name: &str) -> Result<PathBuf> {
        let copy = self.cluster.dir().join(name);
        let source = overlay("crun").join("../..").canonicalize()?;
        self.cluster.node().run("cp", &["--recursive", &source.to_string_lossy(), &copy.to_string_lossy()])?;
        Ok(copy)
    }

    /// Runs a statement as root in the database's pod.
    pub(crate) fn sql(&self, statement: &str) -> Result<String> {
        let client =
            ["mariadb", "--socket=/run/mysqld/mysqld.sock", "--user=root", "--password=for-trying-out-as-root"];
        let mut arguments = vec!["exec", "mariadb-0", "--"];
        arguments.extend(client);
        arguments.extend(["--batch", "--skip-column-names", "--execute", statement, "orders"]);
        self.cluster.kubectl(&arguments)
    }

    /// `curl` in the client pod.
    pub(crate) fn curl(&self, arguments: &[&str]) -> Result<String> {
        let mut all = vec!["--silent", "--show-error", "--max-time", "120"];
        all.extend(arguments);
        self.client.run("curl", &all)
    }

    /// The status of `GET path` at a pod's admin port, requested from the node as the kubelet does.
    pub(crate) fn admin_status(&self, pod: &Pod, path: &str) -> Result<u16> {
        let client = Client::with_timeout(&format!("http://{}:9090", pod.address), Duration::from_secs(15));
        self.cluster.node().network().run(|| Ok(client.get(path)?.status))
    }
}

/// No request failed, and enough were made.
pub(crate) fn check_no_failure(result: &LoadResult) -> Result<()> {
    let count = result.failures.len();
    let first: Vec<&str> = result.failures.iter().take(5).map(String::as_str).collect();
    ensure!(count == 0, "{count} requests failed, {} succeeded: {first:#?}", result.successes);
    ensure!(result.successes > 100, "only {} requests were made", result.successes);
    Ok(())
}
