//! Private container engines, a Docker and a Podman, that end with their values.
//!
//! Each runs in a [`Sandbox`]. It shares no socket, directory, bridge, firewall rule or port with an engine that
//! already runs on this machine. Its containers end with the sandbox, even when this process is killed.
//!
//! Images and the build cache are kept for later runs, in `~/.cache/order-service/docker`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::artifacts;
use crate::process::Process;
use crate::sandbox::Sandbox;
use crate::wait::try_wait_for;

mod command;
mod data_dir;
mod images;
mod podman;

pub use command::run;
pub use podman::Podman;

use data_dir::DataDir;

/// A loaded machine with a cold disk starts dockerd slowly.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(120);

/// dockerd gives up where its containerd takes longer than 15 s, as it may while the disk is busy.
const MAX_STARTS: u32 = 3;
const CONTAINERD_TIMEOUT: &str = "timeout waiting for containerd to start";

/// The base image of the builds. It is created on this machine, so no registry is needed.
const BASE_IMAGE: &str = "debian:trixie-slim";

/// Above this size the build cache is pruned, in gigabytes. A cold build of all images takes about half of it. Docker's
/// own limit does not count layers that images share, which is nearly all of them.
const MAX_BUILD_CACHE_GB: f64 = 8.0;

/// `$1` is the sandbox's directory, `$2` the data directory.
const DOCKERD: &str = r#"
dockerd --config-file "$1/daemon.json" --data-root "$2" --exec-root "$1/exec" --pidfile "$1/pid" \
    --host "unix://$1/socket" &
wait
"#;

/// A Docker Engine with the containerd image store and the runtimes `crun` and `crun-slim`.
#[derive(Debug)]
pub struct Engine {
    // Fields are dropped in this order: the engine must end before its directories are removed.
    sandbox: Sandbox,
    data: DataDir,
    socket: PathBuf,
}

impl Engine {
    /// A running Docker Engine without containers, volumes and networks, with the image `debian:trixie-slim`.
    ///
    /// # Errors
    /// Without root, when a program is missing, or when the engine does not start; its log is in the error.
    pub fn docker() -> Result<Self> {
        let slim = write_crun_slim()?;
        let runtimes = format!(r#""crun": {{"path": "/usr/bin/crun"}}, "crun-slim": {{"path": "{}"}}"#, slim.display());
        let engine = Self::docker_with(&format!(
            r#"{{"features": {{"containerd-snapshotter": true}}, "runtimes": {{{runtimes}}}}}"#
        ))?;
        engine.ensure_base_image()?;
        Ok(engine)
    }

    /// A Docker Engine with another `daemon.json`, and without the base image.
    ///
    /// # Errors
    /// As [`Engine::docker`].
    pub fn docker_with(configuration: &str) -> Result<Self> {
        let mut starts = 1;
        loop {
            match Self::start(configuration) {
                Err(error) if starts < MAX_STARTS && format!("{error:#}").contains(CONTAINERD_TIMEOUT) => starts += 1,
                result => return result,
            }
        }
    }

    fn start(configuration: &str) -> Result<Self> {
        let data = DataDir::open("docker")?;
        let sandbox = Sandbox::builder("dockerd")?.uplink().main(DOCKERD).argument(data.path());
        fs::write(sandbox.dir().join("daemon.json"), configuration)?;
        let sandbox = sandbox.start()?;
        let engine = Self { socket: sandbox.dir().join("socket"), sandbox, data };
        engine.wait_until_started()?;
        engine.remove_leftovers()?;
        Ok(engine)
    }

    /// The sandbox that it runs in.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The URL of its socket, for `DOCKER_HOST`.
    #[must_use]
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// The directory of its images, volumes and build cache.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    /// A command of this machine that uses this engine, in the repository's root. It reaches published ports when the
    /// thread that starts it has entered the sandbox's network ([`Sandbox::enter_network`]).
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(artifacts::root()).env("DOCKER_HOST", self.host()).env_remove("DOCKER_CONTEXT");
        command
    }

    /// Runs `docker` and returns its standard output.
    ///
    /// # Errors
    /// When it fails, with its output.
    pub fn docker_cli(&self, arguments: &[&str]) -> Result<String> {
        run(self.command("docker").args(arguments))
    }

    /// The engine's log so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.sandbox.log()
    }

    fn wait_until_started(&self) -> Result<()> {
        try_wait_for("dockerd to start", STARTUP_TIMEOUT, || {
            ensure!(self.sandbox.is_running(), "dockerd has ended");
            Ok(self.docker_cli(&["version", "--format", "{{.Server.Version}}"]).ok().map(drop))
        })
        .with_context(|| self.log())
    }

    /// Removes the containers, volumes and networks of an engine that was killed, and the images of earlier runs whose
    /// tags are on newer ones.
    fn remove_leftovers(&self) -> Result<()> {
        let containers = self.docker_cli(&["ps", "--all", "--quiet"])?;
        for id in containers.split_whitespace() {
            self.docker_cli(&["rm", "--force", "--volumes", id])?;
        }
        self.docker_cli(&["volume", "prune", "--all", "--force"])?;
        self.docker_cli(&["network", "prune", "--force"])?;
        self.docker_cli(&["image", "prune", "--force"])?;
        self.prune_build_cache()
    }

    /// Removes what no build of the last two hours has used, where the cache has become too large.
    fn prune_build_cache(&self) -> Result<()> {
        let usage = self.docker_cli(&["buildx", "du"])?;
        let total = usage.lines().find_map(|line| line.strip_prefix("Total:")?.trim().strip_suffix("GB"));
        let gigabytes: f64 = total.map_or(Ok(0.0), str::parse).context("docker buildx du: no size")?;
        if gigabytes > MAX_BUILD_CACHE_GB {
            self.docker_cli(&["builder", "prune", "--all", "--force", "--filter", "until=2h"])?;
        }
        Ok(())
    }

    fn ensure_base_image(&self) -> Result<()> {
        if self.docker_cli(&["image", "inspect", BASE_IMAGE]).is_ok() {
            return Ok(());
        }
        let tar = self.sandbox.dir().join("base.tar");
        run(Command::new(artifacts::root().join("scripts/base-image.sh")).arg(&tar)).context("no base image")?;
        self.docker_cli(&["import", "--change", r#"CMD ["bash"]"#, &tar.display().to_string(), BASE_IMAGE])?;
        fs::remove_file(&tar)?;
        Ok(())
    }

    /// Starts `command` of this machine in the engine's network, for example a registry.
    ///
    /// # Errors
    /// When the program is missing.
    pub fn start_in_network(&self, command: &Command, log: &Path) -> Result<Process> {
        self.sandbox.start_in_network(command, log)
    }
}

/// Writes a program that is crun with the WasmEdge of `make runtime-slim`, which need not exist yet.
fn write_crun_slim() -> Result<PathBuf> {
    let (program, library) =
        (artifacts::target_dir().join("crun-slim"), artifacts::target_dir().join("runtime-slim/lib"));
    let text = format!("#!/bin/sh\nLD_LIBRARY_PATH='{}' exec /usr/bin/crun \"$@\"\n", library.display());
    fs::write(&program, text).with_context(|| format!("cannot write {}", program.display()))?;
    fs::set_permissions(&program, Permissions::from_mode(0o755))?;
    Ok(program)
}
