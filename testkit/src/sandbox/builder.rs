//! What a sandbox is made with.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::Process;
use crate::temp::TempDir;

use super::cgroup::Cgroup;
use super::{Sandbox, child_of, wait_for};

/// The beginning of each init process. crun refuses a machine that has both versions of control groups.
const PREAMBLE: &str = r#"
set -eu
if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi
ip link set lo up
"#;

/// The init process continues when the uplink has given the sandbox its route.
const WAIT_FOR_UPLINK: &str = "while ! ip route show default | grep -q .; do sleep 0.02; done\n";

const READY: &str = "\n: >\"$1/ready\"\n";

/// Waits forever and reaps orphans.
const IDLE: &str = "while :; do sleep 60; done";

/// A sandbox to configure and start; made by [`Sandbox::builder`].
#[derive(Debug)]
pub struct SandboxBuilder {
    name: String,
    dir: TempDir,
    uplink: bool,
    controllers: Option<&'static [&'static str]>,
    setup: String,
    main: String,
    arguments: Vec<OsString>,
}

impl SandboxBuilder {
    pub(super) fn new(name: &str) -> Result<Self> {
        Ok(Self {
            name: name.into(),
            dir: TempDir::new()?,
            uplink: false,
            controllers: None,
            setup: String::new(),
            main: IDLE.into(),
            arguments: Vec::new(),
        })
    }

    /// The sandbox's directory, to be filled before the start.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Gives the sandbox a network with a route to this machine's network. Nothing outside reaches the sandbox, and the
    /// sandbox does not reach this machine's loopback address. Without an uplink there is only a loopback interface.
    #[must_use]
    pub fn uplink(mut self) -> Self {
        self.uplink = true;
        self
    }

    /// Makes a control group with these controllers, where this machine has them; [`Sandbox::cgroup`] has its name.
    #[must_use]
    pub fn cgroup(mut self, controllers: &'static [&'static str]) -> Self {
        self.controllers = Some(controllers);
        self
    }

    /// A shell script that the init process runs to its end before the sandbox counts as started. `$1` is the
    /// sandbox's directory; the arguments follow.
    #[must_use]
    pub fn setup(mut self, script: &str) -> Self {
        self.setup = script.into();
        self
    }

    /// A shell script that the init process runs after the setup, with the same arguments; the sandbox ends with it.
    /// Without one the init process waits.
    #[must_use]
    pub fn main(mut self, script: &str) -> Self {
        self.main = script.into();
        self
    }

    /// Adds an argument for the scripts.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Starts the sandbox and waits until its setup is complete.
    ///
    /// # Errors
    /// When a program is missing, the kernel refuses, or the setup fails; the log is in the error.
    pub fn start(self) -> Result<Sandbox> {
        let cgroup = self.controllers.map(Cgroup::new).transpose()?;
        let parent = Process::start(&self.unshare(), &self.dir.path().join("init.log"))?;
        let init_pid = child_of(&parent).with_context(|| self.name.clone())?;
        let uplink = self.uplink.then(|| start_uplink(init_pid, self.dir.path())).transpose()?;
        let sandbox = Sandbox { _uplink: uplink, parent, init_pid, cgroup, dir: self.dir };
        let ready = sandbox.dir().join("ready");
        wait_for(&sandbox.parent, "the sandbox's setup", || ready.exists().then_some(())).with_context(|| {
            let network = fs::read_to_string(sandbox.dir().join("uplink.log")).unwrap_or_default();
            format!("{}: {network}", self.name)
        })?;
        Ok(sandbox)
    }

    fn unshare(&self) -> Command {
        let uplink = if self.uplink { WAIT_FOR_UPLINK } else { "" };
        let script = format!("{PREAMBLE}{uplink}{}{READY}{}", self.setup, self.main);
        let mut command = Command::new("unshare");
        command.args(["--mount", "--net", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]);
        command.args(["--propagation", "private", "sh", "-c", &script, &self.name]);
        command.arg(self.dir.path()).args(&self.arguments);
        command
    }
}

fn start_uplink(init_pid: u32, dir: &Path) -> Result<Process> {
    let mut command = Command::new("slirp4netns");
    command.args(["--configure", "--mtu=65520", "--disable-host-loopback", &init_pid.to_string(), "tap0"]);
    Process::start(&command, &dir.join("uplink.log"))
}
