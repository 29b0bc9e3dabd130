//! The problems of the database.

use std::time::Duration;

use super::{Problem, ShedReason, types};
use crate::database::DatabaseError;

/// The duration for `Retry-After`: in whole seconds, at least one.
fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        use DatabaseError as E;
        let problem = match &error {
            E::Busy { wait } => Self::new(&types::OVERLOADED, "All connections to the database are busy.")
                .with_retry_after(whole_seconds(*wait))
                .shed_by(ShedReason::DatabaseQueue),
            E::Unavailable(_) | E::ConnectionLost(_) => Self::new(
                &types::DATABASE_UNAVAILABLE,
                "The database cannot be reached or cannot serve now. Nothing was written.",
            )
            .with_retry(),
            E::Conflict(_) | E::LockTimeout(_) => Self::new(
                &types::CONFLICTING_WRITES,
                "Other writes to the same data were in the way. Nothing was written.",
            )
            .with_retry(),
            E::TimedOut => {
                Self::new(&types::DATABASE_TIMEOUT, "The database did not respond in time. Nothing was written.")
            }
            E::NotInitialised => {
                Self::new(&types::NOT_INITIALISED, "The tables do not exist yet: call GET /init.").with_retry()
            }
            E::Migrating => return Self::migrating(),
            E::IncompatibleTable(_) => Self::new(
                &types::FOREIGN_TABLE,
                "The database has a table of the name that this service needs, but with other columns or without \
                 transactions. The log has advice.",
            ),
            E::OutcomeUnknown(_) => Self::new(
                &types::OUTCOME_UNKNOWN,
                "The database was lost during COMMIT: the write happened in full or not at all. Check before you repeat it.",
            ),
            E::SchemaOutcomeUnknown(_) => Self::new(
                &types::OUTCOME_UNKNOWN,
                "The database was lost while tables were dropped or created. Some may be missing: call GET /init again.",
            ),
            E::RequestInProgress => Self::new(
                &types::REQUEST_IN_PROGRESS,
                "A request with this Idempotency-Key is under way. Send it again for its response.",
            )
            .with_retry(),
            E::IdempotencyKeyReused => Self::new(
                &types::IDEMPOTENCY_KEY_REUSED,
                "This Idempotency-Key is that of another request: another method, path, query or body.",
            ),
            E::StatementTooLarge => Self::new(
                &types::STATEMENT_TOO_LARGE,
                "The database does not accept statements of this size. Nothing was written. The log says what to set.",
            ),
            E::Duplicate(_) => Self::new(&types::DUPLICATE, "The key is taken."),
            E::IdsExhausted => {
                Self::new(&types::IDS_EXHAUSTED, "No id is left above the greatest one that was used. Send an id.")
            }
            E::Internal(_) => return Self::internal(&error),
        };
        if problem.status().is_server_error() { problem.with_cause(&error) } else { problem }
    }
}
