//! docs/BENCHMARKS.md: the part between two markers is written here, the rest is written by people.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use testbed::artifacts;

use crate::{Plan, say};

const START: &str = "<!-- make bench: start -->";
const END: &str = "<!-- make bench: end -->";

/// The sections, in their order.
#[derive(Debug, Default)]
pub(crate) struct Page {
    sections: Vec<String>,
}

impl Page {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a section, and shows it.
    pub(crate) fn add(&mut self, section: String) {
        say(&format!("\n{section}"));
        self.sections.push(section);
    }

    /// Writes the page.
    pub(crate) fn finish(self, machine: &str, plan: &Plan, took: Duration) -> Result<()> {
        let command = if plan.quick { "QUICK=1 make bench" } else { "make bench" };
        let (runs, seconds, minutes) = (plan.rounds * 2, plan.seconds, took.as_secs_f64() / 60.0);
        let head = format!(
            "Command: `{command}`, {minutes:.1} minutes; {runs} runs of {seconds} s for each figure, contestants in turns (A B C C B A).\n\n{machine}"
        );
        let body = format!("{head}\n{}", self.sections.join("\n"));
        let path = artifacts::root().join("docs/BENCHMARKS.md");
        let page = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, placed(&page, &body)).with_context(|| format!("cannot write {}", path.display()))?;
        say(&format!("written to docs/BENCHMARKS.md after {minutes:.1} minutes"));
        Ok(())
    }
}

/// `page` with `body` between the markers; at its end where it has none.
fn placed(page: &str, body: &str) -> String {
    let new = format!("{START}\n{}\n{END}", body.trim_end());
    let parts = page.split_once(START).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    match parts {
        Some((before, after)) => format!("{before}{new}{after}"),
        None => format!("{}\n\n{new}\n", page.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let first = placed("# Title\n", "one");
        assert_eq!(first, format!("# Title\n\n{START}\none\n{END}\n"));
        assert_eq!(placed(&format!("{first}after\n"), "two"), format!("# Title\n\n{START}\ntwo\n{END}\nafter\n"));
    }
}
