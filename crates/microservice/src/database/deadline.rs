//! The deadline of work at the database.

use std::time::Duration;

use tokio::time::Instant;

/// The moment by which a request's work at the database must have ended.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// A deadline that far from now.
    #[must_use]
    pub fn after(duration: Duration) -> Self {
        let now = Instant::now();
        Self(now.checked_add(duration).unwrap_or(now))
    }

    /// True once the deadline is reached.
    pub(super) fn has_passed(self) -> bool {
        self.0 <= Instant::now()
    }

    /// The time until the deadline, but at most `max`.
    pub(super) fn remaining(self, max: Duration) -> Duration {
        self.0.saturating_duration_since(Instant::now()).min(max)
    }
}
