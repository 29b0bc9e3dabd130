//! Prometheus' own text format, for those who do not ask for OpenMetrics: `curl`, `promtool check metrics`.
//!
//! The two differ little (<https://prometheus.io/docs/instrumenting/exposition_formats/>). In OpenMetrics a family of
//! counters or facts has the name without `_total` or `_info`, a type for facts, units, and a mark at the end.

use std::fmt::Write as _;

/// The media type.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The same metrics as OpenMetrics text that this process wrote.
pub(super) fn from_openmetrics(text: &str) -> String {
    let mut converted = String::with_capacity(text.len());
    // OpenMetrics has the line before that of the type. Here the name depends on the type.
    let mut help = None;
    for line in text.lines() {
        if let Some(described) = line.strip_prefix("# HELP ") {
            help = described.split_once(' ');
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|typed| typed.split_once(' ')) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                kind => ("", kind),
            };
            if let Some((_, text)) = help.take() {
                let _ = writeln!(converted, "# HELP {name}{suffix} {text}");
            }
            let _ = writeln!(converted, "# TYPE {name}{suffix} {kind}");
        } else if !line.starts_with('#') {
            // An exemplar, which the older format does not have, follows the value. No label of ours has this text.
            converted.push_str(line.split_once(" # {").map_or(line, |(sample, _)| sample));
            converted.push('\n');
        }
    }
    converted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_facts_have_their_suffix_in_every_line() {
        let openmetrics = "# HELP shed Rejected, # and all.\n# TYPE shed counter\nshed_total{reason=\"a b\"} 1\n\
            # HELP build What it is.\n# TYPE build info\nbuild_info{version=\"1\"} 1\n\
            # HELP held_bytes Held.\n# TYPE held_bytes gauge\n# UNIT held_bytes bytes\nheld_bytes 5\n\
            # HELP x X.\n# TYPE x unknown\nx 1 # {trace_id=\"7\"} 1\n# EOF\n";
        let expected = "# HELP shed_total Rejected, # and all.\n# TYPE shed_total counter\nshed_total{reason=\"a b\"} 1\n\
            # HELP build_info What it is.\n# TYPE build_info gauge\nbuild_info{version=\"1\"} 1\n\
            # HELP held_bytes Held.\n# TYPE held_bytes gauge\nheld_bytes 5\n\
            # HELP x X.\n# TYPE x untyped\nx 1\n";
        assert_eq!(from_openmetrics(openmetrics), expected);
    }
}
