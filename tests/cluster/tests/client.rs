//! A pod from whose network the service is asked, as other services of a cluster ask it: by its address, its names, its routes.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use cluster::Cluster;
use testkit::sandbox::NetworkNamespace;
use testkit::try_wait_for;

use crate::support::{pods, process_of};

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

/// In a mount namespace of its own: names are resolved as the pod's own file says, the search list included.
const WITH_ITS_NAMES: &str = r#"mount --bind "$0" "$(readlink -f /etc/resolv.conf)" && exec "$@""#;

/// The pod, seen as the process in it.
#[derive(Debug)]
pub(crate) struct ClientPod {
    process: u32,
    resolver: std::path::PathBuf,
}

impl ClientPod {
    /// Starts it in the service's namespace, under the same restrictions.
    pub(crate) fn start(cluster: &Cluster) -> Result<Self> {
        let manifest = cluster.dir().join("client.yaml");
        fs::write(&manifest, POD)?;
        cluster.kubectl(&["apply", "--namespace=order-service", "-f", &manifest.to_string_lossy()])?;
        let pod = try_wait_for("the client's pod", Duration::from_secs(60), || {
            Ok(pods(cluster, "app.kubernetes.io/name=client")?.into_iter().find(|pod| pod.ready))
        })?;
        let process = process_of(&pod)?;
        let names = fs::read_to_string(format!("/proc/{process}/root/etc/resolv.conf"))?;
        if !names.contains("order-service.svc.cluster.local") {
            bail!("the pod has no search list:\n{names}");
        }
        let resolver = cluster.dir().join("client-resolv.conf");
        fs::write(&resolver, names)?;
        Ok(Self { process, resolver })
    }

    /// Its network, for threads to enter.
    pub(crate) fn network(&self) -> NetworkNamespace {
        NetworkNamespace::of_process(self.process)
    }

    /// Runs a program of this machine in the pod's network, with its names: what it printed.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.process));
        command.args(["--", "unshare", "--mount", "sh", "-c", WITH_ITS_NAMES]).arg(&self.resolver);
        let output = command.arg(program).args(arguments).output().context("cannot run nsenter")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            bail!("`{program} {}` in the pod ended with {}:\n{said}", arguments.join(" "), output.status);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
