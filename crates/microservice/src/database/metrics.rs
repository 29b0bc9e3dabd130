//! What happens at the database, for metrics.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;

use super::DatabaseError;
use crate::metrics::{DurationFamily, MetricWriter, duration_family, duration_histogram};

/// The statements that are told apart, by their first word.
const OPERATIONS: [&str; 8] = ["SELECT", "INSERT", "UPDATE", "DELETE", "START", "COMMIT", "ROLLBACK", OTHER];
const OTHER: &str = "OTHER";

/// Counts of one database.
pub(super) struct DatabaseMetrics {
    statements: DurationFamily<1>,
    /// The histograms of `statements`, for each of [`OPERATIONS`].
    by_operation: [OnceLock<Histogram>; OPERATIONS.len()],
    waits: Histogram,
    conflict_retries: AtomicU64,
    connection_retries: AtomicU64,
    unknown_outcomes: AtomicU64,
}

/// Why work is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RetryCause {
    Conflict,
    ConnectionLost,
}

impl DatabaseMetrics {
    pub(super) fn new() -> Self {
        Self {
            statements: duration_family(),
            by_operation: Default::default(),
            waits: duration_histogram(),
            conflict_retries: AtomicU64::new(0),
            connection_retries: AtomicU64::new(0),
            unknown_outcomes: AtomicU64::new(0),
        }
    }

    /// A statement got its response, or gave up.
    pub(super) fn statement(&self, sql: &str, duration: Duration) {
        let word = sql.split_ascii_whitespace().next().unwrap_or_default();
        let known = OPERATIONS.iter().position(|operation| word.eq_ignore_ascii_case(operation));
        let index = known.unwrap_or(OPERATIONS.len() - 1);
        let Some(histogram) = self.by_operation.get(index) else { return };
        let labels = || [("db_operation_name", OPERATIONS.get(index).copied().unwrap_or(OTHER))];
        histogram.get_or_init(|| self.statements.get_or_create_owned(&labels())).observe(duration.as_secs_f64());
    }

    /// Work got a connection, or none, after this time.
    pub(super) fn waited(&self, duration: Duration) {
        self.waits.observe(duration.as_secs_f64());
    }

    /// Work is repeated.
    pub(super) fn retried(&self, cause: RetryCause) {
        let count = match cause {
            RetryCause::Conflict => &self.conflict_retries,
            RetryCause::ConnectionLost => &self.connection_retries,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the error if nobody knows whether something was written.
    pub(super) fn failed(&self, error: &DatabaseError) {
        if matches!(error, DatabaseError::OutcomeUnknown(_) | DatabaseError::SchemaOutcomeUnknown(_)) {
            self.unknown_outcomes.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn write_metrics(&self, writer: &mut MetricWriter<'_>) -> fmt::Result {
        let seconds = Some(&Unit::Seconds);
        let help = "From sending a statement until its response, by the statement's first word";
        writer.metric("db_client_operation_duration", seconds, help, &self.statements)?;
        let help = "The time until work had a connection, or gave up";
        writer.metric("db_client_connection_wait_time", seconds, help, &self.waits)?;
        let [conflicts, lost, unknown] = [&self.conflict_retries, &self.connection_retries, &self.unknown_outcomes]
            .map(|count| count.load(Ordering::Relaxed));
        let causes = [("conflict", conflicts), ("connection_lost", lost)];
        writer.counters("db_client_retries", "Work that was repeated as a whole", "cause", causes)?;
        let help = "COMMITs and changes of the schema without a response: what they did is not known";
        writer.counter("db_client_unknown_outcomes", None, help, &unknown)
    }
}

impl fmt::Debug for DatabaseMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseMetrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_told_apart_by_their_first_word() {
        let metrics = DatabaseMetrics::new();
        for sql in ["SELECT 1", "select 2", "\n  INSERT INTO t", "COMMIT", "DO RELEASE_LOCK('x')", "", "DROP TABLE t"] {
            metrics.statement(sql, Duration::from_millis(2));
        }
        metrics.retried(RetryCause::Conflict);
        metrics.failed(&DatabaseError::OutcomeUnknown("lost".into()));
        metrics.failed(&DatabaseError::TimedOut);
        let text = crate::metrics::written(metrics, DatabaseMetrics::write_metrics);
        for (operation, count) in [("SELECT", 2), ("INSERT", 1), ("COMMIT", 1), ("OTHER", 3)] {
            let line =
                format!("db_client_operation_duration_seconds_count{{db_operation_name=\"{operation}\"}} {count}\n");
            assert!(text.contains(&line), "{line} in {text}");
        }
        assert!(!text.contains("RELEASE") && !text.contains("\"UPDATE\""), "{text}");
        for line in ["db_client_retries_total{cause=\"conflict\"} 1\n", "db_client_unknown_outcomes_total 1\n"] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
