//! The control group of a sandbox, in every hierarchy that this machine has.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{fs, io, process, thread};

use anyhow::{Context, Result};

const ROOT: &str = "/sys/fs/cgroup";
const PREFIX: &str = "order-service-sandbox-";

/// How often, and how many times, the removal of a group is tried while its last processes exit.
const REMOVAL_INTERVAL: Duration = Duration::from_millis(50);
const MAX_REMOVALS: usize = 100;

/// A control group, removed on drop. Creating one also removes the groups of owners that were killed.
#[derive(Debug)]
pub(super) struct Cgroup {
    name: String,
    paths: Vec<PathBuf>,
}

impl Cgroup {
    /// A new group with these controllers, as far as the machine has them.
    pub(super) fn new(controllers: &[&str]) -> Result<Self> {
        let roots = hierarchies()?;
        for root in &roots {
            remove_stale(root);
            delegate(root, controllers)?;
        }
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{PREFIX}{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let paths: Vec<PathBuf> = roots.iter().map(|root| root.join(&name)).collect();
        for path in &paths {
            fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))?;
            inherit_cpuset(path);
        }
        Ok(Self { name, paths })
    }

    /// Its path below the root of each hierarchy.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        for path in &self.paths {
            for _ in 0..MAX_REMOVALS {
                if remove_tree(path).is_ok() {
                    break;
                }
                thread::sleep(REMOVAL_INTERVAL);
            }
        }
    }
}

/// Version 2 has one hierarchy. Version 1 has a directory for each; those with processes count, so a version 2
/// hierarchy beside them does not.
fn hierarchies() -> Result<Vec<PathBuf>> {
    let root = Path::new(ROOT);
    if root.join("cgroup.controllers").exists() {
        return Ok(vec![root.to_path_buf()]);
    }
    let entries = fs::read_dir(root).context("this machine has no control groups")?;
    let directories =
        entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path());
    Ok(directories.filter(|path| path.join("tasks").exists()).collect())
}

/// Version 2: a group has the controllers that its parent delegates. Controllers that are delegated already stay.
fn delegate(root: &Path, controllers: &[&str]) -> Result<()> {
    let Ok(available) = fs::read_to_string(root.join("cgroup.controllers")) else { return Ok(()) };
    let available: Vec<&str> = available.split_whitespace().collect();
    let enabled: Vec<String> =
        controllers.iter().filter(|name| available.contains(name)).map(|name| format!("+{name}")).collect();
    let (enabled, file) = (enabled.join(" "), root.join("cgroup.subtree_control"));
    // In a container the root group has processes of its own, and the kernel returns EBUSY.
    fs::write(&file, &enabled)
        .with_context(|| format!("cannot delegate {enabled} to a control group: {} refuses", file.display()))
}

/// Version 1: a new cpuset is empty, and no process can join it.
fn inherit_cpuset(path: &Path) {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        if let (Some(parent), true) = (path.parent(), path.join("tasks").exists()) {
            if let Ok(value) = fs::read(parent.join(file)) {
                let _ = fs::write(path.join(file), value);
            }
        }
    }
}

fn remove_stale(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(owner) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        let owner = owner.split('-').next().unwrap_or(owner);
        if !Path::new("/proc").join(owner).exists() {
            let _ = remove_tree(&entry.path());
        }
    }
}

/// Removes a group after its subgroups. Its files cannot be removed and disappear with it.
fn remove_tree(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)?.flatten() {
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        }
    }
    fs::remove_dir(path)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use crate::TempDir;

    use super::*;

    const CONTROLLERS: [&str; 5] = ["cpu", "cpuset", "memory", "hugetlb", "pids"];

    #[test]
    fn version_2_delegates_the_requested_controllers_that_the_machine_has() {
        let root = TempDir::new().unwrap();
        fs::write(root.path().join("cgroup.controllers"), "cpuset cpu io memory pids rdma misc\n").unwrap();
        delegate(root.path(), &CONTROLLERS).unwrap();
        let written = fs::read_to_string(root.path().join("cgroup.subtree_control")).unwrap();
        assert_eq!(written, "+cpu +cpuset +memory +pids");
    }

    #[test]
    fn version_1_has_nothing_to_delegate() {
        let root = TempDir::new().unwrap();
        delegate(root.path(), &CONTROLLERS).unwrap();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_refusal_is_reported_in_one_line() {
        let root = TempDir::new().unwrap();
        fs::write(root.path().join("cgroup.controllers"), "cpu memory").unwrap();
        fs::create_dir(root.path().join("cgroup.subtree_control")).unwrap();
        let error = format!("{:#}", delegate(root.path(), &CONTROLLERS).unwrap_err());
        let expected = "cannot delegate +cpu +memory to a control group: ";
        assert!(error.starts_with(expected) && !error.contains('\n'), "{error}");
    }
}
