//! A container's control group: what the kernel charges to it, and the processes in it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// What a container occupies, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Occupied {
    /// Now, by the control group: its processes' memory, the pages of files that it was the first to read, the kernel's part.
    pub(super) now: f64,
    /// The most that this has been.
    pub(super) peak: f64,
    /// By its processes: what is shared is divided among those that share it (`Pss` in `smaps_rollup`).
    pub(super) share: f64,
}

/// By the text of the first process's `/proc/PID/cgroup`.
pub(super) fn occupied(groups: &str) -> Result<Occupied> {
    let (directory, now, peak) = memory_group(groups).context("a process in no control group")?;
    let figure = |file: &str| -> Result<f64> {
        let path = directory.join(file);
        Ok(fs::read_to_string(&path).with_context(|| path.display().to_string())?.trim().parse()?)
    };
    Ok(Occupied { now: figure(now)?, peak: figure(peak)?, share: share(&directory)? })
}

/// Version 1 has a line for each hierarchy, version 2 one whose list of controllers is empty.
fn memory_group(groups: &str) -> Option<(PathBuf, &'static str, &'static str)> {
    let path = |controllers: &str| {
        groups.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            (fields.next()? == controllers).then_some(fields.next()?)
        })
    };
    match path("memory") {
        Some(path) => {
            Some((format!("/sys/fs/cgroup/memory{path}").into(), "memory.usage_in_bytes", "memory.max_usage_in_bytes"))
        }
        None => path("").map(|path| (format!("/sys/fs/cgroup{path}").into(), "memory.current", "memory.peak")),
    }
}

/// The sum over all processes of the group, by their numbers outside the engine's sandbox.
fn share(directory: &Path) -> Result<f64> {
    let mut sum = 0.0;
    for pid in fs::read_to_string(directory.join("cgroup.procs"))?.split_whitespace() {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).context("a process has gone")?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).context("no Pss in smaps_rollup")?;
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        sum += kilobytes * 1024.0;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_control_groups_are_known() {
        let first = "12:cpu:/docker/a\n5:memory:/docker/b\n0::/docker/c\n";
        let found = memory_group(first).map(|(directory, now, _)| (directory, now));
        assert_eq!(found, Some(("/sys/fs/cgroup/memory/docker/b".into(), "memory.usage_in_bytes")));
        let found = memory_group("0::/docker/c\n").map(|(directory, _, peak)| (directory, peak));
        assert_eq!(found, Some(("/sys/fs/cgroup/docker/c".into(), "memory.peak")));
        assert!(memory_group("").is_none());
    }
}
