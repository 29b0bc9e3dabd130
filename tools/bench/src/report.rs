//! What was measured, as a part of docs/BENCHMARKS.md.

use std::time::Duration;

use anyhow::Result;

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
        testkit::benchmark_page::write_section(self.command, &body)?;
        say(&format!("written to docs/BENCHMARKS.md after {minutes:.1} minutes"));
        Ok(())
    }
}

/// A row of a table of aims.
pub(crate) fn aim(aim: &str, reached: &str, yes: bool) -> String {
    format!("| {aim} | {reached} | {} |\n", if yes { "yes" } else { "**no**" })
}
