//! A Podman of its own: no service, only a store and a room in which its commands run, as root or as a user without rights.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};

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

/// The same for a user that only the room knows of, with ids for the users in its containers. What systemd and udev would do
/// is done here: the user's run directory, a device for the network that anybody may open.
const START_ROOTLESS: &str = r#"
set -eu
if grep -q ' /sys/fs/cgroup/unified cgroup2 ' /proc/self/mounts; then umount /sys/fs/cgroup/unified; fi
mount -t tmpfs tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mknod -m 666 /run/tun c 10 200
mount --bind /run/tun /dev/net/tun
echo "somebody:x:$2:$2::$1/home:/bin/sh" >"$1/passwd"
echo "somebody:x:$2:" >"$1/group"
echo "somebody:$3:65536" | tee "$1/subuid" >"$1/subgid"
for file in passwd group subuid subgid; do
    ! [ -e /etc/$file ] || cat /etc/$file >>"$1/$file"
    mount --bind "$1/$file" /etc/$file
done
install -d -m 700 -o "$2" -g "$2" "/run/user/$2"
mount --make-rshared /
touch "$1/ready"
while :; do sleep 60; done
"#;

/// The user without rights, and the first of the 65,536 ids that it may give to its containers' users.
const SOMEBODY: u32 = 70_000;
const FIRST_OF_ITS_IDS: u32 = 200_000;

/// Podman in a room of its own.
#[derive(Debug)]
pub struct Podman {
    room: Room,
    /// Root's store, kept for the next time; somebody's is in the room's directory and goes with it.
    data: Option<Data>,
}

impl Podman {
    /// Podman as root, empty but for its images.
    ///
    /// # Errors
    /// When this is not root or the room cannot be opened.
    pub fn start() -> Result<Self> {
        let room = Room::open("podman", START, |dir| {
            configure(dir)?;
            Ok(vec![dir.into()])
        })?;
        let podman = Self { room, data: Some(Data::open("podman")?) };
        podman.wait_until_up()?;
        // What one that was killed left; the images stay.
        for kind in [&["pod", "rm"][..], &["rm"], &["volume", "rm"]] {
            podman.cli(&[kind, &["--all", "--force"]].concat())?;
        }
        podman.cli(&["secret", "rm", "--all"])?;
        Ok(podman)
    }

    /// Podman as a user without rights, empty.
    ///
    /// # Errors
    /// When this is not root, which makes the user, or the room cannot be opened.
    pub fn rootless() -> Result<Self> {
        let room = Room::open("podman", START_ROOTLESS, |dir| {
            configure(dir)?;
            fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
            fs::create_dir(dir.join("home"))?;
            chown(dir.join("home"), Some(SOMEBODY), Some(SOMEBODY))?;
            Ok(vec![dir.into(), SOMEBODY.to_string().into(), FIRST_OF_ITS_IDS.to_string().into()])
        })?;
        let podman = Self { room, data: None };
        podman.wait_until_up()?;
        Ok(podman)
    }

    /// The room it lives in.
    #[must_use]
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// A place for files that it is to read.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.room.dir().join(name)
    }

    /// `podman`, to be given arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        let override_ = format!("CONTAINERS_CONF_OVERRIDE={}", self.file("containers.conf").display());
        let common = [&override_, "PODMAN_IGNORE_CGROUPSV1_WARNING=1"];
        let Some(data) = &self.data else {
            let mut command = self.room.command("setpriv");
            command.args([format!("--reuid={SOMEBODY}"), format!("--regid={SOMEBODY}")]);
            let home = self.file("home").display().to_string();
            // As after a login: nothing of root's environment.
            command.args(["--clear-groups", "env", "--ignore-environment", &format!("--chdir={home}")]);
            command.args([format!("HOME={home}"), format!("XDG_RUNTIME_DIR=/run/user/{SOMEBODY}")]);
            command.args(["USER=somebody", "PATH=/usr/local/bin:/usr/bin:/bin"]);
            command.args(common).arg("podman");
            return command;
        };
        let mut command = self.room.command("env");
        command.arg(format!("--chdir={}", artifacts::root().display())).args(common);
        // Podman remembers the place of what is running and wants the same the next time; /run is the room's own.
        command.arg("podman").arg("--root").arg(data.path()).args(["--runroot", "/run/podman"]);
        command
    }

    /// Runs `podman` with `arguments`: what it wrote.
    ///
    /// # Errors
    /// When it fails, with its words.
    pub fn cli(&self, arguments: &[&str]) -> Result<String> {
        run(self.command().args(arguments))
    }

    fn wait_until_up(&self) -> Result<()> {
        while !self.file("ready").exists() {
            ensure!(self.room.is_running(), "the room ended:\n{}", self.room.log());
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

fn configure(dir: &Path) -> Result<()> {
    let text = "[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n";
    Ok(fs::write(dir.join("containers.conf"), text)?)
}
