//! Applies numbered migrations, each once, even if several replicas start at the same time; checks readiness.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

use super::idempotency_keys;
use super::pool::Purpose;
use super::schema::ColumnCheck;
use super::session_variables::shorten_idle_time;
use super::transaction::Mode;
use super::{Database, DatabaseError, Deadline, Row, Schema, Session};

/// The pauses between two attempts to take the lock: each is twice as long as the one before.
const MIN_LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(100);
const MAX_LOCK_RETRY_INTERVAL: Duration = Duration::from_secs(1);

impl Database {
    /// Applies the migrations that are missing. Never drops anything.
    ///
    /// The deadline is the caller's. The migrations run in a task of their own and go on after it: one that was ended
    /// by each caller's deadline would never be over. All callers at a time share them. Each statement is bounded by
    /// `MIGRATION_TIMEOUT`, and so is the wait for another replica that migrates.
    ///
    /// # Errors
    /// Those of any write; [`DatabaseError::Migrating`] at the deadline; [`DatabaseError::Conflict`] if another replica
    /// was migrating for too long; [`DatabaseError::SchemaOutcomeUnknown`]; [`DatabaseError::IncompatibleTable`].
    pub async fn migrate(&self, deadline: Deadline) -> Result<(), DatabaseError> {
        let migrations = self.shared.migrations.run(|| {
            let database = self.clone();
            async move { database.apply_missing().await }
        });
        match timeout(deadline.remaining(Duration::MAX), migrations).await {
            Ok(result) => result.unwrap_or(Err(DatabaseError::Internal("the migrations have no result".into()))),
            Err(_) => Err(DatabaseError::Migrating),
        }
    }

    async fn apply_missing(&self) -> Result<(), DatabaseError> {
        let _turn = self.migration_turn(Deadline::none()).await?;
        let mut session = self.lock_migrations(Deadline::none()).await?;
        self.apply(&mut session).await.inspect_err(|error| self.shared.metrics.failed(error))?;
        self.unlock_migrations(session).await;
        Ok(())
    }

    /// Drops the service's tables and applies all migrations again. All data are lost.
    ///
    /// # Errors
    /// Those of any write; [`DatabaseError::Conflict`] if this or another replica was migrating until the deadline;
    /// [`DatabaseError::SchemaOutcomeUnknown`].
    pub async fn reset(&self, deadline: Deadline) -> Result<(), DatabaseError> {
        self.drop_and_apply(deadline).await.inspect_err(|error| self.shared.metrics.failed(error))
    }

    async fn drop_and_apply(&self, deadline: Deadline) -> Result<(), DatabaseError> {
        let _turn = self.migration_turn(deadline).await?;
        let mut session = self.lock_migrations(deadline).await?;
        let schema = &self.shared.schema;
        let versions = schema.version_table();
        let tables = schema.all_tables().into_iter().chain([versions]);
        let tables: Vec<String> = tables.map(|name| format!("`{name}`")).collect();
        let drop_all = format!("DROP TABLE IF EXISTS {}", tables.join(", "));
        session.change_schema(&drop_all, self.shared.migration_timeout).await?;
        tracing::warn!("a reset was requested: all tables were dropped");
        self.apply(&mut session).await.map_err(DatabaseError::during_schema_change)?;
        self.unlock_migrations(session).await;
        Ok(())
    }

    /// Fails unless the tables can be read, support transactions and have the columns that the service needs. Reading a
    /// table matters: a server can accept connections and still be unable to serve (a Galera node outside the majority
    /// responds to `SELECT 1`).
    ///
    /// # Errors
    /// Those of any read, and [`DatabaseError::IncompatibleTable`].
    pub async fn check_ready(&self, deadline: Deadline) -> Result<(), DatabaseError> {
        let mode = Mode::reads(Purpose::Readiness, deadline);
        self.run(mode, |session| Box::pin(async move { self.check_tables(session).await })).await?;
        self.warn_of_newer_schema(deadline).await;
        Ok(())
    }

    /// Warns once if a later version of the service has migrated the tables, as after a rollback. This version goes
    /// on: migrations suit the version before (docs/VERSIONING.md). An account may lack the right to read the version
    /// table; then there is no warning.
    async fn warn_of_newer_schema(&self, deadline: Deadline) {
        use DatabaseError::{Busy, Conflict, ConnectionLost, LockTimeout, TimedOut};
        if self.shared.is_version_checked.load(Ordering::Relaxed) {
            return;
        }
        let schema = self.shared.schema;
        let mode = Mode::reads(Purpose::Readiness, deadline);
        let current =
            self.run(mode, |session| Box::pin(async move { current_version(session, &schema.version_table()).await }));
        let current: u32 = match current.await {
            Ok(current) => current,
            // The next check tries again.
            Err(Busy { .. } | Conflict(_) | LockTimeout(_) | ConnectionLost(_) | TimedOut) => return,
            Err(_) => 0,
        };
        self.shared.is_version_checked.store(true, Ordering::Relaxed);
        let latest = schema.latest_version();
        if current > latest {
            tracing::warn!(
                schema = u64::from(current),
                latest = u64::from(latest),
                "the schema is newer than this version of the service"
            );
        }
    }

