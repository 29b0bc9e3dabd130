//! The components' command lines.

use std::path::Path;
use std::process::Command;

use testkit::Sandbox;

use crate::config::NODE;
use crate::node::ADDRESS;

/// The address range of Services.
const SERVICE_RANGE: &str = "10.96.0.0/16";

pub(super) fn etcd(node: &Sandbox) -> Command {
    let mut command = node.command("etcd");
    command.arg("--data-dir").arg(node.dir().join("etcd"));
    command.args(["--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379"]);
    command.args(["--listen-peer-urls=http://127.0.0.1:2380", "--initial-advertise-peer-urls=http://127.0.0.1:2380"]);
    // The data need not survive a power failure.
    command.args(["--initial-cluster=default=http://127.0.0.1:2380", "--unsafe-no-fsync", "--log-level=warn"]);
    command
}

pub(super) fn api_server(node: &Sandbox, programs: &Path) -> Command {
    let key = node.dir().join("service-accounts.key").display().to_string();
    let mut command = node.command(programs.join("kube-apiserver"));
    command.args([
        "--etcd-servers=http://127.0.0.1:2379".into(),
        format!("--advertise-address={ADDRESS}"),
        format!("--cert-dir={}", node.dir().join("certificates").display()),
        format!("--service-cluster-ip-range={SERVICE_RANGE}"),
        "--service-account-issuer=https://kubernetes.default.svc".into(),
        format!("--service-account-key-file={key}"),
        format!("--service-account-signing-key-file={key}"),
        format!("--token-auth-file={}", node.dir().join("tokens.csv").display()),
        "--authorization-mode=Node,RBAC".into(),
        "--kubelet-preferred-address-types=InternalIP".into(),
    ]);
    command
}

pub(super) fn controller_manager(node: &Sandbox, programs: &Path) -> Command {
    let mut command = node.command(programs.join("kube-controller-manager"));
    command.arg("--kubeconfig").arg(node.dir().join("controller-manager.kubeconfig"));
    command.arg("--service-account-private-key-file").arg(node.dir().join("service-accounts.key"));
    command.arg("--root-ca-file").arg(node.dir().join("certificates/apiserver.crt"));
    command.args(["--use-service-account-credentials", "--leader-elect=false", "--bind-address=127.0.0.1"]);
    command
}

pub(super) fn scheduler(node: &Sandbox, programs: &Path) -> Command {
    let mut command = node.command(programs.join("kube-scheduler"));
    command.arg("--kubeconfig").arg(node.dir().join("scheduler.kubeconfig"));
    command.args(["--leader-elect=false", "--bind-address=127.0.0.1"]);
    command
}

pub(super) fn kubelet(node: &Sandbox, programs: &Path) -> Command {
    let mut command = configured(node, programs, "kubelet", "kubelet.yaml");
    command
        .arg("--kubeconfig")
        .arg(node.dir().join("kubelet.kubeconfig"))
        .arg("--cert-dir")
        .arg(node.dir().join("kubelet"));
    command.args([format!("--hostname-override={NODE}"), format!("--node-ip={ADDRESS}")]).env("PATH", path());
    command
}

pub(super) fn configured(node: &Sandbox, programs: &Path, program: &str, file: &str) -> Command {
    let mut command = node.command(programs.join(program));
    command.arg("--config").arg(node.dir().join(file)).env("PATH", path());
    command
}

/// On Debian, a user's PATH lacks the directories of servers and network tools.
pub(super) fn path() -> String {
    format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}
