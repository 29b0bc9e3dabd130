//! A service with its own files in `/etc`, as in a container built from scratch.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::ensure;
use testkit::{Process, Service, TempDir, ports, try_wait_for};

use crate::{Client, RawConnection};

/// A service in a mount namespace of its own.
pub struct NamespacedService {
    process: Process,
    address: SocketAddr,
    dir: TempDir,
}

impl NamespacedService {
    /// Starts the service with these files and an empty `/etc/services`.
    pub fn start(database_url: &str, hosts: &str, resolv_conf: &str, env: &[(&str, &str)]) -> Self {
        Self::start_with("", database_url, hosts, resolv_conf, env)
    }

    /// The same with `http` in `/etc/services`. Without it the published binding resolves no name at all.
    pub fn start_with_services(database_url: &str, hosts: &str, resolv_conf: &str, env: &[(&str, &str)]) -> Self {
        Self::start_with("http 80/tcp\n", database_url, hosts, resolv_conf, env)
    }

    fn start_with(services: &str, database_url: &str, hosts: &str, resolv_conf: &str, env: &[(&str, &str)]) -> Self {
        let dir = TempDir::new().expect("a directory");
        // The default of the C library.
        let files = [
            ("hosts", hosts),
            ("resolv.conf", resolv_conf),
            ("nsswitch.conf", "hosts: files dns\n"),
            ("services", services),
        ];
        for (name, content) in files {
            std::fs::write(dir.path().join(name), content).expect("a file");
        }
        let port = ports::free().expect("a port");
        let builder = Service::builder().env("DATABASE_URL", database_url);
        let builder = env.iter().fold(builder, |builder, (name, value)| builder.env(*name, *value));
        let command = in_mount_namespace(&builder.command(port).expect("a command"), &dir);
        let process = Process::start(&command, &dir.path().join("log")).expect("a process");
        Self { process, address: ([127, 0, 0, 1], port).into(), dir }
    }

    /// Replaces the contents of its `/etc/hosts`.
    pub fn write_hosts(&self, content: &str) {
        // In place: the mount refers to this file.
        std::fs::write(self.dir.path().join("hosts"), content).expect("a file");
    }

    /// A client with connections of its own.
    pub fn client(&self) -> Client {
        Client::new(&format!("http://{}", self.address))
    }

    /// A new connection to the service.
    pub fn connect(&self) -> RawConnection {
        RawConnection::connect(self.address)
    }

    /// Waits until `GET path` returns 200.
    #[track_caller]
    pub fn wait_until_200(&self, path: &str, timeout: Duration) {
        let client = self.client();
        let waited = try_wait_for(&format!("200 from {path}"), timeout, || {
            ensure!(self.process.is_running(), "the service has ended");
            let response = client.try_send("GET", path, &[], None);
            Ok(response.is_ok_and(|response| response.status == 200).then_some(()))
        });
        waited.unwrap_or_else(|error| panic!("{error:#}:\n{}", self.process.log()));
    }

    /// Waits until the log contains `text`.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str, timeout: Duration) {
        let waited = testkit::wait_until("a line in the log", timeout, || self.process.log().contains(text));
        waited.unwrap_or_else(|error| panic!("{error:#} ({text:?}):\n{}", self.process.log()));
    }
}

/// A command that runs `inner` in a mount namespace with the directory's files in `/etc`.
fn in_mount_namespace(inner: &Command, dir: &TempDir) -> Command {
    let mounts = "mount --bind \"$0/services\" /etc/services && mount --bind \"$0/hosts\" /etc/hosts && \
                  mount --bind \"$0/resolv.conf\" /etc/resolv.conf && \
                  { [ ! -e /etc/nsswitch.conf ] || mount --bind \"$0/nsswitch.conf\" /etc/nsswitch.conf; } && \
                  exec \"$@\"";
    let mut outer = Command::new("unshare");
    outer
        .args(["--map-root-user", "--mount", "sh", "-c", mounts])
        .arg(dir.path())
        .arg(inner.get_program())
        .args(inner.get_args());
    outer.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    for (name, value) in inner.get_envs() {
        if let Some(value) = value {
            outer.env(name, value);
        }
    }
    outer
}

/// Set in the process that runs a test in its own network namespace namespace.
const INSIDE_VARIABLE: &str = "E2E_OWN_NETWORK";

/// Runs a test in a network namespace with only a loopback device, where every port is free. It starts this program
/// again for the test with this name.
pub fn in_own_network(name: &str, test: impl FnOnce()) {
    if std::env::var_os(INSIDE_VARIABLE).is_some() {
        return test();
    }
    let dir = TempDir::new().expect("a directory");
    let mut command = Command::new("unshare");
    let start = "ip link set lo up && exec \"$@\"";
    command.args(["--map-root-user", "--net", "sh", "-c", start, "sh"]);
    command
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE_VARIABLE, "1");
    let process = Process::start(&command, &dir.path().join("log")).expect("a process");
    let status = process.wait(Duration::from_secs(120));
    let log = process.log();
    println!("{log}");
    let passed = status.is_ok_and(|status| status.success()) && log.contains("test result: ok. 1 passed");
    assert!(passed, "in its own network namespace: {log}");
}
