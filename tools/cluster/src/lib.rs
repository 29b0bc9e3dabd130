//! A Kubernetes on this machine as a value that stops when dropped: etcd, API server, controller manager, scheduler, containerd,
//! kubelet, kube-proxy, CoreDNS and a registry, in namespaces of their own.
//!
//! | room | what is in it |
//! |---|---|
//! | [`machine`] | the namespaces, which end all that was started in them |
//! | [`parts`] | the processes, in the order in which they need each other |
//! | [`images`] | the project's images, built by an engine of their own and put into the registry |
//! | [`service`] | the order service on it |
//! | [`forward`] | ports on this machine that lead into it |
//! | [`load`] | requests from inside the cluster's network, counted |
//! | [`wait`] | waiting with a bound |
//!
//! Its programs are compiled by `scripts/cluster-build.sh` at the versions of `go.mod` beside this crate, or come from
//! Debian's packages (`scripts/deps.sh cluster`).

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use testkit::{TempDir, artifacts};

mod cgroup;
mod files;
pub mod forward;
pub mod images;
pub mod load;
pub mod machine;
pub mod parts;
pub mod service;
pub mod wait;

pub use files::{NODE, REGISTRY};
pub use machine::{ADDRESS, Machine};
use parts::Parts;

/// A running cluster of one node; all of it ends on drop.
#[derive(Debug)]
pub struct Cluster {
    parts: Parts,
    machine: Machine,
    /// Where its compiled programs are.
    programs: PathBuf,
    // After the machine: fields are dropped in order, and its files are in use until then.
    dir: TempDir,
}

impl Cluster {
    /// Builds what is missing, starts everything and waits until the node is ready. The registry is empty.
    ///
    /// # Errors
    /// When a part does not come up; its last words are in the error.
    pub fn start() -> Result<Self> {
        machine::allowed()?;
        let programs = programs()?;
        let dir = TempDir::new()?;
        files::write(dir.path())?;
        let machine = Machine::start(dir.path())?;
        fs::write(dir.path().join("kubelet.yaml"), files::kubelet(dir.path(), machine.cgroup()))?;
        let parts = Parts::start(&machine, &programs, dir.path())?;
        let cluster = Self { parts, machine, dir, programs };
        cluster.wait_for_node()?;
        Ok(cluster)
    }

    /// The machine that it runs on.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Its processes.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The directory of its files: logs, data, access.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The file with an administrator's access, for `kubectl --kubeconfig`.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("admin.kubeconfig")
    }

    /// Kills containerd and starts it anew; pods go on meanwhile.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn restart_containerd(&mut self) -> Result<()> {
        self.parts.restart_containerd(&self.machine, self.dir.path())
    }

    /// The command line of `kubectl` with an administrator's access, its namespace `order-service`.
    #[must_use]
    pub fn kubectl_command(&self) -> Command {
        let mut command = self.machine.command("kubectl");
        command.arg("--kubeconfig").arg(self.kubeconfig()).arg("--cache-dir").arg(self.dir.path().join("kubectl"));
        command
    }

    /// Runs `kubectl` and returns what it printed.
    ///
    /// # Errors
    /// When it ends badly; what it said is in the error.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        machine::output_of(self.kubectl_command().args(arguments))
    }

    /// `kubectl apply -k` of a directory.
    ///
    /// # Errors
    /// When something in it is refused.
    pub fn apply(&self, directory: &Path) -> Result<String> {
        self.kubectl(&["apply", "-k", &directory.to_string_lossy()])
    }

    /// Applies a manifest given as text.
    ///
    /// # Errors
    /// When it is refused.
    pub fn apply_text(&self, manifest: &str) -> Result<String> {
        let path = self.dir.path().join("manifest.yaml");
        fs::write(&path, manifest)?;
        self.kubectl(&["apply", "-f", &path.to_string_lossy()])
    }

    /// Waits until a rollout is complete.
    ///
    /// # Errors
    /// When it is not within `limit`; the pods' state is in the error.
    pub fn wait_for_rollout(&self, what: &str, limit: Duration) -> Result<()> {
        let limit = format!("--timeout={}s", limit.as_secs());
        let rolled = self.kubectl(&["rollout", "status", what, &limit]);
        rolled.map(drop).map_err(|error| error.context(self.describe()))
    }

    /// What there is to know when something went wrong: pods, their events, their last words.
    #[must_use]
    pub fn describe(&self) -> String {
        let ask = |arguments: &[&str]| self.kubectl(arguments).unwrap_or_else(|error| format!("{error:#}"));
        format!(
            "{}\n{}\n{}",
            ask(&["get", "pods", "--output=wide"]),
            ask(&["get", "events", "--sort-by=.lastTimestamp"]),
            ask(&["logs", "--selector=app.kubernetes.io/part-of=order-service", "--tail=20", "--prefix"]),
        )
    }

    /// A volume of this machine's disk for whoever claims one: the cluster has nothing that makes them by itself.
    ///
    /// # Errors
    /// When the directory cannot be made or the API refuses it.
    pub fn offer_volume(&self, name: &str) -> Result<()> {
        let path = self.dir.path().join("volumes").join(name);
        fs::create_dir_all(&path)?;
        // Whoever the pod runs as: the kubelet does not hand directories of the host over.
        machine::output_of(Command::new("chmod").arg("0777").arg(&path))?;
        self.apply_text(&format!(
            "apiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: {name}}}\nspec:\n  capacity: {{storage: 1Gi}}\n  \
             accessModes: [ReadWriteOnce]\n  hostPath: {{path: {}}}\n",
            path.display()
        ))?;
        Ok(())
    }

    fn wait_for_node(&self) -> Result<()> {
        let ready = ["get", "node", NODE, "--output=jsonpath={.status.conditions[?(@.type==\"Ready\")].status}"];
        wait::until("the node to be ready", Duration::from_secs(120), || {
            self.parts.all_run()?;
            // The API server answers before the node has announced itself.
            Ok(self.kubectl(&ready).is_ok_and(|status| status == "True").then_some(()))
        })
        .map_err(|error| error.context(self.parts.kubelet_log()))
    }
}

/// Where the overlays are.
#[must_use]
pub fn overlay(name: &str) -> PathBuf {
    artifacts::root().join("deploy/kubernetes/overlays").join(name)
}

/// The compiled programs, built now when they are not there yet.
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

/// A line of progress. It goes to standard error itself: `eprintln!` would be swallowed by the test runner.
pub fn say(line: &str) {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let passed = START.get_or_init(Instant::now).elapsed().as_secs_f64();
    let _ = writeln!(std::io::stderr(), "cluster: {passed:6.1} s  {line}");
}
