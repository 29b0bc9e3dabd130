//! A Kubernetes cluster of one node on this machine, as a value that ends it when dropped: etcd, API server, controller
//! manager, scheduler, containerd, kubelet, kube-proxy, CoreDNS and a registry, in one [`Sandbox`].
//!
//! | module | contents |
//! |---|---|
//! | `node` | the sandbox that is the node |
//! | `config` | the components' configuration files |
//! | [`components`] | the processes, in the order of their dependencies |
//! | `kubectl` | commands to the API server |
//! | [`images`] | the project's images: built by a private Docker and pushed to the registry |
//! | [`service`] | the order service on the cluster |
//! | [`port_forward`] | ports on this machine that lead to addresses in the cluster |
//! | [`load_generator`] | clients in the cluster's network that record each response |
//!
//! The Kubernetes programs are compiled by `scripts/cluster-build.sh` at the versions in this directory's `go.mod`. The
//! others are Debian packages (`scripts/deps.sh cluster`).

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use testkit::{Sandbox, artifacts, try_wait_for};

pub mod components;
mod config;
pub mod images;
mod kubectl;
pub mod load_generator;
mod node;
pub mod port_forward;
pub mod service;

use components::Components;
pub use config::{NODE, REGISTRY};
pub use node::ADDRESS;

/// A running cluster; dropping it ends all its processes and removes its data.
#[derive(Debug)]
pub struct Cluster {
    // Fields are dropped in this order: the components run in the sandbox.
    components: Components,
    node: Sandbox,
    /// The directory of the compiled programs.
    programs: PathBuf,
}

impl Cluster {
    /// Compiles the programs if necessary, starts the components and waits until the node is ready. The registry is
    /// empty.
    ///
    /// # Errors
    /// When a component does not start; the end of its log is in the error.
    pub fn start() -> Result<Self> {
        let node = node::builder()?;
        let programs = programs()?;
        config::write(node.dir())?;
        let node = node.start()?;
        let cgroup = node.cgroup().context("the node has no control group")?;
        fs::write(node.dir().join("kubelet.yaml"), config::kubelet(node.dir(), cgroup))?;
        let components = Components::start(&node, &programs)?;
        let cluster = Self { components, node, programs };
        cluster.wait_for_node()?;
        Ok(cluster)
    }

    /// The sandbox that is the node.
    #[must_use]
    pub fn node(&self) -> &Sandbox {
        &self.node
    }

    /// Its processes.
    #[must_use]
    pub fn components(&self) -> &Components {
        &self.components
    }

    /// The directory of its logs, data and kubeconfigs.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.node.dir()
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir().join("admin.kubeconfig")
    }

    /// Kills containerd and starts another one; pods keep running meanwhile.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart_containerd(&mut self) -> Result<()> {
        self.components.restart_containerd(&self.node)
    }

    fn wait_for_node(&self) -> Result<()> {
        let ready = ["get", "node", NODE, "--output=jsonpath={.status.conditions[?(@.type==\"Ready\")].status}"];
        try_wait_for("the node to be ready", Duration::from_secs(120), || {
            self.components.check_running()?;
            // The node registers itself some time after the API server is ready.
            Ok(self.kubectl(&ready).is_ok_and(|status| status == "True").then_some(()))
        })
        .with_context(|| self.components.kubelet_log())
    }
}

/// The directory of an overlay.
#[must_use]
pub fn overlay(name: &str) -> PathBuf {
    artifacts::root().join("deploy/kubernetes/overlays").join(name)
}

/// The directory of the compiled programs; builds them if necessary.
fn programs() -> Result<PathBuf> {
    let script = artifacts::root().join("scripts/cluster-build.sh");
    let mut build = Command::new(&script);
    let output = build.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot run {}", script.display()))?;
    if !output.status.success() {
        bail!("the cluster's programs could not be built (above)");
    }
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

/// Prints a line of progress. The test runner captures `eprintln!`, but not a write to standard error.
pub fn progress(line: &str) {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let seconds = START.get_or_init(Instant::now).elapsed().as_secs_f64();
    let _ = writeln!(std::io::stderr(), "cluster: {seconds:6.1} s  {line}");
}
