//! Lines about slow steps.

use std::io::{self, Write};

/// Writes to standard error directly: the test runner holds back `eprintln!` until the test ends.
pub(crate) fn print_progress(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
