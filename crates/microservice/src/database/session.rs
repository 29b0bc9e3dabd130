//! Statements on one connection, each bounded in time.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Params, Row};
use tokio::time::timeout;

use super::commit_gate::CommitGate;
use super::metrics::DatabaseMetrics;
use super::pool::PooledConnection;
use super::session_variables::schema_change_timeouts;
use super::tracing::StatementTracing;
use super::{DatabaseError, Deadline};

/// A connection to the database that a caller uses for a transaction, or for reads without one.
///
/// The lifetime is that of the values that the caller's closure captures; see
/// docs/decisions/0009-transactions-take-boxed-futures.md.
pub struct Session<'a> {
    connection: PooledConnection,
    state: State,
    deadline: Deadline,
    statement_timeout: Duration,
    metrics: Arc<DatabaseMetrics>,
    tracing: StatementTracing,
    captures: PhantomData<&'a ()>,
}

/// What may be sent on the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Anything.
    Ready,
    /// Only ROLLBACK: the database has given the transaction up, so later statements would not belong to it.
    Conflicted,
    /// Nothing: a statement was sent, and its response has not arrived.
    AwaitingResponse {
        /// When it was sent.
        since: Instant,
    },
}

impl Session<'_> {
    pub(super) fn new(
        connection: PooledConnection,
        deadline: Deadline,
        statement_timeout: Duration,
        (metrics, tracing): (Arc<DatabaseMetrics>, StatementTracing),
    ) -> Self {
        Self { connection, state: State::Ready, deadline, statement_timeout, metrics, tracing, captures: PhantomData }
    }

    /// Runs a statement that has no parameters and returns no rows.
    ///
    /// # Errors
    /// Those of [`DatabaseError`] except `Busy` and `OutcomeUnknown`.
    pub async fn run(&mut self, sql: &str) -> Result<(), DatabaseError> {
        let (text, _) = self.tracing.text(sql);
        let (conn, max) = self.send()?;
        let response = bounded(max, conn.query_drop(text)).await;
        self.receive(sql, response)
    }

    /// Runs a prepared statement. Returns the number of rows it changed, or found with these values already.
    ///
    /// # Errors
    /// Those of [`Session::run`].
    pub async fn execute(&mut self, sql: &str, params: impl Into<Params> + Send) -> Result<u64, DatabaseError> {
        self.execute_any(sql, params.into()).await
    }

    /// The same for parameters of any types: the code for it is compiled once.
    async fn execute_any(&mut self, sql: &str, params: Params) -> Result<u64, DatabaseError> {
        let (text, is_unique) = self.tracing.text(sql);
        let (conn, max) = self.send()?;
        let response = bounded(max, async {
            if !is_unique {
                conn.exec_drop(sql, params).await?;
                return Ok(conn.affected_rows());
            }
            let statement = conn.prep(text).await?;
            let result = conn.exec_drop(&statement, params).await;
            let rows = conn.affected_rows();
            // Also after an error: the driver keeps few statements.
            let closed = conn.close(statement).await;
            result.and(closed).map(|()| rows)
        });
        let response = response.await;
        self.receive(sql, response)
    }

    /// Runs a prepared query. Returns all its rows, so the query should limit them.
    ///
    /// # Errors
    /// Those of [`Session::run`].
    pub async fn query(&mut self, sql: &str, params: impl Into<Params> + Send) -> Result<Vec<Row>, DatabaseError> {
        self.query_any(sql, params.into()).await
    }

    /// The same for parameters of any types.
    async fn query_any(&mut self, sql: &str, params: Params) -> Result<Vec<Row>, DatabaseError> {
        let (text, is_unique) = self.tracing.text(sql);
        let (conn, max) = self.send()?;
        let response = bounded(max, async {
            if !is_unique {
                return conn.exec(sql, params).await;
            }
            let statement = conn.prep(text).await?;
            let result = conn.exec(&statement, params).await;
            let closed = conn.close(statement).await;
            result.and_then(|rows| closed.map(|()| rows))
        });
        let response = response.await;
        self.receive(sql, response)
    }

    /// The id that the database gave the last inserted row.
    ///
    /// # Errors
    /// None in a session that is in use.
    pub fn last_insert_id(&mut self) -> Result<Option<u64>, DatabaseError> {
        Ok(self.connection.get()?.last_insert_id())
    }

    /// The size in bytes from which the server rejects a statement with its parameters (`max_allowed_packet`).
    ///
    /// # Errors
    /// Those of [`Session::run`].
    pub async fn max_statement_bytes(&mut self) -> Result<usize, DatabaseError> {
        let rows = self.query("SELECT @@SESSION.max_allowed_packet", ()).await?;
        let bytes = rows.first().and_then(|row| row.get_opt::<usize, _>(0)?.ok());
        bytes.ok_or_else(|| DatabaseError::Internal("the server did not say its max_allowed_packet".into()))
    }

    /// Creates, changes or drops tables, within `max`. There is no transaction around that.
    ///
    /// # Errors
    /// [`DatabaseError::SchemaOutcomeUnknown`] if the server did not say how the statement ended.
    pub(super) async fn change_schema(&mut self, sql: &str, max: Duration) -> Result<(), DatabaseError> {
        let max = self.deadline.remaining(max);
        // Nothing of the change is under way yet.
        self.run(&schema_change_timeouts(max)).await?;
        let (conn, _) = self.send()?;
        let response = bounded(max, conn.query_drop(sql)).await;
        self.receive(sql, response).map_err(DatabaseError::during_schema_change)
    }

    /// Commits. Once the COMMIT is sent, its response is awaited beyond the deadline, for `max`.
    pub(super) async fn commit(&mut self, gate: &CommitGate, max: Duration) -> Result<(), DatabaseError> {
        let _permit = gate.enter().await?;
        let (conn, _) = self.send()?;
        let response = match timeout(max, conn.query_drop("COMMIT")).await {
            Ok(result) => result.map_err(DatabaseError::from_commit),
            Err(_) => Err(DatabaseError::OutcomeUnknown(format!("no response within {max:?}"))),
        };
        self.receive("COMMIT", response)
    }

    /// Rolls back and returns the connection to the pool. If that fails, the connection is closed, and the database
    /// rolls back by itself.
    pub(super) async fn roll_back(mut self) {
        if self.state == State::Conflicted {
            self.state = State::Ready;
        }
        if self.run("ROLLBACK").await.is_ok() {
            self.connection.release();
        }
    }

    /// Returns the connection to the pool if it is in order. It must have no open transaction and no lock.
    pub(super) fn release(self) {
        if !matches!(self.state, State::AwaitingResponse { .. }) {
            self.connection.release();
        }
    }

    /// The connection for the next statement, and how long that may take.
    ///
    /// The state is [`State::AwaitingResponse`] until [`Session::receive`]. If the statement's future is dropped, that
    /// state remains, and the connection is closed instead of reused.
    fn send(&mut self) -> Result<(&mut Conn, Duration), DatabaseError> {
        match self.state {
            State::Ready => {}
            State::Conflicted => return Err(DatabaseError::Conflict("an earlier statement had a conflict".into())),
            State::AwaitingResponse { .. } => {
                return Err(DatabaseError::ConnectionLost("an earlier statement got no response".into()));
            }
        }
        self.state = State::AwaitingResponse { since: Instant::now() };
        Ok((self.connection.get()?, self.deadline.remaining(self.statement_timeout)))
    }

    /// Sets the state that follows from the response to this statement.
    fn receive<T>(&mut self, sql: &str, response: Result<T, DatabaseError>) -> Result<T, DatabaseError> {
        if let State::AwaitingResponse { since } = self.state {
            self.metrics.statement(sql, since.elapsed());
            self.tracing.record(sql, since, response.as_ref().err());
        }
        match &response {
            Err(DatabaseError::Conflict(_) | DatabaseError::LockTimeout(_)) => self.state = State::Conflicted,
            Err(error) if !error.leaves_connection_usable() => {}
            Ok(_) | Err(_) => self.state = State::Ready,
        }
        response
    }
}

/// The driver's response within the time, its error translated.
async fn bounded<T>(max: Duration, response: impl Future<Output = mysql_async::Result<T>>) -> Result<T, DatabaseError> {
    match timeout(max, response).await {
        Ok(result) => result.map_err(DatabaseError::from_statement),
        Err(_) => Err(DatabaseError::TimedOut),
    }
}
