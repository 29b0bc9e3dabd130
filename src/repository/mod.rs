//! The database: all SQL is here, and nobody else speaks to it.
//!
//! Every call takes a [`Deadline`] and is done, one way or the other, when that is over; only a COMMIT that is on its way is
//! waited for a little longer, since its answer decides what the client is told. A transaction that the database gave up is
//! done again as a whole; one whose COMMIT got no answer never is.

mod error;
mod orders;
mod retry;
mod schema;
mod session;

use std::time::Duration;

use tokio::time::Instant;

pub use error::RepositoryError;
pub use orders::Condition;
use session::Connections;

use crate::config::Database;

/// The orders in the database.
pub struct Repository {
    connections: Connections,
}

impl Repository {
    /// Prepares for the database; connects when it is first needed.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        if let Some(authorities) = &database.authorities {
            webpki_roots::trust_only(authorities.clone());
        }
        Self { connections: Connections::new(database) }
    }

    /// Ends the work for good: COMMITs under way get their answers, no other begins, and the connections are closed.
    pub async fn close(&self) {
        self.connections.close().await;
    }
}

/// The moment by which a request's work at the database must be done.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// So much time from now.
    #[must_use]
    pub fn after(duration: Duration) -> Self {
        let now = Instant::now();
        Self(now.checked_add(duration).unwrap_or(now))
    }

    /// True when nothing is left of it.
    fn is_over(self) -> bool {
        self.0 <= Instant::now()
    }

    /// What is left of it, at most `most`.
    fn left(self, most: Duration) -> Duration {
        self.0.saturating_duration_since(Instant::now()).min(most)
    }
}
