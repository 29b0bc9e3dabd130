//! A machine within this machine: namespaces of its own for processes, mounts and the network.
//!
//! Whatever is started in it, by however many steps, is a child of its first process: when that is gone, the kernel ends all of
//! it, and the mounts and the network with it. So nothing is left behind even when the tests are killed.

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{fs, thread};

use anyhow::{Context, Result, bail};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use testkit::Process;

use crate::cgroup::Cgroup;
use crate::wait;

/// The machine's address, which everything that runs on it is reached at.
pub const ADDRESS: &str = "10.99.0.1";

/// What the first process does: mounts, the network, then waiting, which also takes leave of orphans that end.
///
/// The kubelet sets some of the kernel's values for the whole machine, this one included: it is shown copies of them.
const SETUP: &str = r#"
set -eu
cd "$1"
mkdir -p lib log sys
mount --bind lib /var/lib
mount --bind log /var/log
for value in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops \
    kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
    copy=sys/$(echo $value | tr / _)
    cat /proc/sys/$value >"$copy"
    mount --bind "$copy" /proc/sys/$value
done
resolver=$(readlink -f /etc/resolv.conf)
mount -t tmpfs tmpfs /run
[ -e "$resolver" ] || { mkdir -p "$(dirname "$resolver")" && : >"$resolver"; }
mount --bind resolv.conf "$resolver"
# crun refuses a machine with both versions of cgroups.
! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified
ip link set lo up
ip link add node0 type veth peer name node1
ip address add "$2/24" dev node0
ip link set node0 up
ip link set node1 up
ip route add default dev node0
echo 1 >/proc/sys/net/ipv4/ip_forward
: >ready
while :; do sleep 1; done
"#;

/// The machine; all that runs in it ends on drop.
#[derive(Debug)]
pub struct Machine {
    first: Process,
    /// The first process's id, as seen from outside.
    pid: u32,
    cgroup: Cgroup,
}

impl Machine {
    /// Starts one whose files are under `dir`; its names are resolved as `dir/resolv.conf` says.
    ///
    /// # Errors
    /// When this user may not make namespaces, or a tool is missing.
    pub fn start(dir: &Path) -> Result<Self> {
        let mut command = Command::new("unshare");
        command.args([
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "sh",
            "-c",
            SETUP,
            "machine",
        ]);
        command.arg(dir).arg(ADDRESS);
        let first = Process::start(&command, &dir.join("machine.log"))?;
        wait::until("the machine's namespaces", Duration::from_secs(20), || {
            if !first.is_running() {
                bail!("the machine's namespaces could not be made:\n{}", first.log());
            }
            Ok(dir.join("ready").exists().then_some(()))
        })?;
        let pid = only_child_of(first.pid())?;
        Ok(Self { first, pid, cgroup: Cgroup::new()? })
    }

    /// The command line that runs `program` in the machine; the kernel ends it when the process that started it is gone.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid.to_string(), "--mount", "--net", "--pid", "--"]);
        command.args(["setpriv", "--pdeathsig", "KILL", "--"]).arg(program);
        command
    }

    /// Runs a command in the machine to its end and returns what it printed.
    ///
    /// # Errors
    /// When it ends badly; what it said is in the error.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        output_of(self.command(program).args(arguments))
    }

    /// Moves the calling thread, and the threads it starts from then on, into the machine's network.
    ///
    /// # Errors
    /// When the machine is gone.
    pub fn enter_network(&self) -> Result<()> {
        self.network().enter()
    }

    /// The machine's network, for threads to enter.
    #[must_use]
    pub fn network(&self) -> Network {
        Network::of(self.pid)
    }

    /// The control group under which the kubelet puts its pods.
    #[must_use]
    pub fn cgroup(&self) -> &str {
        self.cgroup.name()
    }

    /// A path in the machine, as seen from outside.
    #[must_use]
    pub fn outside(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.pid))
    }

    /// Whether its first process has not ended.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.first.is_running()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // First, so that the control group is empty when its turn to be removed comes.
        self.first.kill();
        // The kernel ends the others a moment later.
        for _ in 0..100 {
            // Gone, or only waiting for this machine's own first process to take leave of it.
            let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
            if stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('Z')) {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Whether this user may make one at all, asked before anything takes minutes.
///
/// # Errors
/// When not.
pub(crate) fn allowed() -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("a cluster needs namespaces and mounts of its own: only root can make them");
    }
    Ok(())
}

/// A machine's network, or a pod's.
#[derive(Debug, Clone)]
pub struct Network(PathBuf);

impl Network {
    /// The network of a process.
    #[must_use]
    pub fn of(process: u32) -> Self {
        Self(PathBuf::from(format!("/proc/{process}/ns/net")))
    }

    /// Moves the calling thread into it.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn enter(&self) -> Result<()> {
        let namespace = fs::File::open(&self.0).context("the network's process is gone")?;
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
            .context("cannot enter the cluster's network")
    }
}

/// What a command printed on standard output.
pub(crate) fn output_of(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {}", command.get_program().to_string_lossy()))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` ended with {}:\n{stdout}{stderr}", words.join(" "), output.status);
    }
    Ok(stdout)
}

fn only_child_of(parent: u32) -> Result<u32> {
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The name in field 2 may hold anything; field 4, the parent, is the second after its last parenthesis.
        let of = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1));
        if of.and_then(|text| text.parse::<u32>().ok()) == Some(parent) {
            return Ok(pid);
        }
    }
    bail!("process {parent} has no child")
}

/// Ends a process with SIGKILL, as the kernel's memory killer would.
///
/// # Errors
/// When there is no such process.
pub fn kill(process: u32) -> Result<()> {
    let pid = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw).context("not a process id")?;
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).context("the process is gone")
}
