//! The measured sections, as a part of docs/BENCHMARKS.md.

use std::time::Duration;

use anyhow::Result;
use testkit::stats::{median, range};

use crate::plan::Plan;
use crate::print_line;

/// The sections of one command, in their order.
#[derive(Debug)]
pub(crate) struct Report {
    command: &'static str,
    sections: Vec<String>,
}

impl Report {
    /// The part of the page that `command` writes.
    pub(crate) fn new(command: &'static str) -> Self {
        Self { command, sections: Vec::new() }
    }

    /// Adds a section and prints it.
    pub(crate) fn add(&mut self, section: String) {
        print_line(&format!("\n{section}"));
        self.sections.push(section);
    }

    /// Writes its part of the page; `method` says how often each figure was measured.
    pub(crate) fn write(self, machine: &str, plan: &Plan, method: &str, duration: Duration) -> Result<()> {
        let (quick, minutes) = (if plan.quick { "QUICK=1 " } else { "" }, duration.as_secs_f64() / 60.0);
        let head = format!("Command: `{quick}{}`, {minutes:.1} minutes; {method}.\n\n{machine}", self.command);
        let body = format!("{head}\n{}", self.sections.join("\n"));
        testkit::benchmark_page::write_section(self.command, &body)?;
        print_line(&format!("written to docs/BENCHMARKS.md after {minutes:.1} minutes"));
        Ok(())
    }
}

/// The head of a table of targets.
pub(crate) const TARGETS: &str = "| target | measured | met |\n|---|---:|---|\n";

/// A row of a table of targets.
pub(crate) fn target(target: &str, measured: &str, met: bool) -> String {
    format!("| {target} | {measured} | {} |\n", if met { "yes" } else { "**no**" })
}

/// Milliseconds as `median (minimum–maximum)`.
pub(crate) fn milliseconds(times: &[Duration], decimals: usize) -> String {
    let ms = || times.iter().map(|time| time.as_secs_f64() * 1e3);
    let (min, max) = range(ms());
    format!("{:.decimals$} ({min:.decimals$}–{max:.decimals$})", median(ms()))
}
