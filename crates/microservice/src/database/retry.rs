//! Which failures are repeated, how often, and after how long.

use std::sync::Arc;
use std::time::Duration;

use super::metrics::{DatabaseMetrics, RetryCause};
use super::{DatabaseError, Deadline};

/// How often a transaction is attempted before its conflict is passed on.
const MAX_ATTEMPTS: u32 = 8;

/// The base of the delay between two attempts. It doubles with each, up to [`MAX_DELAY`].
const FIRST_DELAY: Duration = Duration::from_millis(5);

/// The longest delay between two attempts.
const MAX_DELAY: Duration = Duration::from_millis(200);

/// The attempts so far of one piece of work.
///
/// It is repeated as a whole if the database rolled it back (deadlock, write conflict) and, once, if the connection
/// broke before a COMMIT was sent. Nothing is written in either case, so nothing can be written twice.
pub(super) struct RetryState {
    deadline: Deadline,
    conflicts: u32,
    connections_lost: u32,
    metrics: Arc<DatabaseMetrics>,
}

impl RetryState {
    pub(super) fn new(deadline: Deadline, metrics: Arc<DatabaseMetrics>) -> Self {
        Self { deadline, conflicts: 0, connections_lost: 0, metrics }
    }

    /// True if the work should be attempted again. Waits for the delay first.
    pub(super) async fn should_retry(&mut self, error: Option<&DatabaseError>) -> bool {
        match error {
            Some(DatabaseError::Conflict(cause) | DatabaseError::LockTimeout(cause)) => {
                self.conflicts += 1;
                let delay = delay(self.conflicts);
                let retry = self.conflicts < MAX_ATTEMPTS && self.deadline.remaining(delay) == delay;
                if retry {
                    self.metrics.retried(RetryCause::Conflict);
                    tracing::debug!(conflicts = u64::from(self.conflicts), error = %cause, "retrying a transaction");
                    tokio::time::sleep(delay).await;
                }
                retry
            }
            // A connection that was idle may have been closed by the server; a new one is worth one attempt.
            Some(DatabaseError::ConnectionLost(_)) => {
                self.connections_lost += 1;
                let retry = self.connections_lost == 1;
                if retry {
                    self.metrics.retried(RetryCause::ConnectionLost);
                }
                retry
            }
            _ => false,
        }
    }
}

/// A random delay between half of the doubled base and all of it, so that transactions that collided do not collide
/// again.
fn delay(attempts: u32) -> Duration {
    let max = FIRST_DELAY.saturating_mul(1 << attempts.min(16)).min(MAX_DELAY);
    let half = max / 2;
    let jitter = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).max(1);
    half + Duration::from_micros(fastrand::u64(..jitter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_stay_bounded() {
        for attempts in 1..100 {
            assert!(delay(attempts) >= FIRST_DELAY / 2 && delay(attempts) <= MAX_DELAY, "{attempts}");
        }
        assert!(delay(20) >= MAX_DELAY / 2);
    }
}
