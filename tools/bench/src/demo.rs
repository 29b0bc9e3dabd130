//! The server that the service and the binding are measured against, built twice: as published, and on our binding.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use testkit::artifacts;

use crate::say;

/// hyper_wasi's server on the published binding.
pub(crate) fn published() -> Result<PathBuf> {
    say("building hyper_wasi's server as published, for comparison …");
    build(&source(), "demo", &["--locked"])
}

/// The same source, all versions the same, on our binding. It is built from a copy: its list of versions names another binding.
pub(crate) fn on_ours() -> Result<PathBuf> {
    say("building the same server on our binding …");
    let (from, copy) = (source(), artifacts::target_dir().join("demo-ours"));
    fs::create_dir_all(copy.join("src"))?;
    for file in ["Cargo.toml", "src/main.rs"] {
        fs::copy(from.join(file), copy.join(file)).with_context(|| format!("cannot copy {file}"))?;
    }
    let versions = fs::read_to_string(from.join("Cargo.lock"))?;
    fs::write(copy.join("Cargo.lock"), without_published(&versions))?;
    let ours = artifacts::root().join("crates/wasmedge_wasi_socket");
    let patch = format!("patch.crates-io.wasmedge_wasi_socket.path={:?}", ours.display().to_string());
    build(&copy, "demo-ours", &["--config", &patch])
}

fn source() -> PathBuf {
    artifacts::root().join("tools/bench/demo")
}

fn build(package: &Path, target: &str, more: &[&str]) -> Result<PathBuf> {
    let target = artifacts::target_dir().join(target);
    let mut command = Command::new(artifacts::root().join("scripts/cargo.sh"));
    command.args(["build", "--quiet", "--release", "--manifest-path"]).arg(package.join("Cargo.toml")).args(more);
    // From the root, where the linker is named.
    command.current_dir(artifacts::root()).env("CARGO_TARGET_DIR", &target);
    let status = command.status().context("cannot run scripts/cargo.sh")?;
    ensure!(status.success(), "{} does not build", package.display());
    Ok(target.join("wasm32-wasip1/release/demo.wasm"))
}

/// A list of versions without the published binding's, so that cargo takes the other one.
fn without_published(versions: &str) -> String {
    let entries = versions.split("[[package]]");
    entries
        .filter(|entry| !entry.contains("\nname = \"wasmedge_wasi_socket\"\n"))
        .collect::<Vec<_>>()
        .join("[[package]]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bindings_own_entry_leaves_the_list() {
        let entry = |name: &str, needs: &str| format!("[[package]]\nname = \"{name}\"\n{needs}\n");
        let (socket, mio) =
            (entry("wasmedge_wasi_socket", ""), entry("mio_wasi", "dependencies = [\n \"wasmedge_wasi_socket\",\n]"));
        assert_eq!(without_published(&format!("version = 4\n{mio}{socket}")), format!("version = 4\n{mio}"));
    }
}
