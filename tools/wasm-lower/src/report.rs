//! What was replaced, in words.

use std::fmt;

/// What became of one kind of instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The options exclude it.
    Off,
    /// The module has no such instruction.
    Absent,
    /// The instructions stay, for this reason.
    Kept(String),
    /// Replaced.
    Replaced {
        /// The number of instructions.
        sites: usize,
        /// The number of functions that were added for them.
        functions: usize,
    },
}

/// The result of [`lower`](crate::lower) beside the module.
#[derive(Clone, Debug)]
pub struct Report {
    /// `call_indirect`.
    pub indirect_calls: Outcome,
    /// `memory.copy` and `memory.fill`.
    pub bulk_memory: Outcome,
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
            Self::Kept(reason) => write!(f, "left alone: {reason}"),
            Self::Replaced { sites, functions } => write!(f, "{sites} replaced by calls of {functions} functions"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "call_indirect: {}", self.indirect_calls)?;
        writeln!(f, "memory.copy, memory.fill: {}", self.bulk_memory)?;
        if !self.dropped_sections.is_empty() {
            writeln!(f, "dropped, as positions in the code change: {}", self.dropped_sections.join(", "))?;
        }
        write!(f, "size: {} bytes, was {}", self.bytes_after, self.bytes_before)
    }
}
