//! Namespaces of their own for processes, mounts and network, with a way out to the network and none in.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::process::Process;
use crate::temp::TempDir;

/// How long the namespaces and the network in them may take.
const READY: Duration = Duration::from_secs(30);

/// The first process of a room: brings up the network, then does what the room is for.
const FIRST: &str = r#"
set -eu
ip link set lo up
while ! ip route show default | grep -q .; do sleep 0.02; done
"#;

/// Namespaces that end, with all processes in them, when this value is dropped or this process ends.
#[derive(Debug)]
pub struct Room {
    // In this order: the way out, the room, its directory.
    _network: Process,
    first: Process,
    /// The room's first process, by its number outside.
    pid: u32,
    dir: TempDir,
}

impl Room {
    /// Opens a room whose first process runs the shell script `script`. `prepare` fills the room's directory and says the script's
    /// arguments.
    ///
    /// # Errors
    /// When this is not root, a program is missing, or the kernel says no; the log is in the error.
    pub fn open(name: &str, script: &str, prepare: impl FnOnce(&Path) -> Result<Vec<OsString>>) -> Result<Self> {
        ensure!(rustix::process::geteuid().is_root(), "{name} in namespaces of its own needs root");
        let dir = TempDir::new()?;
        let arguments = prepare(dir.path())?;
        let mut command = Command::new("unshare");
        command.args(["--mount", "--net", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]);
        command.args(["--propagation", "private", "sh", "-c", &format!("{FIRST}{script}"), name]).args(arguments);
        let first = Process::start(&command, &dir.path().join("log"))?;
        let pid = child_of(&first)?;
        let mut network = Command::new("slirp4netns");
        // Nothing in the room reaches what listens on this machine's 127.0.0.1.
        network.args(["--configure", "--mtu=65520", "--disable-host-loopback", &pid.to_string(), "tap0"]);
        let network = Process::start(&network, &dir.path().join("network.log"))?;
        let room = Self { _network: network, first, pid, dir };
        room.wait_for_network()?;
        Ok(room)
    }

    /// The room's directory, gone with it.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What its first process has written.
    #[must_use]
    pub fn log(&self) -> String {
        self.first.log()
    }

    /// Whether its first process has not ended.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.first.is_running()
    }

    /// Moves the calling thread into the room's network, for good: what it connects to, and every thread and process that
    /// it starts by `std`, is there.
    ///
    /// # Errors
    /// When the room has ended.
    pub fn enter(&self) -> Result<()> {
        let namespace = File::open(self.namespace("net")).context("the room has ended")?;
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).context("cannot enter the room")
    }

    /// `program`, to be run in the room: in all of its namespaces.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.pid)).args(["--mount", "--net", "--pid", "--", program]);
        command
    }

    /// Starts `command` in the room's network; it ends with its value.
    ///
    /// # Errors
    /// When the program is not there.
    pub fn start(&self, command: &Command, log: &Path) -> Result<Process> {
        let mut inside = Command::new("nsenter");
        inside.arg(format!("--net={}", self.namespace("net").display())).arg("--");
        inside.arg(command.get_program()).args(command.get_args());
        inside.envs(command.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
        Process::start(&inside, log)
    }

    fn namespace(&self, kind: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/ns/{kind}", self.pid))
    }

    fn wait_for_network(&self) -> Result<()> {
        let routes = format!("/proc/{}/net/route", self.pid);
        let deadline = Instant::now() + READY;
        while !fs::read_to_string(&routes).is_ok_and(|table| table.contains("tap0\t00000000")) {
            if Instant::now() >= deadline || !self.first.is_running() {
                let network = fs::read_to_string(self.dir().join("network.log")).unwrap_or_default();
                bail!("the room has no network:\n{}{network}", self.log());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Appends a line to the room's log: where a test stands, for whoever reads the log of a failed one.
    pub fn note(&self, line: &str) {
        let log = fs::OpenOptions::new().append(true).open(self.dir().join("log"));
        let _ = log.and_then(|mut file| writeln!(file, "-- {line}"));
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // The kernel ends all processes of the room before its first one is seen to end, and `unshare` waits for that: after
        // this, nobody has a file of the room's open.
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
        let _ = self.first.wait(READY);
    }
}

/// `unshare` stays outside; its only child is the room's first process.
fn child_of(parent: &Process) -> Result<u32> {
    let children = format!("/proc/{0}/task/{0}/children", parent.pid());
    let deadline = Instant::now() + READY;
    loop {
        let list = fs::read_to_string(&children).unwrap_or_default();
        if let Some(child) = list.split_whitespace().next() {
            return Ok(child.parse()?);
        }
        if Instant::now() >= deadline || !parent.is_running() {
            bail!("no namespaces:\n{}", parent.log());
        }
        thread::sleep(Duration::from_millis(2));
    }
}
