//! Doing it again: what may be repeated, how often, and after how long.

use std::future::Future;
use std::time::Duration;

use super::{Deadline, RepositoryError};
use crate::platform;

/// How often a transaction is begun before the database's "try again" is passed on.
const TRIES: u32 = 8;

/// The first pause between two tries; it doubles with each, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Attempts it, and again as a whole where the database gave it up (deadlock, write conflict) and, once, where the connection
/// broke before a COMMIT was sent: then nothing is written, so nothing can be written twice.
pub(super) async fn retrying<T, F>(deadline: Deadline, mut attempt: impl FnMut() -> F) -> Result<T, RepositoryError>
where
    F: Future<Output = Result<T, RepositoryError>>,
{
    let mut tries = Tries::default();
    loop {
        let error = match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        if !tries.go_on_after(&error, deadline).await {
            return Err(error);
        }
    }
}

/// What has been tried so far.
#[derive(Default)]
struct Tries {
    conflicts: u32,
    connections_lost: u32,
}

impl Tries {
    /// Waits and says true where another try is due.
    async fn go_on_after(&mut self, error: &RepositoryError, deadline: Deadline) -> bool {
        if error.is_conflict() {
            self.conflicts += 1;
            let pause = pause(self.conflicts);
            let go_on = self.conflicts < TRIES && deadline.left(pause) == pause;
            if go_on {
                tracing::debug!(conflicts = u64::from(self.conflicts), error = %error, "trying a transaction again");
                tokio::time::sleep(pause).await;
            }
            return go_on;
        }
        if error.is_connection_lost() {
            self.connections_lost += 1;
            return self.connections_lost == 1;
        }
        false
    }
}

/// Somewhere between half of the doubled pause and all of it, so that those who collided do not meet again.
fn pause(tries: u32) -> Duration {
    let longest = FIRST_PAUSE.saturating_mul(1 << tries.min(16)).min(LONGEST_PAUSE);
    let half = longest / 2;
    let spread = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).max(1);
    half + Duration::from_micros(platform::random() % spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        for tries in 1..100 {
            assert!(pause(tries) >= FIRST_PAUSE / 2 && pause(tries) <= LONGEST_PAUSE, "{tries}");
        }
        assert!(pause(20) >= LONGEST_PAUSE / 2);
    }
}
