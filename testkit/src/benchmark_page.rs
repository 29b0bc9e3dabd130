//! The generated sections of docs/BENCHMARKS.md. Each command owns one section, between two markers; people write the
//! rest.

use std::fs;

use anyhow::{Context, Result};

use crate::artifacts;

/// The longest line of prose, in characters.
const MAX_COLUMNS: usize = 120;

/// Replaces the section of `command`, such as `make soak`, with `body`.
///
/// # Errors
/// When the page cannot be written.
pub fn write_section(command: &str, body: &str) -> Result<()> {
    let path = artifacts::root().join("docs/BENCHMARKS.md");
    let page = fs::read_to_string(&path).unwrap_or_default();
    fs::write(&path, with_section(&page, command, body)).with_context(|| format!("cannot write {}", path.display()))
}

/// `page` with `body` between the command's markers; appended where it has none.
fn with_section(page: &str, command: &str, body: &str) -> String {
    let (start, end) = (format!("<!-- {command}: start -->"), format!("<!-- {command}: end -->"));
    let new = format!("{start}\n{}\n{end}", wrap_prose(body.trim_end()));
    let parts = page.split_once(&start).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    match parts {
        Some((before, after)) => format!("{before}{new}{after}"),
        None => format!("{}\n\n{new}\n", page.trim_end()),
    }
}

/// `body` with its paragraphs wrapped. Tables, lists, headings and images stay as they are.
fn wrap_prose(body: &str) -> String {
    let is_prose = |line: &str| !line.starts_with(['|', '-', '#', '!']);
    let wrap = |line| if is_prose(line) { textwrap::fill(line, MAX_COLUMNS) } else { line.to_owned() };
    body.lines().map(wrap).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_between_the_commands_own_markers_changes() {
        let markers = |body: &str| format!("<!-- make a: start -->\n{body}\n<!-- make a: end -->");
        let first = with_section("# Title\n", "make a", "one");
        assert_eq!(first, format!("# Title\n\n{}\n", markers("one")));
        let both = with_section(&format!("{first}after\n"), "make b", "other");
        let changed = with_section(&both, "make a", "two");
        assert_eq!(changed, both.replace("\none\n", "\ntwo\n"));
    }

    #[test]
    fn only_prose_is_wrapped() {
        let (prose, row) = ("word ".repeat(60), format!("| {} |", "cell ".repeat(60)));
        let wrapped = wrap_prose(&format!("{prose}\n{row}"));
        assert!(wrapped.lines().all(|line| line == row || line.len() <= MAX_COLUMNS), "{wrapped}");
        assert!(wrapped.ends_with(&row) && wrapped.matches("word").count() == 60, "{wrapped}");
    }
}
