//! Compiles a `.wasm` ahead of time with `wasmedge compile`. The cache key is the file's content.
//!
//! The result is an ELF file: WasmEdge maps it, and processes share its pages. The other form, a `.wasm` with a section
//! of machine code, is copied into each process (docs/decisions/0025-compiled-files-are-elf.md). The module's code,
//! which WasmEdge does not read then, is removed from the file (`tools/strip-aot`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::progress::print_progress;
use crate::sync::lock;
use crate::{artifacts, runtime};

/// Options of `wasmedge compile`; part of the cache key.
const OPTIONS: [&str; 0] = [];

/// The form of the compiled file; part of the cache key.
const FORM: &str = "stripped ELF";

/// The compiled form of `wasm`, from `target/aot/` or compiled now. Compiling takes about a minute; a line on standard
/// error announces it. `ORDER_SERVICE_AOT` names a compiled file to use instead.
///
/// # Errors
/// When `wasmedge` is missing or cannot compile the file; its output is in the error.
pub fn compiled(wasm: &Path) -> Result<PathBuf> {
    // One at a time: tests that start together must not all compile the same file.
    static COMPILING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = lock(&COMPILING);
    if let Some(named) = std::env::var_os("ORDER_SERVICE_AOT") {
        let named = PathBuf::from(named);
        anyhow::ensure!(named.is_file(), "{} (from ORDER_SERVICE_AOT) is missing", named.display());
        return Ok(named);
    }
    let cached = cached_path(wasm)?;
    if !cached.is_file() {
        compile(wasm, &cached)?;
    }
    Ok(cached)
}

/// Whether `wasm` is compiled already.
///
/// # Errors
/// When `wasmedge` or the file is missing.
pub fn is_compiled(wasm: &Path) -> Result<bool> {
    Ok(std::env::var_os("ORDER_SERVICE_AOT").is_some() || cached_path(wasm)?.is_file())
}

fn cached_path(wasm: &Path) -> Result<PathBuf> {
    let content = fs::read(wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let version = runtime::output(&runtime::compiler(), "--version")?;
    let options = format!("{FORM} {}", OPTIONS.join(" "));
    let key = [version.as_bytes(), options.as_bytes(), processor().as_bytes(), content.as_slice()]
        .iter()
        .fold(FNV_START, |hash, part| fnv(hash, part));
    let name = wasm.file_stem().unwrap_or_default().to_string_lossy();
    Ok(artifacts::target_dir().join("aot").join(format!("{name}-{key:032x}.so")))
}

fn compile(wasm: &Path, cached: &Path) -> Result<()> {
    let directory = cached.parent().context("the cache path has no directory")?;
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    print_progress(&format!("aot: compiling {} for this processor (about a minute, once) …", wasm.display()));
    let start = Instant::now();
    // Renamed when complete: another process sees either no file or the whole file. WasmEdge writes ELF
    // if the name ends in `.so`.
    let partial = cached.with_extension(format!("{}.partial.so", std::process::id()));
    let mut command = Command::new(runtime::compiler());
    command.arg("compile").args(OPTIONS).arg(wasm).arg(&partial).stdin(Stdio::null());
    let output = command.output().context("cannot run wasmedge compile")?;
    if !output.status.success() {
        let _ = fs::remove_file(&partial);
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        bail!("wasmedge compile {} ended with {}:\n{text}", wasm.display(), output.status);
    }
    strip(&partial).with_context(|| format!("cannot strip {}", partial.display()))?;
    fs::rename(&partial, cached).with_context(|| format!("cannot write {}", cached.display()))?;
    print_progress(&format!("aot: done in {:.0} s: {}", start.elapsed().as_secs_f64(), cached.display()));
    Ok(())
}

/// Removes from the ELF file what WasmEdge does not read. Fails on any other file.
fn strip(compiled: &Path) -> Result<()> {
    let mut content = fs::read(compiled)?;
    strip_aot::strip(&mut content)?;
    Ok(fs::write(compiled, content)?)
}

/// Compiled code is specific to the processor. A target directory copied to another machine must not be used there.
fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    info.lines().filter(|line| line.starts_with("model name") || line.starts_with("flags")).take(2).collect()
}

const FNV_START: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;

/// FNV-1a, 128 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>): a cache key, not a cryptographic hash.
fn fnv(start: u128, bytes: &[u8]) -> u128 {
    bytes
        .iter()
        .fold(start, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(fnv(FNV_START, b""), FNV_START);
        assert_eq!(fnv(FNV_START, b"a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }
}
