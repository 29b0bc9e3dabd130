//! A sandbox: Linux namespaces for processes, mounts and network that end together with everything started in them.
//!
//! Each process in a sandbox descends from its init process. When that is killed, the kernel kills the others and
//! removes the mounts and the network. This holds even when the process that owns the [`Sandbox`] is killed.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::engine::run;
use crate::process::Process;
use crate::temp::TempDir;
use crate::wait::try_wait_for;

mod builder;
mod cgroup;
mod network;

pub use builder::SandboxBuilder;
pub use network::NetworkNamespace;

use cgroup::Cgroup;

/// Bounds the start and the end of a sandbox.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A running sandbox. Dropping it ends all its processes and removes its directory.
#[derive(Debug)]
pub struct Sandbox {
    // Fields are dropped in this order: the directory is in use until the processes have ended.
    _uplink: Option<Process>,
    /// `unshare`, which stays outside and waits for the init process.
    parent: Process,
    /// The init process, by its id outside the sandbox.
    init_pid: u32,
    cgroup: Option<Cgroup>,
    dir: TempDir,
}

impl Sandbox {
    /// A sandbox to configure and start. Error messages and the process list show it as `name`.
    ///
    /// # Errors
    /// Without root, or when its directory cannot be created.
    pub fn builder(name: &str) -> Result<SandboxBuilder> {
        ensure!(rustix::process::geteuid().is_root(), "{name} needs namespaces and mounts of its own: run it as root");
        SandboxBuilder::new(name)
    }

    /// The sandbox's directory on this machine, removed with it.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The output of the init process.
    #[must_use]
    pub fn log(&self) -> String {
        self.parent.log()
    }

    /// Whether the init process is alive.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.parent.is_running()
    }

    /// The control group made for the sandbox, as a path below the root of each hierarchy.
    #[must_use]
    pub fn cgroup(&self) -> Option<&str> {
        self.cgroup.as_ref().map(Cgroup::name)
    }

    /// The sandbox's network, for threads to enter.
    #[must_use]
    pub fn network(&self) -> NetworkNamespace {
        NetworkNamespace::of_process(self.init_pid)
    }

    /// Moves the calling thread into the sandbox's network for good. Threads and processes that it starts later are in
    /// it, too.
    ///
    /// # Errors
    /// When the sandbox has ended.
    pub fn enter_network(&self) -> Result<()> {
        self.network().enter()
    }

    /// A command that runs `program` in all namespaces of the sandbox. The kernel kills it when its parent ends.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.init_pid)).args(["--mount", "--net", "--pid", "--"]);
        command.args(["setpriv", "--pdeathsig", "KILL", "--"]).arg(program);
        command
    }

    /// Runs `program` in the sandbox and returns its standard output.
    ///
    /// # Errors
    /// When it fails, with its output.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        run(self.command(program).args(arguments))
    }

    /// Starts `command` in the sandbox's network, with the processes and files of this machine.
    ///
    /// # Errors
    /// When the program is missing.
    pub fn start_in_network(&self, command: &Command, log: &Path) -> Result<Process> {
        let mut inside = Command::new("nsenter");
        inside.arg(format!("--net={}", self.network().path().display())).arg("--");
        inside.arg(command.get_program()).args(command.get_args());
        inside.envs(command.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
        Process::start(&inside, log)
    }

    /// The path on this machine of the sandbox's absolute `path`.
    #[must_use]
    pub fn path_outside(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.init_pid))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // The kernel ends all other processes before the init process; `unshare` waits for that. No process of the
        // sandbox has a file open afterwards.
        if let Some(pid) = i32::try_from(self.init_pid).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
        let _ = self.parent.wait(TIMEOUT);
    }
}

/// Waits for a value while the sandbox's parent process runs.
fn wait_for<T>(parent: &Process, what: &str, mut probe: impl FnMut() -> Option<T>) -> Result<T> {
    let waited = try_wait_for(what, TIMEOUT, || {
        let value = probe();
        ensure!(value.is_some() || parent.is_running(), "no {what}");
        Ok(value)
    });
    waited.with_context(|| parent.log())
}

/// The only child of `unshare` is the init process.
fn child_of(parent: &Process) -> Result<u32> {
    let children = format!("/proc/{0}/task/{0}/children", parent.pid());
    wait_for(parent, "the namespaces", || {
        let list = fs::read_to_string(&children).ok()?;
        list.split_whitespace().next()?.parse().ok()
    })
}

#[cfg(test)]
mod tests;
