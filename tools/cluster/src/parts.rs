//! The processes of a cluster, in the order in which they need each other.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use testkit::Process;

use crate::files::{NODE, REGISTRY};
use crate::machine::{ADDRESS, Machine, Network};
use crate::{say, wait};

/// The addresses of Services.
const SERVICES: &str = "10.96.0.0/16";

/// All of them; each ends on drop.
#[derive(Debug)]
pub struct Parts {
    // Dropped in this order: those that others need go last.
    names: Process,
    proxy: Process,
    kubelet: Process,
    scheduler: Process,
    controllers: Process,
    api: Process,
    containerd: Process,
    registry: Process,
    etcd: Process,
}

impl Parts {
    /// Starts everything, with the programs of `programs` and the files of `dir`.
    pub(crate) fn start(machine: &Machine, programs: &Path, dir: &Path) -> Result<Self> {
        let start = |command: &Command, log: &str| Process::start(command, &dir.join(log));
        let network = machine.network();
        say("starting etcd, the registry and containerd");
        let etcd = start(&etcd(machine, dir), "etcd.log")?;
        let registry =
            start(machine.command("docker-registry").arg("serve").arg(dir.join("registry.yml")), "registry.log")?;
        let containerd = start_containerd(machine, dir)?;
        listens(&network, &etcd, "etcd", "127.0.0.1:2379")?;
        say("starting the API server");
        let api = start(&api_server(machine, programs, dir), "api.log")?;
        listens(&network, &api, "the API server", &format!("{ADDRESS}:6443"))?;
        api_is_ready(machine, &api, dir)?;
        say("starting controllers, scheduler, kubelet, proxy and CoreDNS");
        let controllers = start(&controller_manager(machine, programs, dir), "controllers.log")?;
        let scheduler = start(&scheduler(machine, programs, dir), "scheduler.log")?;
        listens(&network, &registry, "the registry", REGISTRY)?;
        let kubelet = start(&kubelet(machine, programs, dir), "kubelet.log")?;
        let proxy = start(&configured(machine, programs, dir, "kube-proxy", "proxy.yaml"), "proxy.log")?;
        let names =
            start(machine.command(programs.join("coredns")).arg("-conf").arg(dir.join("Corefile")), "names.log")?;
        listens(&network, &names, "CoreDNS", &format!("{ADDRESS}:53"))?;
        Ok(Self { names, proxy, kubelet, scheduler, controllers, api, containerd, registry, etcd })
    }

    /// Kills containerd and starts it anew.
    pub(crate) fn restart_containerd(&mut self, machine: &Machine, dir: &Path) -> Result<()> {
        self.containerd.kill();
        self.containerd = start_containerd(machine, dir)?;
        Ok(())
    }

    /// # Errors
    /// When one of them has ended; its last words are in the error.
    pub fn all_run(&self) -> Result<()> {
        let all = [
            ("CoreDNS", &self.names),
            ("kube-proxy", &self.proxy),
            ("kubelet", &self.kubelet),
            ("kube-scheduler", &self.scheduler),
            ("kube-controller-manager", &self.controllers),
            ("kube-apiserver", &self.api),
            ("containerd", &self.containerd),
            ("docker-registry", &self.registry),
            ("etcd", &self.etcd),
        ];
        all.into_iter().try_for_each(|(name, process)| runs(process, name))
    }

    /// What the kubelet said last.
    #[must_use]
    pub fn kubelet_log(&self) -> String {
        last_lines(&self.kubelet)
    }
}

fn etcd(machine: &Machine, dir: &Path) -> Command {
    let mut command = machine.command("etcd");
    command.arg("--data-dir").arg(dir.join("etcd"));
    command.args(["--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379"]);
    command.args(["--listen-peer-urls=http://127.0.0.1:2380", "--initial-advertise-peer-urls=http://127.0.0.1:2380"]);
    // What survives a power cut is not what is tested.
    command.args(["--initial-cluster=default=http://127.0.0.1:2380", "--unsafe-no-fsync", "--log-level=warn"]);
    command
}

fn start_containerd(machine: &Machine, dir: &Path) -> Result<Process> {
    let mut command = machine.command("containerd");
    command.arg("--config").arg(dir.join("containerd.toml")).env("PATH", path());
    let containerd = Process::start(&command, &dir.join("containerd.log"))?;
    let socket = machine.outside("/run/containerd/containerd.sock");
    wait::until("containerd's socket", Duration::from_secs(30), || {
        runs(&containerd, "containerd")?;
        Ok(socket.exists().then_some(()))
    })?;
    Ok(containerd)
}

