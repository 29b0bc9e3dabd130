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
use tempfile::Builder;
use wasm_lower::fnv;

use crate::progress::print_progress;
use crate::sync::lock;
use crate::{artifacts, runtime};

/// Options of `wasmedge compile`; part of the cache key.
const OPTIONS: [&str; 0] = [];

/// The form of the compiled file; part of the cache key.
const FORM: &str = "stripped ELF";

/// The service, compiled: the file that `ORDER_SERVICE_AOT` names, otherwise [`compiled`] from [`artifacts::wasm`].
///
/// # Errors
/// When that file is missing, and as those.
pub fn service() -> Result<PathBuf> {
    let Some(named) = std::env::var_os("ORDER_SERVICE_AOT") else { return compiled(&artifacts::wasm()?) };
    let named = PathBuf::from(named);
    anyhow::ensure!(named.is_file(), "{} (from ORDER_SERVICE_AOT) is missing", named.display());
    Ok(named)
}

/// The compiled form of `wasm`, from `target/aot/` or compiled now. Compiling takes about a minute; a line on standard
/// error announces it.
///
/// # Errors
/// When `wasmedge` is missing or cannot compile the file; its output is in the error.
pub fn compiled(wasm: &Path) -> Result<PathBuf> {
    // One at a time: tests that start together must not all compile the same file.
    static COMPILING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = lock(&COMPILING);
    let cached = cached_path(wasm)?;
    if !cached.is_file() {
        compile(wasm, &cached)?;
    }
    Ok(cached)
}

/// The path's name has a key: the compiler's version, its options, the processor, the source of strip-aot and the
/// module. A lowered module names the source of wasm-lower in a section of its own.
fn cached_path(wasm: &Path) -> Result<PathBuf> {
    let content = fs::read(wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let version = runtime::output(&runtime::compiler(), "--version")?;
    let options = format!("{FORM} {}", OPTIONS.join(" "));
    let processor = processor();
    let parts = [version.as_bytes(), options.as_bytes(), processor.as_bytes(), strip_aot::SOURCE, &content];
    let name = wasm.file_stem().unwrap_or_default().to_string_lossy();
    Ok(artifacts::target_dir().join("aot").join(format!("{name}-{:032x}.so", fnv::hash(&parts))))
}

fn compile(wasm: &Path, cached: &Path) -> Result<()> {
    let directory = cached.parent().context("the cache path has no directory")?;
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    print_progress(&format!("aot: compiling {} for this processor (about a minute, once) …", wasm.display()));
    let start = Instant::now();
    // Renamed when complete: another process sees either no file or the whole file. After an error the file is removed.
    // WasmEdge writes ELF if the name ends in `.so`.
    let partial = Builder::new().prefix("partial-").suffix(".so").tempfile_in(directory)?.into_temp_path();
    let mut command = Command::new(runtime::compiler());
    command.arg("compile").args(OPTIONS).arg(wasm).arg(&partial).stdin(Stdio::null());
    let output = command.output().context("cannot run wasmedge compile")?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        bail!("wasmedge compile {} ended with {}:\n{text}", wasm.display(), output.status);
    }
    strip(&partial).with_context(|| format!("cannot strip {}", partial.display()))?;
    partial.persist(cached).with_context(|| format!("cannot write {}", cached.display()))?;
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
