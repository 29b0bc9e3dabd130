//! The database: transactions and reads with deadlines, retries and known outcomes; migrations; readiness.
//!
//! | module | holds |
//! |---|---|
//! | `settings` | the `DATABASE_*` variables |
//! | `options` | how the driver is set up |
//! | `session_variables` | what each connection sets on the server first |
//! | `tls` | which URLs are rejected or named in the log as unsafe |
//! | `pool` | a bounded number of connections, and the guard of one that is in use |
//! | `idle_connections` | which connections are open and not in use |
//! | `queue` | who gets the next connection, and who is rejected because the queue is too long |
//! | `session` | statements on a connection, each bounded in time |
//! | `transaction` | begin, commit, roll back, retry |
//! | `writes` | the write of a request, with its response |
//! | `idempotency_keys`, `turns` | responses stored under keys, so that a write can be repeated |
//! | `commit_gate` | stops COMMITs at shutdown |
//! | `schema`, `migrate` | tables, migrations, readiness |
//! | `lifecycle` | the calls of the kit itself |
//! | `metrics` | what is counted |
//! | `tracing` | spans of statements and waits, for a request whose trace is recorded |
//! | `error`, `retry`, `deadline` | what can go wrong, what is repeated, for how long |
//!
//! Each call takes a [`Deadline`] and ends by it. Only a COMMIT that was sent is awaited beyond the deadline, because
//! its response decides the response to the client. A transaction that the database rolled back is repeated as a whole.
//! One whose COMMIT got no response never is.

mod commit_gate;
mod deadline;
mod error;
mod idempotency_keys;
mod idle_connections;
mod lifecycle;
mod metrics;
mod migrate;
mod options;
mod pool;
mod queue;
mod retry;
mod schema;
mod session;
mod session_variables;
mod settings;
mod tls;
mod tracing;
mod transaction;
mod turns;
mod writes;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub use mysql_async::{Opts, Params, Row, Value};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use commit_gate::CommitGate;
pub use deadline::Deadline;
pub use error::DatabaseError;
use idempotency_keys::IdempotencyKeys;
pub(crate) use lifecycle::DatabaseLifecycle;
use metrics::DatabaseMetrics;
use pool::ConnectionPool;
pub use schema::{Migration, Schema};
pub use session::Session;
pub(crate) use settings::DATABASE_URL;
pub use settings::{DatabaseSettings, IDEMPOTENCY_VARIABLES, VARIABLES};
use tracing::DatabaseTracing;
pub use transaction::{Part, TransactionError};
pub use writes::Write;

use crate::metrics::MetricWriter;
use crate::single_flight::SingleFlight;

/// A database with a service's tables. Clones share their connections.
#[derive(Clone)]
pub struct Database {
    shared: Arc<Shared>,
}

/// What the clones of a [`Database`] share.
struct Shared {
    pool: ConnectionPool,
    commit_gate: CommitGate,
    statement_timeout: Duration,
    migration_timeout: Duration,
    schema: Schema,
    /// The tables passed the check of `migrate`. Until then no work begins.
    has_valid_tables: AtomicBool,
    /// The schema's version was compared with the migrations.
    is_version_checked: AtomicBool,
    weakness: Option<tls::Weakness>,
    metrics: Arc<DatabaseMetrics>,
    tracing: DatabaseTracing,
    /// None where the schema has no table for them.
    idempotency_keys: Option<IdempotencyKeys>,
    /// The migrations that are under way, for all who ask for them.
    migrations: SingleFlight<Result<(), DatabaseError>>,
    /// Either the migrations or one reset run. The others wait without a connection.
    migration_turn: Semaphore,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("schema", &self.shared.schema).finish_non_exhaustive()
    }
}

impl Database {
    /// Prepares the connections. The first one is made when it is needed.
    #[must_use]
    pub fn new(settings: &DatabaseSettings, schema: Schema) -> Self {
        if let Some(authorities) = &settings.authorities {
            webpki_roots::trust_only(authorities.clone());
        }
        let shared = Shared {
            pool: ConnectionPool::new(settings),
            commit_gate: CommitGate::new(settings.pool_max),
            statement_timeout: settings.statement_timeout,
            migration_timeout: settings.migration_timeout,
            schema,
            has_valid_tables: AtomicBool::new(false),
            is_version_checked: AtomicBool::new(false),
            weakness: tls::Weakness::of(&settings.opts, settings.authorities.is_some()),
            metrics: Arc::new(DatabaseMetrics::new()),
            tracing: DatabaseTracing::new(settings),
            idempotency_keys: IdempotencyKeys::new(&schema, settings.idempotency_time_to_live),
            migrations: SingleFlight::new(),
            migration_turn: Semaphore::new(1),
        };
        Self { shared: Arc::new(shared) }
    }

    pub(crate) fn write_metrics(&self, writer: &mut MetricWriter<'_>) -> fmt::Result {
        self.shared.pool.write_metrics(writer)?;
        self.shared.metrics.write_metrics(writer)?;
        self.shared.idempotency_keys.iter().try_for_each(|keys| keys.write_metrics(writer))
    }

    /// Logs a warning if others on the network could read or change the connection.
    pub(crate) fn log_weakness(&self) {
        if let Some(weakness) = self.shared.weakness {
            weakness.log();
        }
    }

    /// Shuts down: COMMITs under way get their responses within `STATEMENT_TIMEOUT`, no other COMMIT is sent, and the
    /// connections are closed.
    pub async fn close(&self) {
        let Shared { commit_gate, statement_timeout, .. } = &*self.shared;
        // A batch's COMMIT may take longer than a shutdown may wait.
        if timeout(*statement_timeout, commit_gate.close()).await.is_err() {
            commit_gate.close_at_once();
        }
        self.shared.pool.close().await;
    }
}
