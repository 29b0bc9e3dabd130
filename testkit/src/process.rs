//! A child process that cannot outlive this one, with its log and its metrics from `/proc`.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;
use std::{io, thread};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::sync::lock;
use crate::wait::try_wait_for;

mod metrics;

/// A child process. Drop kills it and waits for its end; the kernel kills it when this process ends.
#[derive(Debug)]
pub struct Process {
    child: Mutex<Child>,
    pid: u32,
    log: Option<PathBuf>,
}

impl Process {
    /// Starts `command` with standard output and error appended to the file `log`.
    ///
    /// # Errors
    /// When the program is not installed or the file cannot be written.
    pub fn start(command: &Command, log: &Path) -> Result<Self> {
        let file = open_log(log)?;
        let copy = file.try_clone()?;
        let mut process = Self::start_with(command, file.into(), copy.into())?;
        process.log = Some(log.to_path_buf());
        Ok(process)
    }

    /// Starts `command` with these outputs; [`Process::log`] is empty then.
    ///
    /// # Errors
    /// When the program is not installed.
    pub fn start_with(command: &Command, stdout: Stdio, stderr: Stdio) -> Result<Self> {
        let mut wrapped = with_parent_death_signal(command);
        wrapped.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
        let name = command.get_program().to_string_lossy().into_owned();
        if !exists(command.get_program()) {
            bail!("cannot run {name}: it is not installed (make deps installs what is missing)");
        }
        let child = spawn_from_permanent_thread(wrapped).with_context(|| format!("cannot run {name}"))?;
        Ok(Self { pid: child.id(), child: Mutex::new(child), log: None })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its output so far.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = self.log.as_ref().and_then(|path| fs::read(path).ok()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Its exit status, or `None` while it runs.
    ///
    /// # Errors
    /// When the system call fails.
    pub fn exit_status(&self) -> io::Result<Option<ExitStatus>> {
        lock(&self.child).try_wait()
    }

    /// Whether it is still running.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.exit_status(), Ok(None))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it still runs after `timeout`.
    pub fn wait(&self, timeout: Duration) -> Result<ExitStatus> {
        let what = format!("the end of process {}", self.pid);
        try_wait_for(&what, timeout, || Ok(self.exit_status()?))
    }

    /// Sends `signal`, unless it has ended.
    pub fn signal(&self, signal: Signal) {
        // The kernel does not reuse the id before the child is waited for, which needs this lock.
        let mut child = lock(&self.child);
        if matches!(child.try_wait(), Ok(None)) {
            if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, signal);
            }
        }
    }

    /// Freezes it (SIGSTOP).
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Thaws it (SIGCONT).
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Ends it with SIGTERM; with SIGKILL if it still runs after `timeout`.
    ///
    /// # Errors
    /// When SIGKILL was necessary.
    pub fn terminate(&self, timeout: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM);
        self.resume();
        self.wait(timeout).inspect_err(|_| self.kill())
    }

    /// Ends it with SIGKILL and waits for its end.
    pub fn kill(&self) {
        let mut child = lock(&self.child);
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn open_log(path: &Path) -> Result<File> {
    OpenOptions::new().create(true).append(true).open(path).with_context(|| format!("cannot write {}", path.display()))
}

/// The same command through `setpriv`: the kernel kills it when the thread that started it ends. It has its own process
/// group, so Ctrl-C on a terminal reaches only this process, which then ends its children in order.
fn with_parent_death_signal(command: &Command) -> Command {
    use std::os::unix::process::CommandExt;
    let mut wrapped = Command::new("setpriv");
    wrapped.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        wrapped.current_dir(directory);
    }
    wrapped.process_group(0);
    wrapped
}

/// Whether a program of that name or path is installed.
pub(crate) fn exists(program: &OsStr) -> bool {
    if Path::new(program).components().count() > 1 {
        return Path::new(program).is_file();
    }
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|dir| dir.join(program).is_file())
}

type SpawnRequest = (Command, Sender<io::Result<Child>>);

/// Starts all children from one thread that ends with the process. The kernel sends the parent-death signal when the
/// *thread* that started the child ends, and every test has its own thread.
fn spawn_from_permanent_thread(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Mutex<Sender<SpawnRequest>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (requests, received) = channel::<SpawnRequest>();
        thread::spawn(move || {
            for (mut command, reply) in received {
                let _ = reply.send(command.spawn());
            }
        });
        Mutex::new(requests)
    });
    let (reply, child) = channel();
    let gone = || io::Error::other("the thread that starts child processes has ended");
    lock(spawner).send((command, reply)).map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TempDir, observe_for};

    fn shell(script: &str, log: &Path) -> Result<Process> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::start(&command, log)
    }

    #[test]
    fn a_child_is_running_until_it_is_killed() -> Result<()> {
        let dir = TempDir::new()?;
        let child = shell("echo started; exec sleep 60", &dir.path().join("log"))?;
        assert!(child.is_running());
        child.pause();
        child.resume();
        child.kill();
        assert!(!child.is_running());
        Ok(())
    }

    #[test]
    fn a_child_outlives_the_thread_that_started_it() -> Result<()> {
        let dir = TempDir::new()?;
        let log = dir.path().join("log");
        let child =
            thread::spawn(move || shell("exec sleep 60", &log)).join().map_err(|_| anyhow::anyhow!("panicked"))??;
        observe_for("the child is running", Duration::from_millis(50), || child.is_running())
    }

    #[test]
    fn the_log_holds_both_streams_and_the_exit_status_is_kept() -> Result<()> {
        let dir = TempDir::new()?;
        let child = shell("echo out; echo err >&2; exit 7", &dir.path().join("log"))?;
        assert_eq!(child.wait(Duration::from_secs(10))?.code(), Some(7));
        assert_eq!(child.log(), "out\nerr\n");
        Ok(())
    }

    #[test]
    fn a_missing_program_is_named() {
        let started = Process::start(&Command::new("no-such-program"), Path::new("/dev/null"));
        assert!(started.is_err_and(|error| error.to_string().contains("no-such-program")));
    }
}
