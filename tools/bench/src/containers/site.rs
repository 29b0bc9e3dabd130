//! The engine with the images, the database's container, and who is compared on it.

use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testkit::Engine;
use testkit::engine::run;
use testkit::machine;

use crate::{http, say};

const NETWORK: &str = "bench";
const DATABASE: &str = "bench-database";
/// The longest that anything may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);

/// The service in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contained {
    Aot,
    Interpreted,
    NativeCrun,
    NativeRunc,
}

impl Contained {
    /// All of them, in the order of the tables.
    pub(super) const ALL: [Self; 4] = [Self::Aot, Self::Interpreted, Self::NativeCrun, Self::NativeRunc];

    fn image(self) -> &'static str {
        match self {
            Self::Aot => "order-service:aot",
            Self::Interpreted => "order-service:wasm",
            Self::NativeCrun | Self::NativeRunc => "order-service:native",
        }
    }

    /// What `docker run` is told besides what all are told.
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Aot | Self::Interpreted => {
                &["--platform=wasi/wasm", "--runtime=crun", "--annotation=run.oci.handler=wasm"]
            }
            Self::NativeCrun => &["--runtime=crun"],
            Self::NativeRunc => &["--runtime=runc"],
        }
    }
}

/// The engine, in whose network this thread is afterwards. All of it goes with this value.
#[derive(Debug)]
pub(super) struct Site {
    engine: Engine,
}

impl Site {
    /// Starts the engine, builds what is missing, starts the database.
    pub(super) fn open() -> Result<Self> {
        say("an engine, its images and a database …");
        let site = Self { engine: Engine::docker()? };
        site.engine.sandbox().enter_network()?;
        site.engine.image_script(&["build", "aot", "wasm", "native"])?;
        site.engine.image_script(&["helper", "mariadb"])?;
        site.docker(&["network", "create", NETWORK])?;
        site.start_database()?;
        Ok(site)
    }

    fn start_database(&self) -> Result<()> {
        let network = format!("--network={NETWORK}");
        let variables = ["--env=MARIADB_DATABASE=orders", "--env=MARIADB_USER=orders", "--env=MARIADB_PASSWORD=bench"];
        let name = format!("--name={DATABASE}");
        self.docker(&[&["run", "--detach", &name, &network][..], &variables, &["orders-mariadb"]].concat())?;
        let start = Instant::now();
        while self.docker(&["exec", DATABASE, "healthcheck.sh"]).is_err() {
            ensure!(start.elapsed() < PATIENCE, "no database:\n{}", self.docker(&["logs", DATABASE])?);
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Runs `docker` with `arguments`: what it wrote.
    pub(super) fn docker(&self, arguments: &[&str]) -> Result<String> {
        self.engine.docker_cli(arguments)
    }

    /// A program of this machine that finds the engine.
    pub(super) fn command(&self, program: &str) -> Command {
        self.engine.command(program)
    }

    /// `docker run` of one, as deploy/ has it: no rights, read-only, 128 MB.
    pub(super) fn run(&self, who: Contained, name: &str, more: &[&str]) -> Command {
        let mut command = self.engine.command("docker");
        command.args(["run", "--detach", &format!("--name={name}"), &format!("--network={NETWORK}")]);
        command.args(["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--memory=128m"]);
        command.arg(format!("--env=DATABASE_URL=mysql://orders:bench@{DATABASE}:3306/orders"));
        command.args(["--env=LOG_LEVEL=warn"]).args(who.options()).args(more).arg(who.image());
        command
    }

    /// Waits for 200 from `/ready`, which asks the database.
    pub(super) fn wait_until_ready(&self, name: &str, address: SocketAddr) -> Result<()> {
        let start = Instant::now();
        while !http::is_served_at(address, "/ready", Duration::from_secs(5)) {
            ensure!(start.elapsed() < PATIENCE, "{name} is not ready:\n{}", self.docker(&["logs", name])?);
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Where the container listens on the engine's network.
    pub(super) fn address(&self, name: &str) -> Result<SocketAddr> {
        let format = "--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let ip: IpAddr = self.docker(&["inspect", format, name])?.trim().parse().context("a container's address")?;
        Ok(SocketAddr::new(ip, 8080))
    }

    /// The control groups of the container's first process: its `/proc/PID/cgroup`.
    pub(super) fn groups(&self, name: &str) -> Result<String> {
        let pid = self.docker(&["inspect", "--format={{.State.Pid}}", name])?;
        run(self.engine.sandbox().command("cat").arg(format!("/proc/{}/cgroup", pid.trim())))
    }

    /// Ends containers.
    pub(super) fn remove(&self, names: &[String]) -> Result<()> {
        let names = names.iter().map(String::as_str);
        self.docker(&["rm", "--force"].into_iter().chain(names).collect::<Vec<_>>()).map(drop)
    }

    /// All blobs of an image.
    pub(super) fn compressed_bytes(&self, target: &str) -> Result<f64> {
        let said = self.engine.image_script(&["size", target])?;
        let bytes = said.split_whitespace().nth(1).and_then(|figure| figure.parse().ok());
        bytes.with_context(|| format!("image.sh said {said}"))
    }

    /// What is compared with what, for the page.
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
