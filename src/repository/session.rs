//! Connections to the database: a bounded number, each lent to one piece of work at a time, each statement bounded in time.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use mysql_async::prelude::{Queryable as _, StatementLike};
use mysql_async::{Conn, IoError, Opts, OptsBuilder, Params, Pool, PoolConstraints, PoolOpts, Row};
use tokio::sync::{OwnedSemaphorePermit, RwLock, Semaphore};
use tokio::time::timeout;

use super::{Deadline, RepositoryError};
use crate::config::Database;
use crate::platform;

/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(60);

/// How long a broken connection may take to say goodbye.
const GOODBYE: Duration = Duration::from_millis(500);

/// The connections there are and may be.
pub(super) struct Connections {
    pool: Pool,
    /// For work, as many as there may be connections but one: who waits for a free one can be told from who waits for the database.
    permits: Arc<Semaphore>,
    /// For checks: a database that is busy is not one that is away.
    checks: Arc<Semaphore>,
    /// Held for reading by every COMMIT under way: who leaves waits for them.
    commits: Arc<RwLock<()>>,
    /// The database's host, as the URL has it.
    host: String,
    connect_timeout: Duration,
    statement_timeout: Duration,
}

impl Connections {
    pub(super) fn new(database: &Database) -> Self {
        let permits = Arc::new(Semaphore::new((database.pool_max - 1).max(1)));
        let checks = if database.pool_max > 1 { Arc::new(Semaphore::new(1)) } else { Arc::clone(&permits) };
        Self {
            pool: Pool::new(options(database)),
            permits,
            checks,
            commits: Arc::default(),
            host: database.opts.ip_or_hostname().to_owned(),
            connect_timeout: database.connect_timeout,
            statement_timeout: database.statement_timeout,
        }
    }

    /// Lends a connection for work.
    pub(super) async fn session(&self, deadline: Deadline) -> Result<Session, RepositoryError> {
        self.lend(&self.permits, deadline).await
    }

    /// Lends a connection for a look at the database, also while all others are at work.
    pub(super) async fn session_for_check(&self, deadline: Deadline) -> Result<Session, RepositoryError> {
        self.lend(&self.checks, deadline).await
    }

    async fn lend(&self, permits: &Arc<Semaphore>, deadline: Deadline) -> Result<Session, RepositoryError> {
        let permit = timeout(deadline.left(self.connect_timeout), Arc::clone(permits).acquire_owned()).await;
        let Ok(Ok(permit)) = permit else { return Err(RepositoryError::Busy) };
        match timeout(deadline.left(self.connect_timeout), self.pool.get_conn()).await {
            Ok(Ok(conn)) => {
                let lent = Lent { conn: Some(conn), permit: Some(permit) };
                let commits = Arc::clone(&self.commits);
                Ok(Session { lent, deadline, statement_timeout: self.statement_timeout, commits })
            }
            Ok(Err(error)) => Err(self.not_connected(&error)),
            Err(_) => Err(RepositoryError::Unavailable("no connection within CONNECT_TIMEOUT".into())),
        }
    }

    /// Why there is no connection; of a name that has no address, which name and why.
    fn not_connected(&self, error: &mysql_async::Error) -> RepositoryError {
        let unresolved = match error {
            // How tokio reports a name without an address.
            mysql_async::Error::Io(IoError::Io(error)) if error.kind() == io::ErrorKind::InvalidInput => {
                platform::why_unresolved(&self.host)
            }
            _ => None,
        };
        unresolved.map_or_else(
            || RepositoryError::from_connect(error),
            |error| RepositoryError::Unavailable(error.to_string()),
        )
    }

    /// Waits for the COMMITs that are under way, lets no other begin, and closes the connections.
    pub(super) async fn close(&self) {
        let none_left = Arc::clone(&self.commits).write_owned().await;
        // Never given back: what would commit now waits until the process has ended.
        std::mem::forget(none_left);
        let _ = timeout(GOODBYE, self.pool.clone().disconnect()).await;
    }

    /// Lends a connection with a transaction begun; [`Session::end_transaction`] ends it.
    pub(super) async fn transaction(&self, deadline: Deadline) -> Result<Session, RepositoryError> {
        let mut session = self.session(deadline).await?;
        session.run("START TRANSACTION").await?;
        Ok(session)
    }
}

/// The driver's options: the URL's, and how a session is to behave.
fn options(database: &Database) -> Opts {
    let constraints = PoolConstraints::new(0, database.pool_max).unwrap_or_default();
    let pool = PoolOpts::default()
        .with_constraints(constraints)
        .with_inactive_connection_ttl(IDLE)
        // Nothing changes a session after its start, so nothing needs to be reset: a round trip less for each use.
        .with_reset_connection(false);
    OptsBuilder::from_opts(database.opts.clone())
        .pool_opts(pool)
        // WASI has no Unix sockets; the native build is to behave the same.
        .prefer_socket(false)
        // An UPDATE to what is there already must count as found.
        .client_found_rows(true)
        .init(vec![session_start(database.statement_timeout)])
        .into()
}

