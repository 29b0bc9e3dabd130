//! Removes from a compiled file what WasmEdge does not read.
//!
//! `wasmedge compile x.wasm x.so` puts the whole module into the ELF file, beside the machine code. WasmEdge copies the
//! module at each start, and reads its types, imports, exports and data. It skips the bodies of the functions, because
//! it has machine code for them. [`strip`] replaces each body by one `unreachable`, and removes custom sections. The
//! file keeps its length, so no offset changes: zeros follow the shorter module. They need neither memory nor space in
//! a compressed image.

use std::ops::Range;

use anyhow::{Context, Result};
use object::{Object, ObjectSection, ObjectSymbol};
use wasm_encoder::{CodeSection, Function, Instruction, Module, RawSection};
use wasmparser::{Parser, Payload};

/// The version of the compiled format (WasmEdge's `AOT::kBinaryVersion`) whose files are never interpreted: that of
/// WasmEdge 0.14. Later ones interpret the embedded module unless `--run-mode aot` is given.
const NEVER_INTERPRETED: u32 = 1;

/// The source of this crate, for the keys of caches: another source may make other files.
pub const SOURCE: &[u8] = include_bytes!("lib.rs");

/// The result of [`strip`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The embedded module had `before` bytes and has `after` bytes.
    Stripped {
        /// Bytes of the module as it was compiled.
        before: usize,
        /// Bytes of the module without its code.
        after: usize,
    },
    /// The file is unchanged: a runtime that loads this version of the format may interpret the embedded module.
    Unchanged {
        /// The version of the format.
        version: u32,
    },
}

/// Strips `file`, the content of an ELF file from `wasmedge compile`, in place.
///
/// # Errors
/// When it is no such file, or the embedded module is malformed. The content is unchanged then.
pub fn strip(file: &mut [u8]) -> Result<Outcome> {
    let version = read_u32(file, symbol(file, "version")?)?;
    if version != NEVER_INTERPRETED {
        return Ok(Outcome::Unchanged { version });
    }
    let size_offset = symbol(file, "wasm.size")?;
    let start = symbol(file, "wasm.code")?;
    let before = usize::try_from(read_u32(file, size_offset)?)?;
    let range = start..start.checked_add(before).context("the module's size overflows")?;
    let module = file.get_mut(range).context("the module is outside of the file")?;
    let stripped = without_code(module)?;
    let (head, rest) = module.split_at_mut_checked(stripped.len()).context("the stripped module is larger")?;
    head.copy_from_slice(&stripped);
    rest.fill(0);
    let size = u32::try_from(stripped.len())?.to_le_bytes();
    file.get_mut(four_bytes(size_offset)).context("wasm.size is outside of the file")?.copy_from_slice(&size);
    Ok(Outcome::Stripped { before, after: stripped.len() })
}

/// `module` with empty functions and without custom sections.
fn without_code(module: &[u8]) -> Result<Vec<u8>> {
    let mut stripped = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload.context("the embedded module is malformed")? {
            Payload::CodeSectionStart { count, .. } => {
                let mut trap = Function::new([]);
                trap.instruction(&Instruction::Unreachable).instruction(&Instruction::End);
                let mut code = CodeSection::new();
                for _ in 0..count {
                    code.function(&trap);
                }
                stripped.section(&code);
            }
            Payload::CodeSectionEntry(_) | Payload::CustomSection(_) => {}
            payload => {
                if let Some((id, range)) = payload.as_section() {
                    let range = usize::try_from(range.start)?..usize::try_from(range.end)?;
                    let data = module.get(range).context("a section is outside of the module")?;
                    stripped.section(&RawSection { id, data });
                }
            }
        }
    }
    Ok(stripped.finish())
}

/// The offset of a dynamic symbol's value in the file.
fn symbol(file: &[u8], name: &str) -> Result<usize> {
    let elf = object::File::parse(file).context("not an ELF file")?;
    let missing = || format!("no compiled module of WasmEdge: the symbol {name} is missing");
    let symbol = elf.dynamic_symbols().find(|symbol| symbol.name() == Ok(name)).with_context(missing)?;
    let section = elf.section_by_index(symbol.section_index().with_context(missing)?).with_context(missing)?;
    let (start, _) = section.file_range().with_context(missing)?;
    let inside = symbol.address().checked_sub(section.address()).with_context(missing)?;
    Ok(usize::try_from(start.checked_add(inside).with_context(missing)?)?)
}

fn read_u32(file: &[u8], offset: usize) -> Result<u32> {
    let bytes = file.get(four_bytes(offset)).context("a symbol is outside of the file")?;
    Ok(u32::from_le_bytes(bytes.try_into()?))
}

fn four_bytes(offset: usize) -> Range<usize> {
    offset..offset.saturating_add(4)
}

#[cfg(test)]
mod tests;
