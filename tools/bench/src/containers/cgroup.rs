//! Memory of a container: its control group and its processes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The memory of a container in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct MemoryUsage {
    /// Charged to the control group: its processes' memory, file pages that it was the first to read, kernel memory.
    pub(super) current: f64,
    /// The maximum of that since the start.
    pub(super) peak: f64,
    /// Of its processes; shared pages are divided among the processes that share them (`Pss` in `smaps_rollup`).
    pub(super) pss: f64,
}

/// The memory of the control group that the text of `/proc/PID/cgroup` names.
pub(super) fn memory_usage(cgroup: &str) -> Result<MemoryUsage> {
    let (directory, current, peak) = memory_controller(cgroup).context("a process without a control group")?;
    let figure = |file: &str| -> Result<f64> {
        let path = directory.join(file);
        Ok(fs::read_to_string(&path).with_context(|| path.display().to_string())?.trim().parse()?)
    };
    Ok(MemoryUsage { current: figure(current)?, peak: figure(peak)?, pss: sum_of_pss(&directory)? })
}

/// The directory, and the files of current and peak memory. Version 1 of control groups has a line for each hierarchy;
/// version 2 has one with an empty list of controllers.
fn memory_controller(cgroup: &str) -> Option<(PathBuf, &'static str, &'static str)> {
    let path = |controllers: &str| {
        cgroup.lines().find_map(|line| {
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

/// The sum over all processes of the group, by their ids outside the container.
fn sum_of_pss(directory: &Path) -> Result<f64> {
    let mut sum = 0.0;
    for pid in fs::read_to_string(directory.join("cgroup.procs"))?.split_whitespace() {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).context("a process has exited")?;
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
    fn both_versions_of_control_groups_are_parsed() {
        let version_1 = "12:cpu:/docker/a\n5:memory:/docker/b\n0::/docker/c\n";
        let found = memory_controller(version_1).map(|(directory, current, _)| (directory, current));
        assert_eq!(found, Some(("/sys/fs/cgroup/memory/docker/b".into(), "memory.usage_in_bytes")));
        let found = memory_controller("0::/docker/c\n").map(|(directory, _, peak)| (directory, peak));
        assert_eq!(found, Some(("/sys/fs/cgroup/docker/c".into(), "memory.peak")));
        assert!(memory_controller("").is_none());
    }
}