/// What each connection says first: strict values, and the server's own bounds on a statement and on waiting for a lock, so
/// that what the service has given up ends there too. `/*M! … */` is read by MariaDB only.
fn session_start(statement_timeout: Duration) -> String {
    format!(
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = {} \
         /*M! , max_statement_time = {} */",
        (statement_timeout.as_secs() / 2).max(1),
        statement_timeout.as_secs_f64(),
    )
}

/// A connection, lent. It goes back when [`Session::release`] says that it is in order, and is closed when dropped before:
/// nobody may be handed the answer to another's question.
struct Lent {
    conn: Option<Conn>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        let (conn, permit) = (self.conn.take(), self.permit.take());
        let (Some(conn), Ok(runtime)) = (conn, tokio::runtime::Handle::try_current()) else { return };
        runtime.spawn(async move {
            // Marks the connection as ended at once, whatever becomes of the goodbye.
            let _ = timeout(GOODBYE, conn.disconnect()).await;
            drop(permit);
        });
    }
}

/// A connection at work for one caller.
pub(super) struct Session {
    lent: Lent,
    deadline: Deadline,
    statement_timeout: Duration,
    commits: Arc<RwLock<()>>,
}

impl Session {
    /// Runs a statement without parameters or rows.
    pub(super) async fn run(&mut self, sql: &str) -> Result<(), RepositoryError> {
        let most = self.deadline.left(self.statement_timeout);
        bounded(most, self.conn()?.query_drop(sql)).await
    }

    /// Runs a prepared statement; gives the number of rows it changed or found as they should be.
    pub(super) async fn execute(
        &mut self,
        statement: impl StatementLike,
        params: impl Into<Params> + Send,
    ) -> Result<u64, RepositoryError> {
        let most = self.deadline.left(self.statement_timeout);
        let conn = self.conn()?;
        bounded(most, conn.exec_drop(statement, params)).await?;
        Ok(conn.affected_rows())
    }

    /// Runs a prepared query; gives all its rows, so it must ask for a bounded number.
    pub(super) async fn rows(
        &mut self,
        statement: impl StatementLike,
        params: impl Into<Params> + Send,
    ) -> Result<Vec<Row>, RepositoryError> {
        let most = self.deadline.left(self.statement_timeout);
        bounded(most, self.conn()?.exec(statement, params)).await
    }

    /// The id that the last INSERT was given.
    pub(super) fn last_insert_id(&mut self) -> Result<Option<u64>, RepositoryError> {
        Ok(self.conn()?.last_insert_id())
    }

    /// Commits where the work succeeded, rolls back where it did not, and gives the connection back if it is in order.
    pub(super) async fn end_transaction<T>(mut self, work: Result<T, RepositoryError>) -> Result<T, RepositoryError> {
        match work {
            Ok(value) => {
                self.commit().await?;
                self.release();
                Ok(value)
            }
            Err(error) => {
                // A connection that is not released is closed, and the database rolls back by itself.
                if error.leaves_connection_usable() && self.run("ROLLBACK").await.is_ok() {
                    self.release();
                }
                Err(error)
            }
        }
    }

    /// Gives the connection back after statements that need no transaction, if it is in order.
    pub(super) fn end_read<T>(self, work: Result<T, RepositoryError>) -> Result<T, RepositoryError> {
        if work.as_ref().err().is_none_or(RepositoryError::leaves_connection_usable) {
            self.release();
        }
        work
    }

    /// Ends a transaction for good. Not cut short by the caller's deadline: the answer is waited for as long as a statement may take.
    async fn commit(&mut self) -> Result<(), RepositoryError> {
        let most = self.statement_timeout;
        let commits = Arc::clone(&self.commits);
        let _under_way = commits.read().await;
        match timeout(most, self.conn()?.query_drop("COMMIT")).await {
            Ok(result) => result.map_err(RepositoryError::from_commit),
            Err(_) => Err(RepositoryError::OutcomeUnknown("no answer within STATEMENT_TIMEOUT".into())),
        }
    }

    /// Gives the connection back. Only for one that has nothing open: no transaction, no lock, no unread answer.
    pub(super) fn release(mut self) {
        drop(self.lent.conn.take());
    }

    fn conn(&mut self) -> Result<&mut Conn, RepositoryError> {
        self.lent.conn.as_mut().ok_or_else(|| RepositoryError::Internal("a session without a connection".into()))
    }
}

/// The driver's answer within the time, with its error sorted.
async fn bounded<T>(
    most: Duration,
    answer: impl Future<Output = mysql_async::Result<T>>,
) -> Result<T, RepositoryError> {
    match timeout(most, answer).await {
        Ok(result) => result.map_err(RepositoryError::from_statement),
        Err(_) => Err(RepositoryError::TimedOut),
    }
}
