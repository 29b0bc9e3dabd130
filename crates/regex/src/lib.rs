//! Regular expressions for the database driver.
//!
//! mysql_common has a few short patterns, for the server's version and for PEM. For them the published crate `regex`
//! adds several engines and Unicode's tables to the module, a fifth of its code. This crate replaces it
//! (`[patch.crates-io]`) with regex-lite, of the same authors. It has the part of the interface that the dependents use
//! (docs/decisions/0028-a-small-regex-for-the-driver.md).
//!
//! One difference: `\d`, `\s` and `\w` stand for ASCII characters only. The driver's patterns mean ASCII: it reads what
//! `\d` has found as ASCII digits, and panics on others.

pub mod bytes;
mod set;

pub use regex_lite::{Captures, Error, Match, Regex};
pub use set::{RegexSet, SetMatches};
