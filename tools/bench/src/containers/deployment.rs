//! The engine with the images, the database's container, and the variants of the service's container.

use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::engine::run;
use testkit::{Engine, machine, wait_until};

use crate::{http, print_line};

const NETWORK: &str = "bench";
const DATABASE: &str = "bench-database";

/// The time that a container may take to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// The timeout of one request while a container starts.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The service in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContainerVariant {
    Aot,
    Interpreter,
    NativeCrun,
    NativeRunc,
}

impl ContainerVariant {
    /// In the order of the tables.
    pub(super) const ALL: [Self; 4] = [Self::Aot, Self::Interpreter, Self::NativeCrun, Self::NativeRunc];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Aot => "AOT, crun",
            Self::Interpreter => "interpreter, crun",
            Self::NativeCrun => "native, crun",
            Self::NativeRunc => "native, runc",
        }
    }

    fn image(self) -> &'static str {
        match self {
            Self::Aot => "order-service:aot",
            Self::Interpreter => "order-service:wasm",
            Self::NativeCrun | Self::NativeRunc => "order-service:native",
        }
    }

    /// The options of `docker run` that differ between variants.
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Aot | Self::Interpreter => {
                &["--platform=wasi/wasm", "--runtime=crun", "--annotation=run.oci.handler=wasm"]
            }
            Self::NativeCrun => &["--runtime=crun"],
            Self::NativeRunc => &["--runtime=runc"],
        }
    }
}

/// A private engine, removed on drop. The thread that starts it is in its network namespace from then on.
#[derive(Debug)]
pub(super) struct Deployment {
    engine: Engine,
}

impl Deployment {
    /// Starts the engine, builds missing images and starts the database.
    pub(super) fn start() -> Result<Self> {
        print_line("starting an engine with its images and a database …");
        let deployment = Self { engine: Engine::docker()? };
        deployment.engine.sandbox().enter_network()?;
        deployment.engine.image_script(&["build", "aot", "wasm", "native"])?;
        deployment.engine.image_script(&["helper", "mariadb"])?;
        deployment.docker(&["network", "create", NETWORK])?;
        deployment.start_database()?;
        Ok(deployment)
    }

    fn start_database(&self) -> Result<()> {
        let network = format!("--network={NETWORK}");
        let variables = ["--env=MARIADB_DATABASE=orders", "--env=MARIADB_USER=orders", "--env=MARIADB_PASSWORD=bench"];
        let name = format!("--name={DATABASE}");
        self.docker(&[&["run", "--detach", &name, &network][..], &variables, &["orders-mariadb"]].concat())?;
        let healthy =
            wait_until("the database", READY_TIMEOUT, || self.docker(&["exec", DATABASE, "healthcheck.sh"]).is_ok());
        healthy.with_context(|| self.log(DATABASE))
    }

    /// Runs `docker` with `arguments`; returns its output.
    pub(super) fn docker(&self, arguments: &[&str]) -> Result<String> {
        self.engine.docker_cli(arguments)
    }

    /// A command of this machine that uses the engine.
    pub(super) fn command(&self, program: &str) -> Command {
        self.engine.command(program)
    }

    /// `docker run` with the restrictions of deploy/: no capabilities, read-only, 128 MB.
    pub(super) fn run(&self, variant: ContainerVariant, name: &str, options: &[&str]) -> Command {
        let mut command = self.engine.command("docker");
        command.args(["run", "--detach", &format!("--name={name}"), &format!("--network={NETWORK}")]);
        command.args(["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--memory=128m"]);
        command.arg(format!("--env=DATABASE_URL=mysql://orders:bench@{DATABASE}:3306/orders"));
        command.args(["--env=LOG_LEVEL=warn"]).args(variant.options()).args(options).arg(variant.image());
        command
    }

    /// Waits until `/ready`, which queries the database, responds with 200.
    pub(super) fn wait_until_ready(&self, name: &str, address: SocketAddr) -> Result<()> {
        let ready = wait_until("/ready", READY_TIMEOUT, || http::is_ok_at(address, "/ready", REQUEST_TIMEOUT));
        ready.with_context(|| self.log(name))
    }

    /// The container's output, for messages.
    pub(super) fn log(&self, name: &str) -> String {
        self.docker(&["logs", name]).unwrap_or_else(|error| format!("{error:#}"))
    }

    /// The container's address in the engine's network.
    pub(super) fn address(&self, name: &str) -> Result<SocketAddr> {
        let format = "--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let ip: IpAddr = self.docker(&["inspect", format, name])?.trim().parse().context("a container's address")?;
        Ok(SocketAddr::new(ip, 8080))
    }

    /// The text of `/proc/PID/cgroup` of the container's first process.
    pub(super) fn cgroup(&self, name: &str) -> Result<String> {
        let pid = self.docker(&["inspect", "--format={{.State.Pid}}", name])?;
        run(self.engine.sandbox().command("cat").arg(format!("/proc/{}/cgroup", pid.trim())))
    }

    /// Removes containers.
    pub(super) fn remove(&self, names: &[String]) -> Result<()> {
        let names = names.iter().map(String::as_str);
        self.docker(&["rm", "--force"].into_iter().chain(names).collect::<Vec<_>>()).map(drop)
    }

    /// The size of all blobs of an image.
    pub(super) fn compressed_bytes(&self, target: &str) -> Result<f64> {
        let output = self.engine.image_script(&["size", target])?;
        let bytes = output.split_whitespace().nth(1).and_then(|figure| figure.parse().ok());
        bytes.with_context(|| format!("image.sh printed {output}"))
    }

    /// The versions of all programs that take part, for the page.
    pub(super) fn versions(&self) -> Result<[String; 4]> {
        let database = self.docker(&["exec", DATABASE, "mariadbd", "--version"])?;
        Ok([
            format!("engine: Docker {}", self.docker(&["version", "--format={{.Server.Version}}"])?.trim()),
            format!(
                "runtimes: {}, {}",
                machine::first_line("crun", &["--version"])?,
                machine::first_line("runc", &["--version"])?
            ),
            format!("wasm: {}", machine::first_line("wasmedge", &["--version"])?),
            format!("database: MariaDB {}", database.split_whitespace().nth(2).unwrap_or_default()),
        ])
    }
}
