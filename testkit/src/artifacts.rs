//! Where the programs under test are: named by the environment (the Makefile does), else at cargo's default paths.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::engine::run;
use crate::temp::TempDir;

/// The service compiled to WebAssembly: `ORDER_SERVICE_WASM`, else the release build.
///
/// # Errors
/// When it is not there, with the command that builds it.
pub fn wasm() -> Result<PathBuf> {
    found("ORDER_SERVICE_WASM", target_dir().join("wasm32-wasip1/release/order-service.wasm"), "make build")
}

/// The service compiled for this machine: `ORDER_SERVICE_NATIVE`, else the build with profile `native`.
///
/// # Errors
/// When it is not there, with the command that builds it.
pub fn native() -> Result<PathBuf> {
    let host = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    found("ORDER_SERVICE_NATIVE", target_dir().join(host).join("native/order-service"), "make native")
}

/// The programs of `tests/e2e/guest`: `GUEST_WASM`, else the release build.
///
/// # Errors
/// When they are not there, with the command that builds them.
pub fn guest() -> Result<PathBuf> {
    found("GUEST_WASM", target_dir().join("guest/wasm32-wasip1/release/guest.wasm"), "make guest")
}

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(1).unwrap_or(here).to_path_buf()
}

/// Cargo's target directory: `CARGO_TARGET_DIR`, else `target` at the root.
#[must_use]
pub fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |path| root().join(path))
}

fn found(variable: &str, default: PathBuf, how: &str) -> Result<PathBuf> {
    let path = env::var_os(variable).map_or(default, PathBuf::from);
    if !path.is_file() {
        bail!("{} is not there: build it with `{how}`, or name it in {variable}", path.display());
    }
    Ok(path)
}

/// A copy of what git tracks, as it is now, at another place and with other file times.
///
/// # Errors
/// When this is no work tree of git, or there is no room.
pub fn copy_of_the_source() -> Result<TempDir> {
    let copy = TempDir::new()?;
    let script = "git ls-files -z --cached --others --exclude-standard | xargs -0 tar -cf - --ignore-failed-read | tar -xmf - -C \"$0\"";
    run(Command::new("sh").args(["-c", script]).arg(copy.path()).current_dir(root()))?;
    Ok(copy)
}
