//! A private Podman, as root or as an unprivileged user: a store, and a sandbox in which its commands run.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::artifacts;
use crate::sandbox::{Sandbox, SandboxBuilder};

use super::command::run;
use super::data_dir::DataDir;

const SETUP: &str = "mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /dev/shm";

/// Adds a user with subordinate ids that exists in the sandbox only. It also does what systemd and udev would do for a
/// login: the user's runtime directory, and a network device that all users may open.
const SETUP_ROOTLESS: &str = r#"
mount -t tmpfs tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mknod -m 666 /run/tun c 10 200
mount --bind /run/tun /dev/net/tun
echo "unprivileged:x:$2:$2::$1/home:/bin/sh" >"$1/passwd"
echo "unprivileged:x:$2:" >"$1/group"
echo "unprivileged:$3:65536" | tee "$1/subuid" >"$1/subgid"
for file in passwd group subuid subgid; do
    ! [ -e /etc/$file ] || cat /etc/$file >>"$1/$file"
    mount --bind "$1/$file" /etc/$file
done
install -d -m 700 -o "$2" -g "$2" "/run/user/$2"
mount --make-rshared /
"#;

/// The unprivileged user's id.
const USER_ID: u32 = 70_000;
/// The first of its 65,536 subordinate ids.
const FIRST_SUBORDINATE_ID: u32 = 200_000;

/// Podman in a sandbox of its own.
#[derive(Debug)]
pub struct Podman {
    sandbox: Sandbox,
    /// Root's store, kept for later runs. The unprivileged user's store is in the sandbox's directory.
    data: Option<DataDir>,
}

impl Podman {
    /// Podman as root, with the images of earlier runs only.
    ///
    /// # Errors
    /// Without root, or when the sandbox does not start.
    pub fn start() -> Result<Self> {
        let sandbox = builder()?.setup(SETUP).start()?;
        let podman = Self { sandbox, data: Some(DataDir::open("podman")?) };
        // An earlier Podman that was killed may have left these.
        for kind in [&["pod", "rm"][..], &["rm"], &["volume", "rm"]] {
            podman.cli(&[kind, &["--all", "--force"]].concat())?;
        }
        podman.cli(&["secret", "rm", "--all"])?;
        Ok(podman)
    }

    /// Podman as an unprivileged user, empty.
    ///
    /// # Errors
    /// Without root, which creates the user, or when the sandbox does not start.
    pub fn rootless() -> Result<Self> {
        let sandbox = builder()?.setup(SETUP_ROOTLESS);
        let sandbox = sandbox.argument(USER_ID.to_string()).argument(FIRST_SUBORDINATE_ID.to_string());
        let home = sandbox.dir().join("home");
        fs::set_permissions(sandbox.dir(), fs::Permissions::from_mode(0o755))?;
        fs::create_dir(&home)?;
        chown(home, Some(USER_ID), Some(USER_ID))?;
        Ok(Self { sandbox: sandbox.start()?, data: None })
    }

    /// The sandbox that it runs in.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// A path in a directory that it can read.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.sandbox.dir().join(name)
    }

    /// The command `podman`, without arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        let override_ = format!("CONTAINERS_CONF_OVERRIDE={}", self.file("containers.conf").display());
        // Podman schedules probes by systemd, which the sandbox does not have. `podman healthcheck run` still runs
        // them.
        let common = [&override_, "PODMAN_IGNORE_CGROUPSV1_WARNING=1", "DISABLE_HC_SYSTEMD=true"];
        let Some(data) = &self.data else {
            let mut command = self.sandbox.command("setpriv");
            command.args([format!("--reuid={USER_ID}"), format!("--regid={USER_ID}")]);
            let home = self.file("home").display().to_string();
            // As after a login, the environment has nothing of root's.
            command.args(["--clear-groups", "env", "--ignore-environment", &format!("--chdir={home}")]);
            command.args([format!("HOME={home}"), format!("XDG_RUNTIME_DIR=/run/user/{USER_ID}")]);
            command.args(["USER=unprivileged", "PATH=/usr/local/bin:/usr/bin:/bin"]);
            command.args(common).arg("podman");
            return command;
        };
        let mut command = self.sandbox.command("env");
        command.arg(format!("--chdir={}", artifacts::root().display())).args(common);
        // Podman stores the run root's path and requires the same one later; /run belongs to the sandbox.
        command.arg("podman").arg("--root").arg(data.path()).args(["--runroot", "/run/podman"]);
        command
    }

    /// Runs `podman` and returns its standard output.
    ///
    /// # Errors
    /// When it fails, with its output.
    pub fn cli(&self, arguments: &[&str]) -> Result<String> {
        run(self.command().args(arguments))
    }
}

fn builder() -> Result<SandboxBuilder> {
    let sandbox = Sandbox::builder("podman")?.uplink();
    let configuration = "[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n";
    fs::write(sandbox.dir().join("containers.conf"), configuration)?;
    Ok(sandbox)
}
