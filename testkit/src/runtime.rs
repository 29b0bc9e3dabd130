//! Which WasmEdge runs modules, and how: `WASMEDGE` names the program, otherwise it is the `wasmedge` on the PATH.
//!
//! Since 0.17 WasmEdge interprets compiled files unless `--run-mode aot` is given. Earlier versions do not know that
//! option and always run a compiled file's machine code.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result};

/// The first bytes of an ELF file (elf(5), `e_ident`), one form of compiled files.
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

/// WasmEdge with the options for `module`: a compiled file's machine code is run, another file is interpreted. Further
/// options may follow, then the module itself.
#[must_use]
pub fn command(module: &Path) -> Command {
    let mut command = Command::new(program());
    if knows_run_mode() && is_compiled(module) {
        command.args(["--run-mode", "aot"]);
    }
    command
}

/// Whether `wasmedge --help` lists `--run-mode`. A program that cannot be run knows nothing; starting it reports why.
fn knows_run_mode() -> bool {
    static KNOWS: OnceLock<bool> = OnceLock::new();
    *KNOWS.get_or_init(|| output(&program(), "--help").is_ok_and(|help| help.contains("--run-mode")))
}

/// Whether the file has machine code of WasmEdge: an ELF file, or the universal form, a module with a section for the
/// code. A file that cannot be read has none; WasmEdge reports why.
fn is_compiled(module: &Path) -> bool {
    std::fs::read(module).is_ok_and(|file| {
        file.starts_with(&ELF_MAGIC) || wasm_lower::custom_section(&file, wasm_lower::COMPILED_SECTION).is_some()
    })
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
    fn files_with_machine_code_count_as_compiled() -> Result<()> {
        assert!(is_compiled(&std::env::current_exe()?));
        let dir = crate::TempDir::new()?;
        for (name, content, expected) in [
            ("module.wasm", b"\0asm\x01\0\0\0".as_slice(), false),
            ("short.so", b"\x7fEL", false),
            ("notes.wasm", b"\0asm\x01\0\0\0\0\x06\x05notes", false),
            ("universal.wasm", b"\0asm\x01\0\0\0\0\x0d\x08wasmedgecode", true),
        ] {
            std::fs::write(dir.path().join(name), content)?;
            assert_eq!(is_compiled(&dir.path().join(name)), expected, "{name}");
        }
        assert!(!is_compiled(&dir.path().join("missing")));
        Ok(())
    }
}
