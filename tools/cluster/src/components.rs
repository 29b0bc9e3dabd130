//! The cluster's processes, started in the order of their dependencies.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use testkit::{Process, Sandbox, try_wait_for};

use crate::config::REGISTRY;
use crate::node::ADDRESS;
use crate::progress;

mod commands;

/// All processes; each ends on drop.
#[derive(Debug)]
pub struct Components {
    // Fields are dropped in this order: dependents first.
    core_dns: Process,
    kube_proxy: Process,
    kubelet: Process,
    scheduler: Process,
    controller_manager: Process,
    api_server: Process,
    containerd: Process,
    registry: Process,
    etcd: Process,
}

impl Components {
    /// Starts all of them with the compiled programs in `programs` and the configuration in the sandbox's directory.
    pub(crate) fn start(node: &Sandbox, programs: &Path) -> Result<Self> {
        let dir = node.dir();
        let start = |command: &Command, log: &str| Process::start(command, &dir.join(log));
        progress("starting etcd, the registry and containerd");
        let etcd = start(&commands::etcd(node), "etcd.log")?;
        let registry =
            start(node.command("docker-registry").arg("serve").arg(dir.join("registry.yml")), "registry.log")?;
        let containerd = start_containerd(node)?;
        wait_for_listener(node, &etcd, "etcd", "127.0.0.1:2379")?;
        progress("starting the API server");
        let api_server = start(&commands::api_server(node, programs), "api-server.log")?;
        wait_for_listener(node, &api_server, "the API server", &format!("{ADDRESS}:6443"))?;
        wait_for_api(node, &api_server)?;
        progress("starting controller manager, scheduler, kubelet, kube-proxy and CoreDNS");
        let controller_manager = start(&commands::controller_manager(node, programs), "controller-manager.log")?;
        let scheduler = start(&commands::scheduler(node, programs), "scheduler.log")?;
        wait_for_listener(node, &registry, "the registry", REGISTRY)?;
        let kubelet = start(&commands::kubelet(node, programs), "kubelet.log")?;
        let kube_proxy = start(&commands::configured(node, programs, "kube-proxy", "proxy.yaml"), "kube-proxy.log")?;
        let mut core_dns = node.command(programs.join("coredns"));
        let core_dns = start(core_dns.arg("-conf").arg(dir.join("Corefile")), "coredns.log")?;
        wait_for_listener(node, &core_dns, "CoreDNS", &format!("{ADDRESS}:53"))?;
        Ok(Self {
            core_dns,
            kube_proxy,
            kubelet,
            scheduler,
            controller_manager,
            api_server,
            containerd,
            registry,
            etcd,
        })
    }

    /// Kills containerd and starts another one.
    pub(crate) fn restart_containerd(&mut self, node: &Sandbox) -> Result<()> {
        self.containerd.kill();
        self.containerd = start_containerd(node)?;
        Ok(())
    }

    /// Checks that all of them are running.
    ///
    /// # Errors
    /// When one of them has ended; the end of its log is in the error.
    pub fn check_running(&self) -> Result<()> {
        let all = [
            ("CoreDNS", &self.core_dns),
            ("kube-proxy", &self.kube_proxy),
            ("kubelet", &self.kubelet),
            ("kube-scheduler", &self.scheduler),
            ("kube-controller-manager", &self.controller_manager),
            ("kube-apiserver", &self.api_server),
            ("containerd", &self.containerd),
            ("docker-registry", &self.registry),
            ("etcd", &self.etcd),
        ];
        all.into_iter().try_for_each(|(name, process)| check_process(process, name))
    }

    /// The end of the kubelet's log.
    #[must_use]
    pub fn kubelet_log(&self) -> String {
        end_of_log(&self.kubelet)
    }
}

fn start_containerd(node: &Sandbox) -> Result<Process> {
    let mut command = node.command("containerd");
    command.arg("--config").arg(node.dir().join("containerd.toml")).env("PATH", commands::path());
    let containerd = Process::start(&command, &node.dir().join("containerd.log"))?;
    let socket = node.path_outside("/run/containerd/containerd.sock");
    try_wait_for("containerd's socket", Duration::from_secs(30), || {
        check_process(&containerd, "containerd")?;
        Ok(socket.exists().then_some(()))
    })?;
    Ok(containerd)
}

fn wait_for_api(node: &Sandbox, api_server: &Process) -> Result<()> {
    let config = format!("--kubeconfig={}", node.dir().join("admin.kubeconfig").display());
    try_wait_for("the API server to be ready", Duration::from_secs(90), || {
        check_process(api_server, "kube-apiserver")?;
        Ok(node.run("kubectl", &[&config, "get", "--raw=/readyz"]).ok().map(drop))
    })
    .with_context(|| end_of_log(api_server))
}

/// Waits until `address` accepts connections in the node's network.
fn wait_for_listener(node: &Sandbox, process: &Process, name: &str, address: &str) -> Result<()> {
    let (network, address): (_, SocketAddr) = (node.network(), address.parse()?);
    try_wait_for(name, Duration::from_secs(60), || {
        check_process(process, name)?;
        let connected = network.run(|| Ok(TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()))?;
        Ok(connected.then_some(()))
    })
    .with_context(|| end_of_log(process))
}

fn check_process(process: &Process, name: &str) -> Result<()> {
    if process.is_running() {
        return Ok(());
    }
    bail!("{name} has ended:\n{}", end_of_log(process))
}

fn end_of_log(process: &Process) -> String {
    let log = process.log();
    let lines: Vec<&str> = log.lines().collect();
    lines.get(lines.len().saturating_sub(25)..).unwrap_or_default().join("\n")
}
