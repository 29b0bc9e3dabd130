//! Commands to the API server.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::engine::run;

use crate::Cluster;

impl Cluster {
    /// The command `kubectl` as administrator, in the namespace `order-service`.
    #[must_use]
    pub fn kubectl_command(&self) -> Command {
        let mut command = self.node.command("kubectl");
        command.arg("--kubeconfig").arg(self.kubeconfig()).arg("--cache-dir").arg(self.dir().join("kubectl"));
        command
    }

    /// Runs `kubectl` and returns its standard output.
    ///
    /// # Errors
    /// When it fails, with its output.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        run(self.kubectl_command().args(arguments))
    }

    /// `kubectl apply -k` of a directory.
    ///
    /// # Errors
    /// When the API rejects an object.
    pub fn apply(&self, directory: &Path) -> Result<String> {
        self.kubectl(&["apply", "-k", &directory.to_string_lossy()])
    }

    /// Applies a manifest given as text.
    ///
    /// # Errors
    /// When the API rejects it.
    pub fn apply_text(&self, manifest: &str) -> Result<String> {
        let path = self.dir().join("manifest.yaml");
        fs::write(&path, manifest)?;
        self.kubectl(&["apply", "-f", &path.to_string_lossy()])
    }

    /// Waits until a rollout is complete.
    ///
    /// # Errors
    /// When it takes longer than `timeout`; the state of the pods is in the error.
    pub fn wait_for_rollout(&self, workload: &str, timeout: Duration) -> Result<()> {
        let timeout = format!("--timeout={}s", timeout.as_secs());
        let status = self.kubectl(&["rollout", "status", workload, &timeout]);
        status.map(drop).with_context(|| self.describe())
    }

    /// The state for a failure report: pods, events, the ends of their logs.
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

    /// Creates a PersistentVolume in the cluster's directory. The cluster has no dynamic provisioner.
    ///
    /// # Errors
    /// When the directory cannot be created or the API rejects the volume.
    pub fn create_volume(&self, name: &str) -> Result<()> {
        let path = self.dir().join("volumes").join(name);
        fs::create_dir_all(&path)?;
        // For any user that a pod runs as: the kubelet does not change the owner of a host path.
        run(Command::new("chmod").arg("0777").arg(&path))?;
        self.apply_text(&format!(
            "apiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: {name}}}\nspec:\n  capacity: {{storage: 1Gi}}\n  \
             accessModes: [ReadWriteOnce]\n  hostPath: {{path: {}}}\n",
            path.display()
        ))?;
        Ok(())
    }
}
