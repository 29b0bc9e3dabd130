//! A network namespace, for threads to enter.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, anyhow};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// The network namespace of a process, such as a sandbox's init process or a container.
#[derive(Debug, Clone)]
pub struct NetworkNamespace(PathBuf);

impl NetworkNamespace {
    /// The network of a process.
    #[must_use]
    pub fn of_process(pid: u32) -> Self {
        Self::at(PathBuf::from(format!("/proc/{pid}/ns/net")))
    }

    /// The network namespace that a path below `/proc` refers to.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Its path below `/proc`.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Moves the calling thread into it for good. Threads and processes that it starts later are in it, too.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn enter(&self) -> Result<()> {
        let namespace = File::open(&self.0).context("the network's process has ended")?;
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
            .context("cannot enter the network namespace")
    }

    /// Runs `work` in a new thread inside the network and returns its result. The calling thread stays where it is.
    ///
    /// # Errors
    /// When the process has ended, or `work` fails or panics.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        thread::scope(|scope| {
            let thread = scope.spawn(|| self.enter().and_then(|()| work()));
            thread.join().map_err(|_| anyhow!("a thread in the network namespace has panicked"))?
        })
    }
}
