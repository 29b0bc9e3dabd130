//! Replaces the instructions for which WasmEdge's compiled code calls the runtime by functions of the module itself.
//!
//! - `call_indirect` becomes a direct call of a *dispatcher*, one for each function type (`dispatch`).
//! - `memory.copy` and `memory.fill` become calls of functions with the same meaning (`bulk`).
//!
//! Each part first proves from the module that the replacement has the same meaning (`analysis`). Where it cannot, it
//! leaves the instructions alone, and the [`Report`] has the reason. Indices, exports, names and most custom sections
//! stay as they are: new functions, types and globals follow the existing ones. README.md has figures and limits.

mod analysis;
mod bulk;
mod cache;
mod custom;
mod dispatch;
pub mod file;
pub mod fnv;
mod report;
mod rewrite;

use anyhow::{Context, Result, bail};
use wasmparser::Validator;

pub use crate::cache::{Cached, lower_file};
pub use crate::custom::{COMPILED_SECTION, custom_section};
pub use crate::report::{Kept, Outcome, Report};

/// The custom section that marks an output: this crate's version, the hash of its source, the key of the cache.
pub const SECTION: &str = "wasm-lower";

/// What to replace, and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Replace `call_indirect`.
    pub indirect_calls: bool,
    /// Replace `memory.copy` and `memory.fill`.
    pub bulk_memory: bool,
    /// Copy 16 bytes at a time with the instructions of the SIMD proposal, otherwise 8.
    pub simd: bool,
    /// The largest constant size, in bytes, for which copies and fills get a function of their own.
    pub max_constant: u32,
    /// The largest size, in bytes, that the functions for other sizes copy or fill themselves. Beyond it they execute
    /// the original instruction. At most 2³¹ − 1.
    pub max_loop: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            indirect_calls: true,
            bulk_memory: true,
            simd: true,
            max_constant: bulk::MAX_CONSTANT,
            max_loop: bulk::MAX_LOOP,
        }
    }
}

/// A module after [`lower`].
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The module in the binary format. It is valid.
    pub module: Vec<u8>,
    /// What was replaced.
    pub report: Report,
}

/// Replaces what `options` names in a module of the binary format.
///
/// # Errors
/// When `wasm` is no valid core module, when it has relocations, contains compiled code or is an output of this
/// function, and when the result does not validate, which would be a fault of this crate.
pub fn lower(wasm: &[u8], options: Options) -> Result<Lowered> {
    lower_with_key(wasm, options, "")
}

fn lower_with_key(wasm: &[u8], options: Options, key: &str) -> Result<Lowered> {
    Validator::new().validate_all(wasm).context("the module is not valid")?;
    let facts = analysis::read(wasm)?;
    if facts.compiled {
        bail!("the module contains code compiled by WasmEdge: lower it before `wasmedge compile`");
    }
    if facts.relocatable {
        bail!("the module has relocations: lower what the linker makes of it, without --emit-relocs");
    }
    if facts.lowered {
        bail!("the module is an output of wasm-lower");
    }
    let plan = rewrite::Plan::new(&facts, options);
    let module = rewrite::rewrite(wasm, &plan, key)?;
    Validator::new().validate_all(&module).context("wasm-lower made an invalid module")?;
    let report = Report {
        indirect_calls: plan.indirect_outcome(),
        bulk_memory: plan.bulk_outcome(),
        uses_simd: plan.uses_simd(),
        dropped_sections: facts.stale_sections,
        bytes_before: wasm.len(),
        bytes_after: module.len(),
    };
    Ok(Lowered { module, report })
}
