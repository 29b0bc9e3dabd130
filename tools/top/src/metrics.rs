//! A scrape in Prometheus' text format, and what lies between two of them.

use std::collections::BTreeMap;
use std::time::Instant;

/// The values of a scrape.
#[derive(Debug)]
pub(crate) struct Scrape {
    pub(crate) at: Instant,
    samples: Vec<Sample>,
}

/// A value, with its name and labels.
#[derive(Debug, PartialEq)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

impl Scrape {
    /// Reads the format; lines of another form are left out.
    pub(crate) fn parse(text: &str, at: Instant) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self { at, samples: lines.filter_map(parse_line).collect() }
    }

    /// The sum of all values of this name whose labels `matches` accepts.
    pub(crate) fn sum(&self, name: &str, matches: impl Fn(&Labels<'_>) -> bool) -> f64 {
        self.samples_of(name).filter(|sample| matches(&Labels(sample))).map(|sample| sample.value).sum()
    }

    /// The value of this name, whatever its labels. Zero where there is none.
    pub(crate) fn value(&self, name: &str) -> f64 {
        self.sum(name, |_| true)
    }

    /// The value of a label of the first value of this name.
    pub(crate) fn label(&self, name: &str, label: &str) -> Option<&str> {
        self.samples.iter().filter(|sample| sample.name == name).find_map(|sample| Labels(sample).get(label))
    }

    /// The values of labels, of all values of this name: each combination once.
    pub(crate) fn combinations(&self, name: &str, labels: &[&str]) -> Vec<Vec<String>> {
        let of = |sample: &Sample| {
            labels.iter().map(|label| Labels(sample).get(label).unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        let mut all: Vec<_> = self.samples_of(name).map(of).collect();
        all.sort();
        all.dedup();
        all
    }

    fn samples_of<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Sample> {
        self.samples.iter().filter(move |sample| sample.name == name)
    }
}

/// The labels of a value.
pub(crate) struct Labels<'s>(&'s Sample);

impl<'s> Labels<'s> {
    /// The value of a label.
    pub(crate) fn get(&self, name: &str) -> Option<&'s str> {
        self.0.labels.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a label has this value.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.get(name) == Some(value)
    }
}

/// `name{label="value",…} 1.5`
fn parse_line(line: &str) -> Option<Sample> {
    let (series, value) = line.trim().rsplit_once(' ')?;
    let value = value.parse().ok()?;
    let (name, labels) = match series.split_once('{') {
        Some((name, rest)) => (name, parse_labels(rest.strip_suffix('}')?)?),
        None => (series, Vec::new()),
    };
    Some(Sample { name: name.to_owned(), labels, value })
}

fn parse_labels(mut text: &str) -> Option<Vec<(String, String)>> {
    let mut labels = Vec::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"")?;
        let (mut value, mut characters) = (String::new(), rest.char_indices());
        let end = loop {
            match characters.next()? {
                (index, '"') => break index,
                (_, '\\') => value.push(match characters.next()? {
                    (_, 'n') => '\n',
                    (_, other) => other,
                }),
                (_, other) => value.push(other),
            }
        };
        labels.push((name.trim_start_matches(',').to_owned(), value));
        text = rest.get(end + 1..)?;
    }
    Some(labels)
}

/// Two scrapes of the same process.
#[derive(Debug)]
pub(crate) struct Change<'s> {
    before: &'s Scrape,
    after: &'s Scrape,
}

impl<'s> Change<'s> {
    /// None where the process has started again between the two.
    pub(crate) fn between(before: &'s Scrape, after: &'s Scrape) -> Option<Self> {
        let started = |scrape: &Scrape| scrape.value("process_start_time_seconds");
        (started(before) == started(after) && after.at > before.at).then_some(Self { before, after })
    }

    /// The later scrape.
    pub(crate) fn after(&self) -> &'s Scrape {
        self.after
    }

    /// How fast a number has grown, in each second.
    pub(crate) fn rate(&self, name: &str, matches: impl Fn(&Labels<'_>) -> bool) -> f64 {
        let seconds = self.after.at.duration_since(self.before.at).as_secs_f64();
        (self.after.sum(name, &matches) - self.before.sum(name, &matches)).max(0.0) / seconds
    }

    /// The observations of a histogram.
    pub(crate) fn histogram(&self, name: &str, matches: impl Fn(&Labels<'_>) -> bool) -> Histogram {
        let mut buckets = BTreeMap::new();
        for (scrape, sign) in [(self.after, 1.0), (self.before, -1.0)] {
            for sample in scrape.samples_of(&format!("{name}_bucket")) {
                let labels = Labels(sample);
                let bound = labels.get("le").and_then(|bound| bound.replace("+Inf", "inf").parse::<f64>().ok());
                if let Some(bound) = bound.filter(|_| matches(&labels)) {
                    // Bounds of zero or more have the same order as their bits.
                    let bucket = buckets.entry(bound.to_bits()).or_insert((bound, 0.0));
                    bucket.1 += sign * sample.value;
                }
            }
        }
        Histogram { buckets: buckets.into_values().collect() }
    }
}

/// How many observations lie at or below each bound.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Histogram {
    buckets: Vec<(f64, f64)>,
}

