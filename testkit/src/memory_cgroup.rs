//! A control group with a memory limit, as a container has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

const ROOT: &str = "/sys/fs/cgroup";

/// How often, and how many times, the removal of a group is tried while its last process exits.
const REMOVAL_INTERVAL: Duration = Duration::from_millis(20);
const MAX_REMOVALS: usize = 100;

/// A control group with a memory limit, removed on drop. Its processes should have ended by then.
#[derive(Debug)]
pub struct MemoryCgroup {
    path: PathBuf,
    is_version_1: bool,
}

impl MemoryCgroup {
    /// A new group whose processes may use `limit` bytes.
    ///
    /// # Errors
    /// Without root, or where this machine has no memory controller.
    pub fn new(limit: u64) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let is_version_1 = !Path::new(ROOT).join("cgroup.controllers").exists();
        let parent = if is_version_1 { Path::new(ROOT).join("memory") } else { PathBuf::from(ROOT) };
        if !is_version_1 {
            // Delegated already, or refused; the limit below tells.
            let _ = fs::write(parent.join("cgroup.subtree_control"), "+memory");
        }
        let name = format!("order-service-memory-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = parent.join(name);
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}: run it as root", path.display()))?;
        let group = Self { path, is_version_1 };
        if is_version_1 {
            // Counts the buffers of TCP sockets, which version 2 has in `memory.current`. The limit is not reached.
            let _ = fs::write(group.path.join("memory.kmem.tcp.limit_in_bytes"), (8 * limit).to_string());
        }
        let file = if is_version_1 { "memory.limit_in_bytes" } else { "memory.max" };
        fs::write(group.path.join(file), limit.to_string()).with_context(|| format!("cannot set {file}"))?;
        Ok(group)
    }

    /// A command that joins the group and replaces itself by its further arguments.
    #[must_use]
    pub fn wrapper(&self) -> [String; 4] {
        let script = "echo $$ >\"$0\" && exec \"$@\"";
        ["sh".into(), "-c".into(), script.into(), self.path.join("cgroup.procs").to_string_lossy().into_owned()]
    }

    /// The memory in use, in bytes: page cache included, and with version 2 the sockets' buffers.
    ///
    /// # Errors
    /// When the kernel gives no figure.
    pub fn usage(&self) -> Result<u64> {
        self.number(if self.is_version_1 { "memory.usage_in_bytes" } else { "memory.current" })
    }

    /// The sockets' buffers in use, in bytes, where [`MemoryCgroup::usage`] does not have them: with version 1. Zero
    /// where the kernel does not count them apart.
    #[must_use]
    pub fn socket_usage(&self) -> u64 {
        if self.is_version_1 { self.number("memory.kmem.tcp.usage_in_bytes").unwrap_or_default() } else { 0 }
    }

    /// The most memory that was in use, in bytes.
    ///
    /// # Errors
    /// When the kernel gives no figure.
    pub fn peak(&self) -> Result<u64> {
        self.number(if self.is_version_1 { "memory.max_usage_in_bytes" } else { "memory.peak" })
    }

    fn number(&self, file: &str) -> Result<u64> {
        let text = fs::read_to_string(self.path.join(file)).with_context(|| format!("cannot read {file}"))?;
        text.trim().parse().with_context(|| format!("{file} is no number"))
    }
}

impl Drop for MemoryCgroup {
    fn drop(&mut self) {
        for _ in 0..MAX_REMOVALS {
            if fs::remove_dir(&self.path).is_ok() {
                break;
            }
            thread::sleep(REMOVAL_INTERVAL);
        }
    }
}
