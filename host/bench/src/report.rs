//! docs/BENCHMARKS.md: the parts between markers are written here, each by its command, the rest is written by people.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use testbed::artifacts;

use crate::{Plan, say};

/// The sections of one command, in their order.
#[derive(Debug)]
pub(crate) struct Page {
    command: &'static str,
    sections: Vec<String>,
}

impl Page {
    /// The part of the page that `command` writes.
    pub(crate) fn of(command: &'static str) -> Self {
        Self { command, sections: Vec::new() }
    }

    /// Adds a section, and shows it.
    pub(crate) fn add(&mut self, section: String) {
        say(&format!("\n{section}"));
        self.sections.push(section);
    }

    /// Writes its part of the page; `how` says how often what was measured.
    pub(crate) fn finish(self, machine: &str, plan: &Plan, how: &str, took: Duration) -> Result<()> {
        let (quick, minutes) = (if plan.quick { "QUICK=1 " } else { "" }, took.as_secs_f64() / 60.0);
        let head = format!("Command: `{quick}{}`, {minutes:.1} minutes; {how}.\n\n{machine}", self.command);
        let body = format!("{head}\n{}", self.sections.join("\n"));
        let path = artifacts::root().join("docs/BENCHMARKS.md");
        let page = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, placed(&page, self.command, &body))
            .with_context(|| format!("cannot write {}", path.display()))?;
        say(&format!("written to docs/BENCHMARKS.md after {minutes:.1} minutes"));
        Ok(())
    }
}

/// `page` with `body` between the markers of `command`; at its end where it has none.
fn placed(page: &str, command: &str, body: &str) -> String {
    let (start, end) = (format!("<!-- {command}: start -->"), format!("<!-- {command}: end -->"));
    let new = format!("{start}\n{}\n{end}", body.trim_end());
    let parts = page.split_once(&start).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    match parts {
        Some((before, after)) => format!("{before}{new}{after}"),
        None => format!("{}\n\n{new}\n", page.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_a_commands_markers_changes() {
        let first = placed("# Title\n", "a", "one");
        assert_eq!(first, "# Title\n\n<!-- a: start -->\none\n<!-- a: end -->\n");
        let both = placed(&first, "b", "two");
        assert_eq!(both, format!("{first}\n<!-- b: start -->\ntwo\n<!-- b: end -->\n"));
        assert_eq!(placed(&both, "a", "three"), both.replace("one", "three"));
    }
}
