//! The results of a run: figures per period, and for each rule whether it held.

use std::fmt::Write as _;
use std::time::Duration;

use testkit::stats::median;

use crate::sampling::Sample;

/// Bytes that private memory may grow by from the first to the last third of a run. A leak of 1 KB in each of 2,000
/// requests exceeds it; a run of ten minutes makes some 300,000.
const MAX_MEMORY_GROWTH: f64 = 2e6;

/// Descriptors that may be more in the last third. Their number varies because clients connect and disconnect.
const MAX_DESCRIPTOR_GROWTH: f64 = 16.0;

/// The results of a run.
#[derive(Debug)]
pub struct Report {
    pub(crate) samples: Vec<Sample>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) failures: Vec<String>,
}

/// A rule, the observation, and whether the rule held.
#[derive(Debug)]
pub(crate) struct Rule {
    rule: String,
    observed: String,
    held: bool,
}

impl Rule {
    pub(crate) fn new(rule: impl Into<String>, observed: impl Into<String>, held: bool) -> Self {
        Self { rule: rule.into(), observed: observed.into(), held }
    }
}

impl Report {
    /// Whether all rules held.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.rules.iter().all(|rule| rule.held)
    }

    /// The messages of the first failures.
    #[must_use]
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// The tables, as Markdown.
    #[must_use]
    pub fn tables(&self) -> String {
        let mut text = String::from(
            "| until | responses | connections | of them reset | freezes | CPU | private MB | resident MB | \
             descriptors |\n\
             |---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
        );
        let length = self.samples.last().map_or(0, |last| last.elapsed.as_secs());
        let period = if length >= 120 { 60 } else { (length / 6).max(1) };
        let mut previous = Sample::default();
        for end in (1..).map(|index| index * period).take_while(|end| *end <= length) {
            let in_period = |sample: &&Sample| sample.elapsed > previous.elapsed && sample.elapsed.as_secs() <= end;
            let samples: Vec<Sample> = self.samples.iter().filter(in_period).copied().collect();
            if let Some(last) = samples.last().copied() {
                write_row(&mut text, &previous, &last, &samples);
                previous = last;
            }
        }
        text += "\n| rule | observed | held |\n|---|---|---|\n";
        for rule in &self.rules {
            let held = if rule.held { "yes" } else { "**no**" };
            let _ = writeln!(text, "| {} | {} | {held} |", rule.rule, rule.observed);
        }
        text
    }
}

fn write_row(text: &mut String, previous: &Sample, last: &Sample, samples: &[Sample]) {
    let duration = (last.elapsed - previous.elapsed).as_secs_f64();
    let cpu = last.cpu.saturating_sub(previous.cpu).as_secs_f64() / duration;
    let _ = writeln!(
        text,
        "| {} s | {} | {} | {} | {} | {:.0} % | {:.1} | {:.1} | {:.0} (≤ {}) |",
        last.elapsed.as_secs(),
        last.right - previous.right,
        last.connections - previous.connections,
        last.resets - previous.resets,
        last.freezes - previous.freezes,
        cpu * 100.0,
        median_of(samples, private) / 1e6,
        median_of(samples, |sample| sample.resident as f64) / 1e6,
        median_of(samples, descriptors),
        samples.iter().map(|sample| sample.descriptors).max().unwrap_or_default(),
    );
}

/// Memory and descriptors stay flat: after the warm-up, the last third is compared with the first.
pub(crate) fn flatness(samples: &[Sample]) -> [Rule; 2] {
    let warm_up = samples.len() / 6;
    let rest = samples.get(warm_up.min(60)..).unwrap_or_default();
    let (first, last) = (rest.get(..rest.len() / 3), rest.get(rest.len() - rest.len() / 3..));
    let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
    let rule = "after the warm-up (a sixth, at most a minute), the last third's median ≤ the first third's";
    let grew = |figure: fn(&Sample) -> f64| (median_of(first, figure), median_of(last, figure));
    let (memory, descriptors) = (grew(private), grew(descriptors));
    [
        Rule::new(
            format!("private memory: {rule} + 2 MB"),
            format!("{:.1} → {:.1} MB", memory.0 / 1e6, memory.1 / 1e6),
            !first.is_empty() && memory.1 <= memory.0 + MAX_MEMORY_GROWTH,
        ),
        Rule::new(
            format!("descriptors: {rule} + {MAX_DESCRIPTOR_GROWTH}"),
            format!("{:.0} → {:.0}", descriptors.0, descriptors.1),
            !first.is_empty() && descriptors.1 <= descriptors.0 + MAX_DESCRIPTOR_GROWTH,
        ),
    ]
}

fn median_of(samples: &[Sample], figure: fn(&Sample) -> f64) -> f64 {
    median(samples.iter().map(figure))
}

fn private(sample: &Sample) -> f64 {
    sample.private as f64
}

fn descriptors(sample: &Sample) -> f64 {
    sample.descriptors as f64
}

/// Minutes and seconds.
pub(crate) fn minutes(duration: Duration) -> String {
    format!("{} min {} s", duration.as_secs() / 60, duration.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run in which memory and descriptors grow by these amounts each second.
    fn growing(private: u64, descriptors: usize) -> Vec<Sample> {
        let sample = |second: u64| Sample {
            elapsed: Duration::from_secs(second),
            private: 30_000_000 + private * second,
            descriptors: 300 + descriptors * second as usize,
            ..Sample::default()
        };
        (0..=600).map(sample).collect()
    }

    #[test]
    fn flat_figures_pass_and_growing_ones_do_not() {
        assert!(flatness(&growing(0, 0)).iter().all(|rule| rule.held));
        let [memory, descriptors] = flatness(&growing(10_000, 1));
        assert!(!memory.held && !descriptors.held);
    }

    #[test]
    fn a_run_without_samples_does_not_pass() {
        assert!(flatness(&[]).iter().all(|rule| !rule.held));
    }

    #[test]
    fn ten_minutes_are_ten_rows() {
        let report = Report { samples: growing(0, 0), rules: Vec::new(), failures: Vec::new() };
        assert_eq!(report.tables().matches(" s |").count(), 10);
    }
}
