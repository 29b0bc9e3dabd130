//! A pod in whose network clients run, with the addresses, names and routes that other pods of the cluster have.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use cluster::Cluster;
use testkit::engine::run;
use testkit::sandbox::NetworkNamespace;
use testkit::try_wait_for;

use crate::pods::pods;

const POD: &str = r#"
apiVersion: v1
kind: Pod
metadata:
  name: client
  labels: {app.kubernetes.io/name: client}
spec:
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  securityContext: {runAsNonRoot: true, runAsUser: 65534, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: client
      image: pause:1
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"#;

/// Runs a program in a mount namespace with the pod's resolv.conf, including its search list.
const WITH_POD_RESOLVER: &str = r#"mount --bind "$0" "$(readlink -f /etc/resolv.conf)" && exec "$@""#;

/// The client pod.
#[derive(Debug)]
pub(crate) struct ClientPod {
    process: u32,
    resolv_conf: PathBuf,
}

impl ClientPod {
    /// Starts it in the service's namespace, under the same restrictions.
    pub(crate) fn start(cluster: &Cluster) -> Result<Self> {
        let manifest = cluster.dir().join("client.yaml");
        fs::write(&manifest, POD)?;
        cluster.kubectl(&["apply", "--namespace=order-service", "-f", &manifest.to_string_lossy()])?;
        let pod = try_wait_for("the client pod", Duration::from_secs(60), || {
            Ok(pods(cluster, "app.kubernetes.io/name=client")?.into_iter().find(|pod| pod.ready))
        })?;
        let process = pod.process()?;
        let text = fs::read_to_string(format!("/proc/{process}/root/etc/resolv.conf"))?;
        ensure!(text.contains("order-service.svc.cluster.local"), "the pod has no search list:\n{text}");
        let resolv_conf = cluster.dir().join("client-resolv.conf");
        fs::write(&resolv_conf, text)?;
        Ok(Self { process, resolv_conf })
    }

    /// Its network, for threads to enter.
    pub(crate) fn network(&self) -> NetworkNamespace {
        NetworkNamespace::of_process(self.process)
    }

    /// Runs a program of this machine in the pod's network with the pod's resolv.conf; returns its standard output.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.process));
        command.args(["--", "unshare", "--mount", "sh", "-c", WITH_POD_RESOLVER]).arg(&self.resolv_conf);
        run(command.arg(program).args(arguments))
    }
}
