//! The deadline of work at the database.

use std::time::Duration;

use tokio::time::Instant;

/// The moment by which a request's work at the database must have ended.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// A deadline that far from now.
    #[must_use]
    pub fn after(duration: Duration) -> Self {
        let now = Instant::now();
        Self(Some(now.checked_add(duration).unwrap_or(now)))
    }

    /// No deadline for the work as a whole: each of its steps has a timeout of its own.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// True once the deadline is reached.
    pub(super) fn has_passed(self) -> bool {
        self.0.is_some_and(|deadline| deadline <= Instant::now())
    }

    /// The time until the deadline, but at most `max`.
    pub(super) fn remaining(self, max: Duration) -> Duration {
        self.0.map_or(max, |deadline| deadline.saturating_duration_since(Instant::now()).min(max))
    }
}
