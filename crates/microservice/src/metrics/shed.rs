//! Work that was rejected because a bound is reached.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::MetricWriter;
use crate::problem::ShedReason;

/// How much was rejected for each reason.
#[derive(Debug, Default)]
pub(crate) struct ShedMetrics([AtomicU64; ShedReason::ALL.len()]);

impl ShedMetrics {
    /// Counts a rejected request, or a rejected connection.
    pub(crate) fn count(&self, reason: ShedReason) {
        if let Some(count) = self.0.get(reason as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn write_metrics(&self, writer: &mut MetricWriter<'_>) -> fmt::Result {
        let values = ShedReason::ALL.iter().zip(&self.0);
        writer.counters(
            "http_server_shed",
            "Requests and connections that were rejected because a bound was reached",
            "reason",
            values.map(|(reason, count)| (reason.name(), count.load(Ordering::Relaxed))),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_count_of_its_own() {
        let metrics = ShedMetrics::default();
        for (times, reason) in ShedReason::ALL.into_iter().enumerate() {
            (0..=times).for_each(|_| metrics.count(reason));
        }
        let text = crate::metrics::written(metrics, ShedMetrics::write_metrics);
        for (times, reason) in ShedReason::ALL.into_iter().enumerate() {
            let line = format!("http_server_shed_total{{reason=\"{}\"}} {}\n", reason.name(), times + 1);
            assert!(text.contains(&line), "{line} in {text}");
        }
    }
}
