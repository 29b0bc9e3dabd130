//! The control group that a cluster's pods are in, in every hierarchy that this machine has.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{fs, io, process, thread};

use anyhow::{Context, Result};

const ROOT: &str = "/sys/fs/cgroup";
/// What the kubelet wants its pods' group to have, of what the machine has at all.
const WANTED: [&str; 5] = ["cpu", "cpuset", "memory", "hugetlb", "pids"];
const PREFIX: &str = "order-service-cluster-";

/// A group of this process's own; removed on drop. What killed processes left is removed when the next one is made.
#[derive(Debug)]
pub(crate) struct Cgroup {
    name: String,
    paths: Vec<PathBuf>,
}

impl Cgroup {
    /// Makes it.
    pub(crate) fn new() -> Result<Self> {
        let roots = hierarchies()?;
        for root in &roots {
            remove_stale(root);
            hand_down(root)?;
        }
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{PREFIX}{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let paths: Vec<PathBuf> = roots.iter().map(|root| root.join(&name)).collect();
        for path in &paths {
            fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
            inherit(path);
        }
        Ok(Self { name, paths })
    }

    /// Its path below the root of each hierarchy.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        for path in &self.paths {
            // Its processes have been told to end, and some may still be at it.
            for _ in 0..100 {
                if remove_tree(path).is_ok() {
                    break;
                }
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

/// With version 2 the root itself, with version 1 each directory that has processes; not version 2 beside version 1.
fn hierarchies() -> Result<Vec<PathBuf>> {
    let root = Path::new(ROOT);
    if root.join("cgroup.controllers").exists() {
        return Ok(vec![root.to_path_buf()]);
    }
    let entries = fs::read_dir(root).context("this machine has no control groups")?;
    let all =
        entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path());
    Ok(all.filter(|path| path.join("tasks").exists()).collect())
}

/// With version 2 a group has the controllers that its parent hands down, and the group is made right below the root. What is
/// handed down already is not touched by the writing.
fn hand_down(root: &Path) -> Result<()> {
    let Ok(there) = fs::read_to_string(root.join("cgroup.controllers")) else { return Ok(()) };
    let there: Vec<&str> = there.split_whitespace().collect();
    let wanted: Vec<String> =
        WANTED.iter().filter(|name| there.contains(name)).map(|name| format!("+{name}")).collect();
    let (wanted, file) = (wanted.join(" "), root.join("cgroup.subtree_control"));
    // In a container the root has processes of its own, and the kernel says that it is busy.
    fs::write(&file, &wanted)
        .with_context(|| format!("the pods' control group cannot have {wanted}: {} refuses", file.display()))
}

/// A new cpuset allows nothing before it is told what.
fn inherit(path: &Path) {
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

/// A group's files cannot be removed, and go with it.
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

    use testkit::TempDir;

    use super::*;

    #[test]
    fn version_2_hands_down_what_the_kubelet_wants_and_the_machine_has() {
        let root = TempDir::new().unwrap();
        fs::write(root.path().join("cgroup.controllers"), "cpuset cpu io memory pids rdma misc\n").unwrap();
        hand_down(root.path()).unwrap();
        let written = fs::read_to_string(root.path().join("cgroup.subtree_control")).unwrap();
        assert_eq!(written, "+cpu +cpuset +memory +pids");
    }

    #[test]
    fn version_1_has_nothing_to_hand_down() {
        let root = TempDir::new().unwrap();
        hand_down(root.path()).unwrap();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_refusal_is_said_in_one_line() {
        let root = TempDir::new().unwrap();
        fs::write(root.path().join("cgroup.controllers"), "cpu memory").unwrap();
        fs::create_dir(root.path().join("cgroup.subtree_control")).unwrap();
        let said = format!("{:#}", hand_down(root.path()).unwrap_err());
        assert!(
            said.starts_with("the pods' control group cannot have +cpu +memory: ") && !said.contains('\n'),
            "{said}"
        );
    }
}
