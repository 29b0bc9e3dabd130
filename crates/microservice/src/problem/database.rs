//! The problems of the database.

use std::time::Duration;

use hyper::StatusCode;

use super::{Problem, ShedReason};
use crate::database::DatabaseError;

/// The duration for `Retry-After`: in whole seconds, at least one.
fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        use DatabaseError as E;
        let unavailable = |slug, title, detail| Self::new(StatusCode::SERVICE_UNAVAILABLE, slug, title, detail);
        let problem = match &error {
            E::Busy { wait } => unavailable("overloaded", "Overloaded", "All connections to the database are busy.")
                .with_retry_after(whole_seconds(*wait))
                .shed_by(ShedReason::DatabaseQueue),
            E::Unavailable(_) | E::ConnectionLost(_) => unavailable(
                "database-unavailable",
                "Database not available",
                "The database cannot be reached or cannot serve now. Nothing was written.",
            )
            .with_retry(),
            E::Conflict(_) => unavailable(
                "conflict",
                "Too many conflicting writes",
                "Other writes to the same data were in the way. Nothing was written.",
            )
            .with_retry(),
            E::TimedOut => Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                "database-timeout",
                "Database too slow",
                "The database did not respond in time. Nothing was written.",
            ),
            E::NotInitialised => {
                unavailable("not-initialised", "Not initialised", "The tables do not exist yet: call GET /init.")
                    .with_retry()
            }
            E::Migrating => return Self::migrating(),
            E::IncompatibleTable(_) => unavailable(
                "foreign-table",
                "Not this service's table",
                "The database has a table of the name that this service needs, but with other columns or without \
                 transactions. The log has advice.",
            ),
            E::OutcomeUnknown(_) => unavailable(
                "outcome-unknown",
                "Outcome unknown",
                "The database was lost during COMMIT: the write happened in full or not at all. Check before you repeat it.",
            ),
            E::SchemaOutcomeUnknown(_) => unavailable(
                "outcome-unknown",
                "Outcome unknown",
                "The database was lost while tables were dropped or created. Some may be missing: call GET /init again.",
            ),
            E::StatementTooLarge => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "statement-too-large",
                "Statement too large",
                "The database does not accept statements of this size. Nothing was written. The log says what to set.",
            ),
            E::Duplicate(_) => Self::new(StatusCode::CONFLICT, "duplicate", "Exists already", "The key is taken."),
            E::IdsExhausted => Self::new(
                StatusCode::CONFLICT,
                "ids-exhausted",
                "No id available",
                "No id is left above the greatest one that was used. Send an id.",
            ),
            E::Internal(_) => return Self::internal(&error),
        };
        if problem.status().is_server_error() { problem.with_cause(&error) } else { problem }
    }
}