fn api_server(machine: &Machine, programs: &Path, dir: &Path) -> Command {
    let key = dir.join("service-accounts.key").display().to_string();
    let mut command = machine.command(programs.join("kube-apiserver"));
    command.args([
        "--etcd-servers=http://127.0.0.1:2379".into(),
        format!("--advertise-address={ADDRESS}"),
        format!("--cert-dir={}", dir.join("certificates").display()),
        format!("--service-cluster-ip-range={SERVICES}"),
        "--service-account-issuer=https://kubernetes.default.svc".into(),
        format!("--service-account-key-file={key}"),
        format!("--service-account-signing-key-file={key}"),
        format!("--token-auth-file={}", dir.join("tokens.csv").display()),
        "--authorization-mode=Node,RBAC".into(),
        "--kubelet-preferred-address-types=InternalIP".into(),
    ]);
    command
}

fn controller_manager(machine: &Machine, programs: &Path, dir: &Path) -> Command {
    let mut command = machine.command(programs.join("kube-controller-manager"));
    command.arg("--kubeconfig").arg(dir.join("controller-manager.kubeconfig"));
    command.arg("--service-account-private-key-file").arg(dir.join("service-accounts.key"));
    command.arg("--root-ca-file").arg(dir.join("certificates/apiserver.crt"));
    command.args(["--use-service-account-credentials", "--leader-elect=false", "--bind-address=127.0.0.1"]);
    command
}

fn scheduler(machine: &Machine, programs: &Path, dir: &Path) -> Command {
    let mut command = machine.command(programs.join("kube-scheduler"));
    command.arg("--kubeconfig").arg(dir.join("scheduler.kubeconfig"));
    command.args(["--leader-elect=false", "--bind-address=127.0.0.1"]);
    command
}

fn kubelet(machine: &Machine, programs: &Path, dir: &Path) -> Command {
    let mut command = configured(machine, programs, dir, "kubelet", "kubelet.yaml");
    command.arg("--kubeconfig").arg(dir.join("kubelet.kubeconfig")).arg("--cert-dir").arg(dir.join("kubelet"));
    command.args([format!("--hostname-override={NODE}"), format!("--node-ip={ADDRESS}")]).env("PATH", path());
    command
}

fn configured(machine: &Machine, programs: &Path, dir: &Path, program: &str, file: &str) -> Command {
    let mut command = machine.command(programs.join(program));
    command.arg("--config").arg(dir.join(file)).env("PATH", path());
    command
}

/// A user's PATH has no room for servers and network tools on Debian.
fn path() -> String {
    format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

fn api_is_ready(machine: &Machine, api: &Process, dir: &Path) -> Result<()> {
    let config = format!("--kubeconfig={}", dir.join("admin.kubeconfig").display());
    wait::until("the API server to be ready", Duration::from_secs(90), || {
        runs(api, "kube-apiserver")?;
        Ok(machine.run("kubectl", &[&config, "get", "--raw=/readyz"]).ok().map(drop))
    })
    .map_err(|error| error.context(last_lines(api)))
}

/// Waits until something accepts connections at `address` in the cluster's network.
fn listens(network: &Network, process: &Process, name: &str, address: &str) -> Result<()> {
    let address: SocketAddr = address.parse().context("an address of ours")?;
    wait::until(name, Duration::from_secs(60), || {
        runs(process, name)?;
        Ok(connects(network, address)?.then_some(()))
    })
    .map_err(|error| error.context(last_lines(process)))
}

/// From a thread of its own: this one stays in the network that it is in.
fn connects(network: &Network, address: SocketAddr) -> Result<bool> {
    let network = network.clone();
    let attempt = thread::spawn(move || {
        network.enter()?;
        Ok(TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok())
    });
    attempt.join().unwrap_or_else(|_| bail!("the thread that connects has panicked"))
}

fn runs(process: &Process, name: &str) -> Result<()> {
    if process.is_running() {
        return Ok(());
    }
    bail!("{name} has ended:\n{}", last_lines(process))
}

fn last_lines(process: &Process) -> String {
    let log = process.log();
    let lines: Vec<&str> = log.lines().collect();
    lines.get(lines.len().saturating_sub(25)..).unwrap_or_default().join("\n")
}
