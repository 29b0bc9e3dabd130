//! What it was measured on.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use testbed::artifacts;

use crate::say;

/// A list for the page: date, source, machine, versions of what processes are measured with.
pub(crate) fn describe() -> Result<String> {
    machine_and(&[
        format!("compiler: rust {}", compiler()?),
        format!("runtime: {}", first_line("wasmedge", &["--version"])?),
        format!("database: MariaDB {}", said("mariadb", &["--version"])?.split([' ', ',']).nth(2).unwrap_or_default()),
        format!("generator: {}", wrk_version()),
    ])
}

/// The same list with other versions.
pub(crate) fn machine_and(versions: &[String]) -> Result<String> {
    let load = first_word("/proc/loadavg");
    if load.parse().is_ok_and(|load: f64| load > 0.5) {
        say(&format!("the machine is not idle (load {load}): the figures will be worse and wider than they should be"));
    }
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let about = [
        format!("date: {} (UTC)", said("date", &["-u", "+%Y-%m-%d %H:%M"])?),
        format!("source: {}", source()),
        format!("machine: {cores} cores of {}, {} GB", processor(), memory_gb()),
        format!("load before the start: {load}"),
        format!("kernel: Linux {}", first_word("/proc/sys/kernel/osrelease")),
    ];
    Ok(about.iter().chain(versions).map(|line| format!("- {line}\n")).collect())
}

fn compiler() -> Result<String> {
    let cargo = artifacts::root().join("scripts/cargo.sh").display().to_string();
    Ok(said(&cargo, &["--version"])?.split(' ').nth(1).unwrap_or_default().to_owned())
}

/// The first line of what a program says, mostly its version.
pub(crate) fn first_line(program: &str, arguments: &[&str]) -> Result<String> {
    Ok(said(program, arguments)?.lines().next().unwrap_or_default().to_owned())
}

/// The commit, and whether there is more in the directory than that.
fn source() -> String {
    let root = artifacts::root().display().to_string();
    let git = |arguments: &[&str]| said("git", &[&["-C", &root], arguments].concat()).ok();
    let commit = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    let changed =
        git(&["status", "--porcelain", "--", "src", "crates", "Cargo.lock"]).is_none_or(|list| !list.is_empty());
    if changed { format!("{commit}, changed since") } else { commit }
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")).and_then(|line| line.split_once(": "));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

fn memory_gb() -> u64 {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = info.split_whitespace().nth(1).and_then(|figure| figure.parse::<u64>().ok());
    kilobytes.map_or(0, |kilobytes| (kilobytes * 1024 + 500_000_000) / 1_000_000_000)
}

/// wrk prints its version with its usage, and ends badly.
fn wrk_version() -> String {
    let output = Command::new("wrk").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.split(" [").next().unwrap_or("wrk").trim().to_owned()
}

fn first_word(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().split_whitespace().next().unwrap_or_default().to_owned()
}

fn said(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output().with_context(|| format!("cannot run {program}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
