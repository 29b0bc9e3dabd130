//! What was replaced and what was not, as values and as text.

use std::fmt;

/// What became of one kind of instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The options exclude it.
    Off,
    /// The module has no such instruction.
    Absent,
    /// All instructions stay.
    Kept(Vec<Kept>),
    /// All but `kept` are replaced.
    Replaced {
        /// The number of instructions that were replaced.
        sites: usize,
        /// The number of functions that were added for them.
        functions: usize,
        /// The instructions that stay.
        kept: Vec<Kept>,
    },
}

/// Instructions that stay as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Their number.
    pub sites: usize,
    /// Why they stay.
    pub reason: String,
}

/// The result of [`lower`](crate::lower) beside the module.
#[derive(Clone, Debug)]
pub struct Report {
    /// `call_indirect`.
    pub indirect_calls: Outcome,
    /// `memory.copy` and `memory.fill`.
    pub bulk_memory: Outcome,
    /// The output needs an engine with the SIMD proposal: added functions use it.
    pub uses_simd: bool,
    /// Custom sections that refer to positions in the code, which have changed: debug information, branch hints.
    pub dropped_sections: Vec<String>,
    /// The size of the input.
    pub bytes_before: usize,
    /// The size of the output.
    pub bytes_after: usize,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => write!(f, "switched off"),
            Self::Absent => write!(f, "none in the module"),
            Self::Kept(kept) => write!(f, "{}", list(kept)),
            Self::Replaced { sites, functions, kept } => {
                let separator = if kept.is_empty() { "" } else { "; " };
                write!(f, "{sites} replaced by calls of {functions} functions{separator}{}", list(kept))
            }
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} left alone: {}", self.sites, self.reason)
    }
}

fn list(kept: &[Kept]) -> String {
    kept.iter().map(Kept::to_string).collect::<Vec<_>>().join("; ")
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "call_indirect: {}", self.indirect_calls)?;
        writeln!(f, "memory.copy, memory.fill: {}", self.bulk_memory)?;
        if self.uses_simd {
            writeln!(f, "the added functions use SIMD (--no-simd: not)")?;
        }
        if !self.dropped_sections.is_empty() {
            writeln!(f, "dropped, as positions in the code change: {}", self.dropped_sections.join(", "))?;
        }
        write!(f, "size: {} bytes, was {}", self.bytes_after, self.bytes_before)
    }
}