impl Histogram {
    /// Adds the observations of another one with the same bounds.
    pub(crate) fn add(&mut self, other: &Self) {
        if self.buckets.is_empty() {
            self.buckets.clone_from(&other.buckets);
            return;
        }
        for ((_, count), (_, more)) in self.buckets.iter_mut().zip(&other.buckets) {
            *count += more;
        }
    }

    /// The value below which this part of the observations lies, as PromQL's `histogram_quantile` estimates it. None
    /// without an observation.
    pub(crate) fn quantile(&self, part: f64) -> Option<f64> {
        let total = self.buckets.last().map(|(_, count)| *count).filter(|total| *total > 0.0)?;
        let rank = part * total;
        let (mut lower, mut below) = (0.0, 0.0);
        for (bound, count) in &self.buckets {
            if *count >= rank && *count > below {
                let is_last = bound.is_infinite();
                return Some(if is_last { lower } else { lower + (bound - lower) * (rank - below) / (count - below) });
            }
            (lower, below) = (*bound, *count);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const TEXT: &str = "# HELP x y\n# TYPE a_total counter\na_total{r=\"x\",s=\"q\\\"\\\\,}\"} 3\na_total{r=\"y\"} 4\n\
                        b 1.5e1\nbroken\nprocess_start_time_seconds 7\n";

    #[test]
    fn values_are_found_by_name_and_label() {
        let scrape = Scrape::parse(TEXT, Instant::now());
        assert_eq!((scrape.value("a_total"), scrape.value("b"), scrape.value("none")), (7.0, 15.0, 0.0));
        assert_eq!(scrape.sum("a_total", |labels| labels.has("r", "y")), 4.0);
        assert_eq!(scrape.label("a_total", "s"), Some("q\"\\,}"));
        assert_eq!(scrape.combinations("a_total", &["r"]), [["x"], ["y"]]);
    }

    #[test]
    fn rates_are_of_the_time_between_two_scrapes_of_one_process() {
        let start = Instant::now();
        let first = Scrape::parse(TEXT, start);
        let second = Scrape::parse(&TEXT.replace(" 3\n", " 13\n"), start + Duration::from_secs(2));
        let rate = Change::between(&first, &second).map(|change| change.rate("a_total", |_| true));
        assert_eq!(rate, Some(5.0));
        let restarted = Scrape::parse(&TEXT.replace("seconds 7", "seconds 9"), start + Duration::from_secs(2));
        assert!(Change::between(&first, &restarted).is_none());
        assert!(Change::between(&first, &first).is_none());
    }

    fn histogram(buckets: &[(f64, f64)]) -> Histogram {
        Histogram { buckets: buckets.to_vec() }
    }

    #[test]
    fn quantiles_are_those_of_prometheus() {
        let of = histogram(&[(0.1, 10.0), (0.5, 90.0), (1.0, 100.0), (f64::INFINITY, 100.0)]);
        assert_eq!(of.quantile(0.5), Some(0.1 + 0.4 * 40.0 / 80.0));
        assert_eq!(of.quantile(0.05), Some(0.05));
        assert_eq!(of.quantile(0.95), Some(0.75));
        let beyond = histogram(&[(0.1, 0.0), (f64::INFINITY, 5.0)]);
        assert_eq!(beyond.quantile(0.5), Some(0.1));
        assert_eq!(histogram(&[(0.1, 0.0), (f64::INFINITY, 0.0)]).quantile(0.5), None);
        assert_eq!(Histogram::default().quantile(0.5), None);
    }

    #[test]
    fn a_histogram_is_that_of_the_time_between() {
        let buckets = |first: u32, second: u32| {
            format!("h_bucket{{r=\"a\",le=\"0.1\"}} {first}\nh_bucket{{r=\"a\",le=\"+Inf\"}} {second}\n")
        };
        let start = Instant::now();
        let before = Scrape::parse(&buckets(1, 2), start);
        let after =
            Scrape::parse(&(buckets(3, 6) + "h_bucket{r=\"b\",le=\"0.1\"} 9\n"), start + Duration::from_secs(1));
        let found = Change::between(&before, &after).map(|change| change.histogram("h", |labels| labels.has("r", "a")));
        assert_eq!(found, Some(histogram(&[(0.1, 2.0), (f64::INFINITY, 4.0)])));
    }
}
