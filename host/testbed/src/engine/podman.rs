//! A Podman of its own: no service, only a store and a room in which its commands run.

use std::fs;
use std::process::Command;

use anyhow::Result;

use crate::artifacts;

use super::data::Data;
use super::output::run;
use super::room::Room;

/// Podman has no server: the room only has to stay open.
const START: &str = r#"
if grep -q ' /sys/fs/cgroup/unified cgroup2 ' /proc/self/mounts; then umount /sys/fs/cgroup/unified; fi
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm
touch "$1/ready"
while :; do sleep 60; done
"#;

/// Podman as root, in a room of its own.
#[derive(Debug)]
pub struct Podman {
    room: Room,
    data: Data,
}

impl Podman {
    /// An empty Podman.
    ///
    /// # Errors
    /// When this is not root or the room cannot be opened.
    pub fn start() -> Result<Self> {
        let data = Data::open("podman")?;
        let room = Room::open("podman", START, |dir| {
            fs::write(
                dir.join("containers.conf"),
                "[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n",
            )?;
            Ok(vec![dir.into()])
        })?;
        while !room.dir().join("ready").exists() {
            anyhow::ensure!(room.is_running(), "the room ended:\n{}", room.log());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let podman = Self { room, data };
        // What one that was killed left; the images stay.
        for kind in [&["pod", "rm"][..], &["rm"], &["volume", "rm"]] {
            podman.cli(&[kind, &["--all", "--force"]].concat())?;
        }
        podman.cli(&["secret", "rm", "--all"])?;
        Ok(podman)
    }

    /// The room it lives in.
    #[must_use]
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// `podman`, to be given arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = self.room.command("env");
        command.arg(format!("--chdir={}", artifacts::root().display()));
        command.arg(format!("CONTAINERS_CONF_OVERRIDE={}", self.room.dir().join("containers.conf").display()));
        command.arg("PODMAN_IGNORE_CGROUPSV1_WARNING=1");
        // Podman remembers the place of what is running and wants the same the next time; /run is the room's own.
        command.arg("podman").arg("--root").arg(self.data.path()).args(["--runroot", "/run/podman"]);
        command
    }

    /// Runs `podman` with `arguments`: what it wrote.
    ///
    /// # Errors
    /// When it fails, with its words.
    pub fn cli(&self, arguments: &[&str]) -> Result<String> {
        run(self.command().args(arguments))
    }
}
