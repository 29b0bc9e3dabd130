//! Describes the machine and the software of a measurement.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{artifacts, runtime};

/// A Markdown list: date, source, machine, versions of compiler, runtime and database.
///
/// # Errors
/// When one of these programs is missing.
pub fn describe() -> Result<String> {
    describe_with(&[
        format!("compiler: rust {}", compiler()?),
        format!("runtime: {}", runtime::version()?),
        format!(
            "database: MariaDB {}",
            output_of("mariadb", &["--version"])?.split([' ', ',']).nth(2).unwrap_or_default()
        ),
    ])
}

/// The same list with these versions instead.
///
/// # Errors
/// As for [`describe`].
pub fn describe_with(versions: &[String]) -> Result<String> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let machine = [
        format!("date: {} (UTC)", output_of("date", &["-u", "+%Y-%m-%d %H:%M"])?),
        format!("source: {}", source()),
        format!("machine: {cores} cores of {}, {} GB", processor(), memory_gb()),
        format!("load before the start: {}", load_average()),
        format!("kernel: Linux {}", first_word("/proc/sys/kernel/osrelease")),
    ];
    Ok(machine.iter().chain(versions).map(|line| format!("- {line}\n")).collect())
}

fn compiler() -> Result<String> {
    let cargo = artifacts::root().join("scripts/cargo.sh").display().to_string();
    Ok(output_of(&cargo, &["--version"])?.split(' ').nth(1).unwrap_or_default().to_owned())
}

/// The load average of the last minute.
#[must_use]
pub fn load_average() -> String {
    first_word("/proc/loadavg")
}

/// The first line of a program's output, such as its version.
///
/// # Errors
/// When the program is missing.
pub fn first_line(program: &str, arguments: &[&str]) -> Result<String> {
    Ok(output_of(program, arguments)?.lines().next().unwrap_or_default().to_owned())
}

/// The commit, and whether the work tree differs from it.
fn source() -> String {
    let root = artifacts::root().display().to_string();
    let git = |arguments: &[&str]| output_of("git", &[&["-C", &root], arguments].concat()).ok();
    let commit = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    let measured = ["src", "crates", "Cargo.toml", "Cargo.lock", ".cargo", "tools/wasm-lower", "tools/bench"];
    let status = git(&[&["status", "--porcelain", "--"], &measured[..]].concat());
    let changed = status.is_none_or(|list| !list.is_empty());
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

fn first_word(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().split_whitespace().next().unwrap_or_default().to_owned()
}

fn output_of(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output().with_context(|| format!("cannot run {program}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
