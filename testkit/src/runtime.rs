//! Which WasmEdge runs modules, and how: `WASMEDGE` names the program, otherwise it is the `wasmedge` on the PATH.
//!
//! Since 0.17 WasmEdge interprets compiled files unless `--run-mode aot` is given. Earlier versions do not know that
//! option and always run a compiled file's machine code.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result};

/// The first bytes of an ELF file (elf(5), `e_ident`), the form of compiled files.
const ELF_MAGIC: [u8; 4] = *b"\x7fELF";

/// The program that runs modules.
#[must_use]
pub fn program() -> OsString {
    std::env::var_os("WASMEDGE").filter(|name| !name.is_empty()).unwrap_or_else(|| "wasmedge".into())
}

/// The program that compiles modules: `WASMEDGE_COMPILER`, otherwise [`program`]. A WasmEdge without LLVM cannot
/// compile; it runs what another one of the same version has compiled.
#[must_use]
pub fn compiler() -> OsString {
    std::env::var_os("WASMEDGE_COMPILER").filter(|name| !name.is_empty()).unwrap_or_else(program)
}

/// The first line of `wasmedge --version`.
///
/// # Errors
/// When the program cannot be run.
pub fn version() -> Result<String> {
    Ok(output(&program(), "--version")?.lines().next().unwrap_or_default().to_owned())
}

/// WasmEdge with the options that make it run `module` as what it is: machine code if it is a compiled file. Further
/// options may follow, then the module itself.
#[must_use]
pub fn command(module: &Path) -> Command {
    let mut command = Command::new(program());
    if is_compiled(module) && knows_run_mode() {
        command.args(["--run-mode", "aot"]);
    }
    command
}

/// Whether `wasmedge --help` lists `--run-mode`. A program that cannot be run knows nothing; starting it reports why.
fn knows_run_mode() -> bool {
    static KNOWS: OnceLock<bool> = OnceLock::new();
    *KNOWS.get_or_init(|| output(&program(), "--help").is_ok_and(|help| help.contains("--run-mode")))
}

/// Whether the file is an ELF file. A file that cannot be read is none; WasmEdge reports why.
fn is_compiled(module: &Path) -> bool {
    let mut magic = [0; ELF_MAGIC.len()];
    let read = std::fs::File::open(module).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && magic == ELF_MAGIC
}

/// What the program prints with this option.
pub(crate) fn output(program: &OsString, option: &str) -> Result<String> {
    let name = program.to_string_lossy();
    let mut command = Command::new(program);
    let output = command.arg(option).stdin(Stdio::null()).output().with_context(|| format!("cannot run {name}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_elf_file_counts_as_compiled() -> Result<()> {
        assert!(is_compiled(&std::env::current_exe()?));
        let dir = crate::TempDir::new()?;
        for (name, content) in [("module.wasm", b"\0asm\x01\0\0\0".as_slice()), ("short.so", b"\x7fEL")] {
            std::fs::write(dir.path().join(name), content)?;
            assert!(!is_compiled(&dir.path().join(name)), "{name}");
        }
        assert!(!is_compiled(&dir.path().join("missing")));
        Ok(())
    }
}
