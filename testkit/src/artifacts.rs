//! Paths of the programs under test: from the environment, otherwise cargo's default paths.
//!
//! A module that cargo built is run in the form that tools/wasm-lower makes of it, except with `WASM_LOWER=off`. A
//! module that the environment names is run as it is.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::engine::run;
use crate::progress::print_progress;
use crate::temp::TempDir;

/// The service compiled to WebAssembly: `ORDER_SERVICE_WASM`, otherwise the release build.
///
/// # Errors
/// When the file is missing; the error names the command that builds it. When it cannot be lowered.
pub fn wasm() -> Result<PathBuf> {
    locate_module("ORDER_SERVICE_WASM", target_dir().join("wasm32-wasip1/release/order-service.wasm"), "make build")
}

/// The service compiled for this machine: `ORDER_SERVICE_NATIVE`, otherwise the build with profile `native`.
///
/// # Errors
/// When the file is missing; the error names the command that builds it.
pub fn native() -> Result<PathBuf> {
    let host = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    locate("ORDER_SERVICE_NATIVE", target_dir().join(host).join("native/order-service"), "make native")
}

/// The programs of `tests/e2e/guest`: `GUEST_WASM`, otherwise the release build.
///
/// # Errors
/// When the file is missing; the error names the command that builds it. When it cannot be lowered.
pub fn guest() -> Result<PathBuf> {
    locate_module("GUEST_WASM", target_dir().join("guest/wasm32-wasip1/release/guest.wasm"), "make guest")
}

/// The kit's example, a service without a database: `HELLO_WASM`, otherwise the release build.
///
/// # Errors
/// When the file is missing; the error names the command that builds it. When it cannot be lowered.
pub fn hello() -> Result<PathBuf> {
    let build_command = "scripts/cargo.sh build --release --package microservice --example hello";
    locate_module("HELLO_WASM", target_dir().join("wasm32-wasip1/release/examples/hello.wasm"), build_command)
}

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(1).unwrap_or(here).to_path_buf()
}

/// Cargo's target directory: `CARGO_TARGET_DIR`, otherwise `target` at the root.
#[must_use]
pub fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |path| root().join(path))
}

fn locate_module(variable: &str, default: PathBuf, build_command: &str) -> Result<PathBuf> {
    let path = locate(variable, default, build_command)?;
    if env::var_os(variable).is_some() { Ok(path) } else { lowered(&path) }
}

/// The form of a module that is run, in the directory `lowered` beside it; made now unless it is up to date.
///
/// # Errors
/// When the module cannot be read or lowered, or the result not be written.
pub fn lowered(module: &Path) -> Result<PathBuf> {
    if env::var_os("WASM_LOWER").is_some_and(|value| value == "off") {
        return Ok(module.to_path_buf());
    }
    let directory = module.with_file_name("lowered");
    let cached = wasm_lower::lower_file(module, &directory, wasm_lower::Options::default())?;
    if let Some((_, took)) = cached.made {
        print_progress(&format!("wasm-lower: {} in {:.2} s", cached.path.display(), took.as_secs_f64()));
    }
    Ok(cached.path)
}

fn locate(variable: &str, default: PathBuf, build_command: &str) -> Result<PathBuf> {
    let path = env::var_os(variable).map_or(default, PathBuf::from);
    if !path.is_file() {
        bail!("{} is missing: build it with `{build_command}`, or set {variable} to its path", path.display());
    }
    Ok(path)
}

/// Copies all files that git does not ignore, as they are now, into another directory and with other file times.
///
/// # Errors
/// When this is no work tree of git, or the disk is full.
pub fn copy_source() -> Result<TempDir> {
    copy_files("-xmf")
}

/// The same with the original file times. Cargo compares file times. So in a copy that uses this target directory it
/// compiles only what has changed.
///
/// # Errors
/// As above.
pub fn copy_source_with_times() -> Result<TempDir> {
    copy_files("-xf")
}

/// `extract` is the option of `tar`.
fn copy_files(extract: &str) -> Result<TempDir> {
    let copy = TempDir::new()?;
    let script = "git ls-files -z --cached --others --exclude-standard \
                  | xargs -0 tar -cf - --ignore-failed-read | tar \"$1\" - -C \"$0\"";
    run(Command::new("sh").args(["-c", script]).arg(copy.path()).arg(extract).current_dir(root()))?;
    Ok(copy)
}