    /// The turn to migrate, among the callers of this process. So at most one of them holds a connection.
    async fn migration_turn(&self, deadline: Deadline) -> Result<SemaphorePermit<'_>, DatabaseError> {
        let turn = timeout(deadline.remaining(Duration::MAX), self.shared.migration_turn.acquire()).await;
        let turn = turn.ok().and_then(Result::ok);
        turn.ok_or_else(|| DatabaseError::Conflict("another request is migrating the schema".into()))
    }

    /// A session that holds the lock. The lock ends with the connection: if the work fails, the session is dropped and
    /// closed.
    ///
    /// Another replica may hold it for `MIGRATION_TIMEOUT` or longer. Requests get the connection in the meantime.
    async fn lock_migrations(&self, deadline: Deadline) -> Result<Session<'static>, DatabaseError> {
        let wait_deadline = Deadline::after(deadline.remaining(self.shared.migration_timeout));
        let mut pause = MIN_LOCK_RETRY_INTERVAL;
        loop {
            let mut session = self.session(Purpose::Migration, deadline).await?;
            if self.try_lock_migrations(&mut session).await? {
                return Ok(session);
            }
            session.release();
            if wait_deadline.has_passed() {
                return Err(DatabaseError::Conflict("another replica is migrating the schema".into()));
            }
            if pause == MIN_LOCK_RETRY_INTERVAL {
                tracing::info!("waiting for another replica that is migrating the schema");
            }
            tokio::time::sleep(wait_deadline.remaining(pause)).await;
            pause = (pause * 2).min(MAX_LOCK_RETRY_INTERVAL);
        }
    }

    async fn try_lock_migrations(&self, session: &mut Session<'_>) -> Result<bool, DatabaseError> {
        // The statement itself does not wait: STATEMENT_TIMEOUT may be shorter than any wait.
        let lock = format!("SELECT GET_LOCK({}, 0)", self.shared.schema.lock_name());
        let is_locked = number(&session.query(&lock, ()).await?) == Some(1);
        if is_locked {
            // If this process vanishes, the server releases the lock after a shorter time than it closes idle
            // connections.
            session.run(&shorten_idle_time(self.shared.statement_timeout)).await?;
        }
        Ok(is_locked)
    }

    /// Applies the missing migrations. If none is missing, nothing is written: then an account may lack the right to
    /// create tables.
    async fn apply(&self, session: &mut Session<'_>) -> Result<(), DatabaseError> {
        let schema = &self.shared.schema;
        let table = schema.version_table();
        let current = match current_version(session, &table).await {
            Err(DatabaseError::NotInitialised) => {
                self.create_version_table(session, &table).await?;
                current_version(session, &table).await.map_err(DatabaseError::during_schema_change)?
            }
            current => current?,
        };
        for migration in schema.migrations.iter().filter(|migration| migration.version > current) {
            tracing::info!(version = u64::from(migration.version), name = migration.name, "applying a migration");
            for statement in schema.statements(migration) {
                session.change_schema(&statement, self.shared.migration_timeout).await?;
            }
            let insert = format!("INSERT IGNORE INTO {table} (version, name) VALUES (?, ?)");
            let recorded = session.execute(&insert, (migration.version, migration.name)).await;
            recorded.map_err(DatabaseError::during_schema_change)?;
            tracing::info!(version = u64::from(migration.version), name = migration.name, "applied a migration");
        }
        self.check_tables(session).await
    }

    async fn create_version_table(&self, session: &mut Session<'_>, table: &str) -> Result<(), DatabaseError> {
        let sql = format!(
            "CREATE TABLE IF NOT EXISTS {table} (version INT UNSIGNED NOT NULL PRIMARY KEY, \
             name VARCHAR(100) NOT NULL, applied_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)"
        );
        session.change_schema(&sql, self.shared.migration_timeout).await
    }

    /// Releases the lock and closes the connection, whose idle time is short. If the release fails, the lock ends with
    /// the connection.
    async fn unlock_migrations(&self, mut session: Session<'_>) {
        let _ = session.run(&format!("DO RELEASE_LOCK({})", self.shared.schema.lock_name())).await;
    }
}

async fn current_version(session: &mut Session<'_>, table: &str) -> Result<u32, DatabaseError> {
    let rows = session.query(&format!("SELECT COALESCE(MAX(version), 0) FROM {table}"), ()).await?;
    Ok(number(&rows).unwrap_or(0))
}

/// Fails unless the tables can be read, support transactions and have the right columns. A table of another program
/// might round money, truncate texts, accept duplicate keys, or keep what a transaction rolled back.
pub(super) async fn check(session: &mut Session<'_>, schema: &Schema) -> Result<(), DatabaseError> {
    for table in schema.all_tables() {
        session.query(&format!("SELECT 1 FROM `{table}` LIMIT 1"), ()).await?;
        check_engine(session, &table).await?;
    }
    if let Some(table) = schema.idempotency_table() {
        session.query(&format!("SELECT {} FROM {table} LIMIT 1", idempotency_keys::COLUMNS), ()).await?;
    }
    let Some(ColumnCheck { count_valid_columns, expected, advice }) = schema.column_check else { return Ok(()) };
    if number(&session.query(count_valid_columns, ()).await?) == Some(expected) {
        Ok(())
    } else {
        let tables = schema.tables.join(", ");
        Err(DatabaseError::IncompatibleTable(format!("{tables} has other columns than the migrations make: {advice}")))
    }
}

async fn check_engine(session: &mut Session<'_>, table: &str) -> Result<(), DatabaseError> {
    const COUNT: &str = "SELECT COUNT(*) FROM information_schema.tables t \
        JOIN information_schema.engines e ON e.engine = t.engine AND e.transactions = 'YES' \
        WHERE t.table_schema = DATABASE() AND t.table_name = ?";
    match number(&session.query(COUNT, (table,)).await?) {
        Some(1) => Ok(()),
        _ => Err(DatabaseError::IncompatibleTable(format!(
            "the storage engine of {table} has no transactions: ALTER TABLE {table} ENGINE = InnoDB, or set \
             DATABASE_URL to another database"
        ))),
    }
}

/// The number in a result's only field.
fn number(rows: &[Row]) -> Option<u32> {
    rows.first()?.get_opt::<u32, _>(0)?.ok()
}
