//! What a run has shown: a table of its periods, and for each rule whether it was kept.

use std::fmt::Write as _;
use std::time::Duration;

use crate::watch::Sample;

/// How much more private memory the last third of a run may take than the first: one byte for each of some hundred thousand requests
/// would be less than that, a kilobyte for each of two thousand more.
const MORE_MEMORY: u64 = 2_000_000;

/// How many more descriptors: clients come and go, so that their number swings.
const MORE_DESCRIPTORS: usize = 16;

/// The outcome of a run.
#[derive(Debug)]
pub struct Report {
    pub(crate) samples: Vec<Sample>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) faults: Vec<String>,
}

/// A rule, what was seen, and whether it was kept.
#[derive(Debug)]
pub(crate) struct Rule {
    rule: String,
    seen: String,
    kept: bool,
}

impl Rule {
    pub(crate) fn new(rule: impl Into<String>, seen: impl Into<String>, kept: bool) -> Self {
        Self { rule: rule.into(), seen: seen.into(), kept }
    }
}

impl Report {
    /// Whether all rules were kept.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.rules.iter().all(|rule| rule.kept)
    }

    /// What went wrong, in words, the first of it.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// The tables, as Markdown.
    #[must_use]
    pub fn tables(&self) -> String {
        let mut text = String::from(
            "| until | answers | connections | of them reset | freezes | CPU | private MB | resident MB | descriptors |\n\
             |---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
        );
        let length = self.samples.last().map_or(0, |last| last.at.as_secs());
        let period = if length >= 120 { 60 } else { (length / 6).max(1) };
        let mut before = Sample::default();
        for end in (1..).map(|index| index * period).take_while(|end| *end <= length) {
            let within: Vec<Sample> =
                self.samples.iter().copied().filter(|one| one.at > before.at && one.at.as_secs() <= end).collect();
            if let Some(last) = within.last().copied() {
                row(&mut text, &before, &last, &within);
                before = last;
            }
        }
        text += "\n| rule | seen | kept |\n|---|---|---|\n";
        for rule in &self.rules {
            let _ = writeln!(text, "| {} | {} | {} |", rule.rule, rule.seen, if rule.kept { "yes" } else { "**no**" });
        }
        text
    }
}

fn row(text: &mut String, before: &Sample, last: &Sample, within: &[Sample]) {
    let busy = (last.cpu.saturating_sub(before.cpu)).as_secs_f64() / (last.at - before.at).as_secs_f64();
    let _ = writeln!(
        text,
        "| {} s | {} | {} | {} | {} | {:.0} % | {} | {} | {} (≤ {}) |",
        last.at.as_secs(),
        last.right - before.right,
        last.connections - before.connections,
        last.resets - before.resets,
        last.freezes - before.freezes,
        busy * 100.0,
        megabytes(median(within.iter().map(|one| one.private))),
        megabytes(median(within.iter().map(|one| one.resident))),
        median(within.iter().map(|one| one.descriptors)),
        within.iter().map(|one| one.descriptors).max().unwrap_or_default(),
    );
}

/// Memory and descriptors stay flat: of what is left after the warm-up, the last third against the first.
pub(crate) fn flatness(samples: &[Sample]) -> [Rule; 2] {
    let warm = samples.len() / 6;
    let rest = samples.get(warm.min(60)..).unwrap_or_default();
    let (first, last) = (rest.get(..rest.len() / 3), rest.get(rest.len() - rest.len() / 3..));
    let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
    let private = |samples: &[Sample]| median(samples.iter().map(|one| one.private));
    let descriptors = |samples: &[Sample]| median(samples.iter().map(|one| one.descriptors));
    let what = "after the warm-up (a sixth, at most a minute), the last third's median ≤ the first third's";
    [
        Rule::new(
            format!("private memory: {what} + 2 MB"),
            format!("{} → {} MB", megabytes(private(first)), megabytes(private(last))),
            !first.is_empty() && private(last) <= private(first) + MORE_MEMORY,
        ),
        Rule::new(
            format!("descriptors: {what} + {MORE_DESCRIPTORS}"),
            format!("{} → {}", descriptors(first), descriptors(last)),
            !first.is_empty() && descriptors(last) <= descriptors(first) + MORE_DESCRIPTORS,
        ),
    ]
}

/// The middle one; of an even number the upper of the two. Nothing of none.
fn median<T: Ord + Copy + Default>(values: impl Iterator<Item = T>) -> T {
    let mut sorted: Vec<T> = values.collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// Of 1,000,000 bytes, with one decimal.
fn megabytes(bytes: u64) -> String {
    format!("{}.{}", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}

/// Minutes and seconds.
pub(crate) fn time(time: Duration) -> String {
    format!("{} min {} s", time.as_secs() / 60, time.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run in which memory and descriptors grow by so much a second.
    fn run(private: u64, descriptors: usize) -> Vec<Sample> {
        let sample = |second: u64| Sample {
            at: Duration::from_secs(second),
            private: 30_000_000 + private * second,
            descriptors: 300 + descriptors * second as usize,
            ..Sample::default()
        };
        (0..=600).map(sample).collect()
    }

    #[test]
    fn what_stays_flat_is_kept_and_what_grows_is_not() {
        assert!(flatness(&run(0, 0)).iter().all(|rule| rule.kept));
        let [memory, descriptors] = flatness(&run(10_000, 1));
        assert!(!memory.kept && !descriptors.kept);
    }

    #[test]
    fn a_run_that_saw_nothing_shows_nothing() {
        assert!(flatness(&[]).iter().all(|rule| !rule.kept));
    }

    #[test]
    fn ten_minutes_are_ten_rows() {
        let report = Report { samples: run(0, 0), rules: Vec::new(), faults: Vec::new() };
        assert_eq!(report.tables().matches(" s |").count(), 10);
    }
}
