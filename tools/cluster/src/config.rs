//! The configuration files of the cluster's components.

use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use testkit::engine::run;

use crate::node::ADDRESS;

/// The registry's address, on the node.
pub const REGISTRY: &str = "10.99.0.1:5000";
/// The node's name.
pub const NODE: &str = "node";

/// The API's users: name, groups, and the name of the kubeconfig.
const USERS: [(&str, &str, &str); 5] = [
    ("admin", "system:masters", "admin"),
    ("system:kube-controller-manager", "", "controller-manager"),
    ("system:kube-scheduler", "", "scheduler"),
    ("system:kube-proxy", "", "proxy"),
    ("system:node:node", "system:nodes", "kubelet"),
];

/// Writes all files to `dir`. Only this user may read that directory: the tokens in it grant administrator access.
///
/// # Errors
/// When a file cannot be written, or `openssl` is missing.
pub(crate) fn write(dir: &Path) -> Result<()> {
    let write = |name: &str, text: &str| {
        let path = dir.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write("resolv.conf", &resolver("order-service"))?;
    // Pods resolve the cluster's names only.
    write("no-resolv.conf", "options timeout:1\n")?;
    write("registry.yml", &registry(dir))?;
    write("hosts/_default/hosts.toml", &mirror())?;
    write("cni/10-pods.conflist", NETWORK)?;
    write("containerd.toml", &containerd(dir))?;
    write("Corefile", &core_dns(dir))?;
    write("proxy.yaml", &kube_proxy(dir))?;
    let mut tokens = String::new();
    for (user, groups, file) in USERS {
        let token = token()?;
        writeln!(tokens, "{token},{user},{file},\"{groups}\"")?;
        write(&format!("{file}.kubeconfig"), &kubeconfig(file, &token))?;
    }
    write("tokens.csv", &tokens)?;
    let key = dir.join("service-accounts.key");
    run(std::process::Command::new("openssl").args(["genrsa", "-out"]).arg(&key).arg("2048"))?;
    Ok(())
}

/// A random token: `make cluster` publishes the API on a port that every user of this machine reaches.
fn token() -> Result<String> {
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes)).context("no random bytes")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The node resolves names as a pod in `namespace` does.
fn resolver(namespace: &str) -> String {
    format!(
        "nameserver {ADDRESS}\n\
         search {namespace}.svc.cluster.local svc.cluster.local cluster.local\n\
         options ndots:5 timeout:1\n"
    )
}

fn registry(dir: &Path) -> String {
    format!(
        "version: 0.1\n\
         log: {{level: warn}}\n\
         storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
         http: {{addr: \"{REGISTRY}\"}}\n",
        dir.join("registry").display()
    )
}

/// containerd pulls every image from the cluster's registry, independent of the host in its name.
fn mirror() -> String {
    format!("server = \"http://{REGISTRY}\"\n[host.\"http://{REGISTRY}\"]\n  capabilities = [\"pull\", \"resolve\"]\n")
}

/// Traffic between pods on the node is routed. With a bridge, responses would bypass the rules of Services.
const NETWORK: &str = r#"{
  "cniVersion": "1.0.0",
  "name": "pods",
  "plugins": [
    {
      "type": "ptp",
      "ipMasq": false,
      "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/20"}]], "routes": [{"dst": "0.0.0.0/0"}]}
    }
  ]
}
"#;

fn containerd(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        r#"version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "pause:1"
  # Inside a container the kernel refuses a lower value than the container's own.
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "{dir}/cni"
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "{dir}/hosts"
[plugins."io.containerd.grpc.v1.cri".containerd]
  default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun]
  runtime_type = "io.containerd.runc.v2"
  pod_annotations = ["module.wasm.image/*"]
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun.options]
  BinaryName = "crun"
"#
    )
}

fn core_dns(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        r".:53 {{
  errors
  ready :8181
  kubernetes cluster.local in-addr.arpa {{
    kubeconfig {dir}/admin.kubeconfig
    ttl 1
  }}
}}
"
    )
}

fn kube_proxy(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        r"apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {{kubeconfig: {dir}/proxy.kubeconfig}}
hostnameOverride: {NODE}
mode: nftables
nftables: {{minSyncPeriod: 100ms}}
conntrack: {{maxPerCore: 0}}
"
    )
}

/// The kubelet's configuration, for pods below control group `cgroup`.
pub(crate) fn kubelet(dir: &Path, cgroup: &str) -> String {
    let dir = dir.display();
    format!(
        r#"apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {{anonymous: {{enabled: true}}, webhook: {{enabled: false}}}}
authorization: {{mode: AlwaysAllow}}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /{cgroup}
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
# A full disk of this machine must not evict pods.
evictionHard:
  memory.available: 1Mi
  nodefs.available: 0%
  nodefs.inodesFree: 0%
  imagefs.available: 0%
  imagefs.inodesFree: 0%
imageGCHighThresholdPercent: 100
clusterDNS: ["{ADDRESS}"]
clusterDomain: cluster.local
resolvConf: {dir}/no-resolv.conf
serializeImagePulls: false
"#
    )
}

/// Access to the API with the `token` of `user`. The traffic stays in the sandbox, so clients verify no certificate.
fn kubeconfig(user: &str, token: &str) -> String {
    format!(
        r#"apiVersion: v1
kind: Config
clusters: [{{name: here, cluster: {{server: "https://{ADDRESS}:6443", insecure-skip-tls-verify: true}}}}]
users: [{{name: "{user}", user: {{token: "{token}"}}}}]
contexts: [{{name: here, context: {{cluster: here, user: "{user}", namespace: order-service}}}}]
current-context: here
"#
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn tokens_are_long_and_differ() {
        let tokens = [token().unwrap(), token().unwrap()];
        assert_ne!(tokens[0], tokens[1]);
        assert!(tokens.iter().all(|token| token.len() == 32), "{tokens:?}");
    }
}
