//! The tables: numbered migrations, each applied once, however many replicas start at the same time.

use std::time::Duration;

use super::retry::retrying;
use super::session::Session;
use super::{Deadline, Repository, RepositoryError};

/// The migrations by number, which only ever grows. A file may hold several statements.
const MIGRATIONS: [(u32, &str, &str); 1] = [(1, "orders", include_str!("../../migrations/0001_orders.sql"))];

const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (version INT UNSIGNED NOT NULL PRIMARY KEY, \
                        name VARCHAR(100) NOT NULL, applied_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)";

/// One replica at a time, a database: the name must be within 64 characters.
const LOCK: &str = "SELECT GET_LOCK(CONCAT('order_service:', SHA1(DATABASE())), 1)";
const UNLOCK: &str = "DO RELEASE_LOCK(CONCAT('order_service:', SHA1(DATABASE())))";

/// How many of the seven columns are as the migrations make them.
const COLUMNS_AS_THEY_SHOULD_BE: &str = "SELECT COUNT(*) FROM information_schema.columns \
    WHERE table_schema = DATABASE() AND table_name = 'orders' AND CASE column_name \
        WHEN 'order_id' THEN column_type LIKE 'int%unsigned' AND column_key = 'PRI' AND extra LIKE '%auto_increment%' \
        WHEN 'product_id' THEN column_type LIKE 'int%unsigned' \
        WHEN 'quantity' THEN column_type LIKE 'int%unsigned' \
        WHEN 'shipping_address' THEN column_type = 'varchar(255)' \
        ELSE column_name IN ('amount', 'shipping', 'tax') AND column_type = 'decimal(12,2)' END";

/// From one try to get the lock to the next, where the database does not wait by itself.
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

impl Repository {
    /// Creates what is missing; never drops anything.
    ///
    /// # Errors
    /// Those of any write, [`RepositoryError::Conflict`] where another replica has been at it for as long as the deadline allows, and
    /// [`RepositoryError::ForeignTable`].
    pub async fn migrate(&self, deadline: Deadline) -> Result<(), RepositoryError> {
        self.locked(deadline, false).await
    }

    /// Drops all there is and creates it anew. All orders are lost.
    ///
    /// # Errors
    /// Those of [`Repository::migrate`].
    pub async fn reset(&self, deadline: Deadline) -> Result<(), RepositoryError> {
        self.locked(deadline, true).await
    }

    /// Fails unless the table of orders answers: a server that accepts connections may still be unable to serve
    /// (a Galera node outside the majority answers `SELECT 1`).
    ///
    /// # Errors
    /// Those of any read.
    pub async fn check(&self, deadline: Deadline) -> Result<(), RepositoryError> {
        retrying(deadline, || self.check_once(deadline)).await
    }

    async fn check_once(&self, deadline: Deadline) -> Result<(), RepositoryError> {
        let mut session = self.connections.session_for_check(deadline).await?;
        let answer = check(&mut session).await;
        session.end_read(answer)
    }

    async fn locked(&self, deadline: Deadline, drop_first: bool) -> Result<(), RepositoryError> {
        let mut session = self.connections.session(deadline).await?;
        while !try_lock(&mut session).await? {
            if deadline.is_over() {
                return Err(RepositoryError::Conflict("another replica works on the schema".into()));
            }
            tracing::info!("waiting for another replica that works on the schema");
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
        // Whoever fails here leaves the session unreleased: it is closed, and the lock ends with it.
        if drop_first {
            session.run("DROP TABLE IF EXISTS orders, schema_migrations").await?;
            tracing::warn!("all orders were dropped, as asked for");
        }
        apply(&mut session).await?;
        session.run(UNLOCK).await?;
        session.release();
        Ok(())
    }
}

/// Takes the lock, or waits a second for it in vain.
async fn try_lock(session: &mut Session) -> Result<bool, RepositoryError> {
    let rows = session.rows(LOCK, ()).await?;
    Ok(rows.first().and_then(|row| row.get_opt::<u8, _>(0)?.ok()) == Some(1))
}

/// Applies what is not applied yet. Where nothing is missing nothing is written: an account that may not create tables will do.
async fn apply(session: &mut Session) -> Result<(), RepositoryError> {
    let current = match version(session).await {
        Err(RepositoryError::NotInitialised) => {
            session.run(VERSIONS).await?;
            version(session).await?
        }
        current => current?,
    };
    for (version, name, sql) in MIGRATIONS.iter().filter(|(version, ..)| *version > current) {
        for statement in statements(sql) {
            session.run(&statement).await?;
        }
        session
            .execute("INSERT IGNORE INTO schema_migrations (version, name) VALUES (?, ?)", (*version, *name))
            .await?;
        tracing::info!(version = u64::from(*version), name, "a migration was applied");
    }
    check(session).await
}

async fn version(session: &mut Session) -> Result<u32, RepositoryError> {
    let rows = session.rows("SELECT COALESCE(MAX(version), 0) FROM schema_migrations", ()).await?;
    Ok(rows.first().and_then(|row| row.get_opt::<u32, _>(0)?.ok()).unwrap_or(0))
}

/// Fails unless the table of orders is there, answers, and can hold orders as they are: one that something else made may round
/// money or cut addresses, or take an id twice.
async fn check(session: &mut Session) -> Result<(), RepositoryError> {
    session.rows("SELECT 1 FROM orders LIMIT 1", ()).await?;
    let rows = session.rows(COLUMNS_AS_THEY_SHOULD_BE, ()).await?;
    match rows.first().and_then(|row| row.get_opt::<u32, _>(0)?.ok()) {
        Some(7) => Ok(()),
        _ => Err(RepositoryError::ForeignTable),
    }
}

/// The statements of a file: comment lines go, a semicolon at the end of a line ends a statement.
fn statements(sql: &str) -> Vec<String> {
    let code: Vec<&str> = sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let code = code.join("\n");
    code.split_inclusive(";\n")
        .map(|statement| statement.trim().trim_end_matches(';').trim_end().to_owned())
        .filter(|statement| !statement.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_from_one_without_gaps() {
        for (index, (version, name, sql)) in MIGRATIONS.iter().enumerate() {
            assert_eq!(*version as usize, index + 1, "{name}");
            assert!(!statements(sql).is_empty(), "{name}");
        }
    }

    #[test]
    fn a_file_is_split_at_semicolons_that_end_a_line() {
        assert_eq!(statements("-- c\nA;\nB ';' B\n;\n"), ["A", "B ';' B"]);
    }
}
