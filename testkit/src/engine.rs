//! Container engines as values: a Docker and a Podman of their own, which nothing survives when they are dropped.
//!
//! Each lives in a [`Room`]: namespaces of its own for processes, mounts and network. So it never meets an engine that runs
//! already: not its socket, its directories, its bridges, its firewall rules, its ports. The room's end is the end of everything
//! in it, containers included, also when this process is killed.
//!
//! Images and the build's cache are kept for the next time, under `~/.cache/order-service/docker`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::artifacts;
use crate::process::Process;

mod data;
mod images;
mod output;
mod podman;
mod room;

pub use output::run;
pub use podman::Podman;
pub use room::Room;

use data::Data;

/// How long the engine may take to come up; a loaded machine with a cold disk is slow.
const COMING_UP: Duration = Duration::from_secs(120);

/// The image that builds begin with, made on this machine: no registry is needed.
const BASE: &str = "debian:trixie-slim";

/// What the room runs. Where cgroup versions 1 and 2 are mixed, crun refuses to work: the second is out of its sight then.
const START: &str = r#"
set -eu
if grep -q ' /sys/fs/cgroup/unified cgroup2 ' /proc/self/mounts; then umount /sys/fs/cgroup/unified; fi
dockerd --config-file "$1/daemon.json" --data-root "$2" --exec-root "$1/exec" --pidfile "$1/pid" --host "unix://$1/socket" &
wait
"#;

/// A Docker Engine with the containerd image store and the runtime `crun`.
#[derive(Debug)]
pub struct Engine {
    // First: fields are dropped in this order, and the engine must be gone before its directories.
    room: Room,
    data: Data,
    socket: PathBuf,
}

impl Engine {
    /// A Docker Engine, up, without containers, volumes and networks, with the image `debian:trixie-slim`.
    ///
    /// # Errors
    /// When this is not root, a program is missing, or it does not come up; its log is in the error.
    pub fn docker() -> Result<Self> {
        let crun = r#""runtimes": {"crun": {"path": "/usr/bin/crun"}}"#;
        let engine = Self::docker_with(&format!(r#"{{"features": {{"containerd-snapshotter": true}}, {crun}}}"#))?;
        engine.have_base()?;
        Ok(engine)
    }

    /// The same with another `daemon.json`, and no image.
    ///
    /// # Errors
    /// As [`Engine::docker`].
    pub fn docker_with(configuration: &str) -> Result<Self> {
        let data = Data::open("docker")?;
        let room = Room::open("dockerd", START, |dir| {
            fs::write(dir.join("daemon.json"), configuration)?;
            Ok(vec![dir.into(), data.path().into()])
        })?;
        let engine = Self { socket: room.dir().join("socket"), room, data };
        engine.wait_until_up()?;
        engine.sweep()?;
        Ok(engine)
    }

    /// The room it lives in.
    #[must_use]
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// Its socket, as `DOCKER_HOST` has it.
    #[must_use]
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Where images, volumes and the build's cache are.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    /// A command of this machine that finds this engine, in the repository's root; started by a thread that is in the
    /// room ([`Room::enter`]) it also finds the published ports.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(artifacts::root()).env("DOCKER_HOST", self.host()).env_remove("DOCKER_CONTEXT");
        command
    }

    /// Runs `docker` with `arguments`: what it wrote.
    ///
    /// # Errors
    /// When it fails, with its words.
    pub fn docker_cli(&self, arguments: &[&str]) -> Result<String> {
        run(self.command("docker").args(arguments))
    }

    /// What the engine has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.room.log()
    }

    fn wait_until_up(&self) -> Result<()> {
        let deadline = Instant::now() + COMING_UP;
        while self.docker_cli(&["version", "--format", "{{.Server.Version}}"]).is_err() {
            if !self.room.is_running() || Instant::now() >= deadline {
                bail!("dockerd did not come up:\n{}", self.log());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// What an engine that was killed left in its data.
    fn sweep(&self) -> Result<()> {
        let left = self.docker_cli(&["ps", "--all", "--quiet"])?;
        for id in left.split_whitespace() {
            self.docker_cli(&["rm", "--force", "--volumes", id])?;
        }
        self.docker_cli(&["volume", "prune", "--all", "--force"])?;
        self.docker_cli(&["network", "prune", "--force"]).map(drop)
    }

    fn have_base(&self) -> Result<()> {
        if self.docker_cli(&["image", "inspect", BASE]).is_ok() {
            return Ok(());
        }
        let tar = self.room.dir().join("base.tar");
        run(Command::new(artifacts::root().join("scripts/base-image.sh")).arg(&tar)).context("no base image")?;
        self.docker_cli(&["import", "--change", r#"CMD ["bash"]"#, &tar.display().to_string(), BASE])?;
        fs::remove_file(&tar)?;
        Ok(())
    }

    /// Starts `command` of this machine in the engine's network, beside the engine: a registry for instance.
    ///
    /// # Errors
    /// When the program is not there.
    pub fn beside(&self, command: &Command, log: &Path) -> Result<Process> {
        self.room.start(command, log)
    }
}
