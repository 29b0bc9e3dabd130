//! hyper_wasi's server, which the service and the binding are compared with. It is built twice: as published, and on
//! our binding.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use testkit::artifacts;

use crate::print_line;

/// Builds the server on the published binding.
pub(crate) fn build_published() -> Result<PathBuf> {
    print_line("building hyper_wasi's server as published, for comparison …");
    build(&source(), "hyper_server", &["--locked"])
}

/// Builds the same source and versions on our binding. This needs a copy, because its lock file names the published
/// binding.
pub(crate) fn build_on_our_binding() -> Result<PathBuf> {
    print_line("building the same server on our binding …");
    let (source, copy) = (source(), artifacts::target_dir().join("hyper_server-ours"));
    fs::create_dir_all(copy.join("src"))?;
    for file in ["Cargo.toml", "src/main.rs"] {
        fs::copy(source.join(file), copy.join(file)).with_context(|| format!("cannot copy {file}"))?;
    }
    let lock_file = fs::read_to_string(source.join("Cargo.lock"))?;
    fs::write(copy.join("Cargo.lock"), without_published_binding(&lock_file))?;
    let ours = artifacts::root().join("crates/wasmedge_wasi_socket");
    let patch = format!("patch.crates-io.wasmedge_wasi_socket.path={:?}", ours.display().to_string());
    build(&copy, "hyper_server-ours", &["--config", &patch])
}

fn source() -> PathBuf {
    artifacts::root().join("tools/bench/hyper_server")
}

fn build(package: &Path, target: &str, options: &[&str]) -> Result<PathBuf> {
    let target = artifacts::target_dir().join(target);
    let mut command = Command::new(artifacts::root().join("scripts/cargo.sh"));
    command.args(["build", "--quiet", "--release", "--manifest-path"]).arg(package.join("Cargo.toml")).args(options);
    // In the root directory, so that cargo finds .cargo/config.toml, which names the linker.
    command.current_dir(artifacts::root()).env("CARGO_TARGET_DIR", &target);
    let status = command.status().context("cannot run scripts/cargo.sh")?;
    ensure!(status.success(), "{} does not build", package.display());
    Ok(target.join("wasm32-wasip1/release/hyper-server.wasm"))
}

/// A lock file without the published binding, so that cargo selects the patched one.
fn without_published_binding(lock_file: &str) -> String {
    let entries = lock_file.split("[[package]]");
    entries
        .filter(|entry| !entry.contains("\nname = \"wasmedge_wasi_socket\"\n"))
        .collect::<Vec<_>>()
        .join("[[package]]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bindings_own_entry_is_removed_from_the_lock_file() {
        let entry = |name: &str, needs: &str| format!("[[package]]\nname = \"{name}\"\n{needs}\n");
        let (socket, mio) =
            (entry("wasmedge_wasi_socket", ""), entry("mio_wasi", "dependencies = [\n \"wasmedge_wasi_socket\",\n]"));
        assert_eq!(without_published_binding(&format!("version = 4\n{mio}{socket}")), format!("version = 4\n{mio}"));
    }
}
