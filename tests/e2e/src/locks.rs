//! Locks that a test holds in its database, and the statements that wait for them.

use std::thread::{self, JoinHandle};

use crate::app::Server;
use crate::{TestApp, wait_until};

/// Locks that another session of the test's database holds until this is released or dropped.
pub struct DatabaseLock {
    server: Server,
    database: String,
    /// How the statement begins that the session runs while it holds them.
    statement: &'static str,
    session: Option<JoinHandle<()>>,
}

impl DatabaseLock {
    /// Locks the whole table `orders`: every statement on it waits.
    #[track_caller]
    pub fn table(app: &TestApp) -> Self {
        Self::hold(app, "LOCK TABLES orders WRITE; SELECT SLEEP(600)", "SELECT SLEEP")
    }

    /// Locks all rows of `orders` with this condition: writes of them wait.
    #[track_caller]
    pub fn rows(app: &TestApp, condition: &str) -> Self {
        let script = format!("BEGIN; SELECT order_id FROM orders WHERE {condition} FOR UPDATE; SELECT SLEEP(600)");
        Self::hold(app, &script, "SELECT SLEEP")
    }

    /// Deletes the only idempotency key, which is expired, as a service does, and does not commit.
    #[track_caller]
    pub fn expired_key(app: &TestApp) -> Self {
        let table = "order_service_idempotency";
        let id = app.sql(&format!("SELECT HEX(id) FROM {table}"));
        let delete = format!("DELETE FROM {table} WHERE expires_at <= CURRENT_TIMESTAMP AND id IN (UNHEX('{id}'))");
        Self::hold(app, &format!("BEGIN; {delete}; SELECT SLEEP(600)"), "SELECT SLEEP")
    }

    /// Takes the lock that a service takes while it applies migrations.
    #[track_caller]
    pub fn migrations(app: &TestApp) -> Self {
        let lock = "DO GET_LOCK(CONCAT('migrations:', SHA1(CONCAT(DATABASE(), '/', 'order-service'))), 0)";
        Self::hold(app, &format!("{lock}; SELECT SLEEP(600)"), "SELECT SLEEP")
    }

    /// Holds the metadata lock of the table `orders`, which must not exist: a change of its schema waits. The table
    /// does not exist after the release either.
    #[track_caller]
    pub fn schema(app: &TestApp) -> Self {
        Self::hold(app, "CREATE TABLE orders AS SELECT SLEEP(600)", "CREATE TABLE orders AS")
    }

    #[track_caller]
    fn hold(app: &TestApp, script: &str, statement: &'static str) -> Self {
        let (server, database) = (app.server_handle(), app.database().to_owned());
        let session = thread::spawn({
            let (server, database, script) = (server.clone(), database.clone(), script.to_owned());
            move || drop(server.get().sql(&database, &script))
        });
        wait_until("the locks", || app.count_statements(statement) == 1);
        Self { server, database, statement, session: Some(session) }
    }

    /// Releases the locks.
    pub fn release(self) {}
}

impl Drop for DatabaseLock {
    fn drop(&mut self) {
        let session = format!("{} LIMIT 1", sessions(&self.database, "id", self.statement));
        if let Ok(id) = self.server.get().sql("", &session) {
            let _ = self.server.get().sql("", &format!("KILL {id}"));
        }
        if let Some(session) = self.session.take() {
            let _ = session.join();
        }
    }
}

impl TestApp {
    /// The number of statements in the test's database that run or wait now and begin with `start`.
    #[track_caller]
    pub fn count_statements(&self, start: &str) -> usize {
        self.sql(&sessions(self.database(), "COUNT(*)", start)).parse().expect("a count")
    }

    /// The number of the service's connections to its database.
    #[track_caller]
    pub fn count_sessions(&self) -> usize {
        let count =
            "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()";
        self.sql(count).parse().expect("a count")
    }

    /// Whether another session holds locks on rows of `orders`. (`innodb_trx` cannot tell: InnoDB does not renew it
    /// while it is read more often than ten times a second.)
    #[track_caller]
    pub fn has_locked_orders(&self) -> bool {
        self.sql("SELECT order_id FROM orders FOR UPDATE SKIP LOCKED") != self.sql("SELECT order_id FROM orders")
    }
}

fn sessions(database: &str, columns: &str, statement: &str) -> String {
    format!("SELECT {columns} FROM information_schema.processlist WHERE db = '{database}' AND info LIKE '{statement}%'")
}
