//! The order service as a child process.

use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Result;

use crate::process::Process;
use crate::temp::TempDir;

mod builder;
mod wasmedge;

pub use builder::Builder;
pub use wasmedge::{FileAccess, wasmedge};

/// How the service is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Runtime {
    /// WasmEdge with code compiled ahead of time, as in production.
    Aot,
    /// WasmEdge's interpreter, which needs no compilation.
    Interpreter,
    /// The same source compiled for this machine, without WasmEdge.
    Native,
}

/// A running service on 127.0.0.1, ended on drop.
#[derive(Debug)]
pub struct Service {
    process: Process,
    port: u16,
    // After the process: fields are dropped in order, and the process writes its log there.
    _dir: TempDir,
}

impl Service {
    /// A service to be configured and started.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn addr(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http://127.0.0.1:PORT` and `path`, which begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr())
    }

    /// The process itself: its metrics and signals.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Its process id (WasmEdge's, for the two wasm runtimes).
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Resident memory in bytes.
    ///
    /// # Errors
    /// When it has ended.
    pub fn rss_bytes(&self) -> Result<u64> {
        self.process.rss_bytes()
    }

    /// Private dirty memory in bytes.
    ///
    /// # Errors
    /// When it has ended.
    pub fn private_dirty_bytes(&self) -> Result<u64> {
        self.process.private_dirty_bytes()
    }

    /// CPU time so far.
    ///
    /// # Errors
    /// When it has ended.
    pub fn cpu_time(&self) -> Result<Duration> {
        self.process.cpu_time()
    }

    /// The number of open file descriptors.
    ///
    /// # Errors
    /// When it has ended.
    pub fn open_fds(&self) -> Result<usize> {
        self.process.open_fds()
    }

    /// Its standard output and standard error so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Whether it is still running.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.process.is_running()
    }

    /// Freezes it (SIGSTOP).
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Thaws it (SIGCONT).
    pub fn resume(&self) {
        self.process.resume();
    }

    /// Ends it with SIGKILL and waits for its end.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it still runs after `timeout`.
    pub fn wait(&self, timeout: Duration) -> Result<ExitStatus> {
        self.process.wait(timeout)
    }
}
