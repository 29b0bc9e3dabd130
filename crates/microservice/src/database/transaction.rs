//! Begin, commit, roll back, retry: in one place for all work.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::migrate::check;
use super::pool::Purpose;
use super::retry::RetryState;
use super::{Database, DatabaseError, Deadline, Session};
use crate::BoxFuture;

/// An error that work at the database can end with.
pub trait TransactionError: From<DatabaseError> + Send {
    /// The database's error inside, if there is one. It decides whether the work is repeated.
    fn database_error(&self) -> Option<&DatabaseError>;
}

impl TransactionError for DatabaseError {
    fn database_error(&self) -> Option<&DatabaseError> {
        Some(self)
    }
}

/// A part of a streamed response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The response has not begun.
    First,
    /// The client has received a part of the response.
    Later,
}

/// Work that may be attempted several times.
pub(super) trait Work<'a, T, E>: Send {
    /// Works once, from the beginning.
    fn attempt<'s>(&'s mut self, session: &'s mut Session<'a>) -> BoxFuture<'s, Result<T, E>>;

    /// False if the attempt that succeeded has nothing to commit.
    fn has_written(&self) -> bool {
        true
    }
}

impl<'a, T, E, F> Work<'a, T, E> for F
where
    F: for<'s> FnMut(&'s mut Session<'a>) -> BoxFuture<'s, Result<T, E>> + Send,
{
    fn attempt<'s>(&'s mut self, session: &'s mut Session<'a>) -> BoxFuture<'s, Result<T, E>> {
        self(session)
    }
}

/// How a unit of work uses the database.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mode {
    pub(super) purpose: Purpose,
    pub(super) deadline: Deadline,
    /// How long the COMMIT's response is awaited. None for work without a transaction.
    commit_timeout: Option<Duration>,
}

impl Mode {
    /// A transaction.
    pub(super) fn transaction(deadline: Deadline, commit_timeout: Duration) -> Self {
        Self { purpose: Purpose::Transaction, deadline, commit_timeout: Some(commit_timeout) }
    }

    /// A transaction that takes long.
    pub(super) fn batch(max_duration: Duration, statement_timeout: Duration) -> Self {
        let commit_timeout = Some(max_duration.max(statement_timeout));
        Self { purpose: Purpose::Batch, deadline: Deadline::after(max_duration), commit_timeout }
    }

    /// Statements without a transaction.
    pub(super) fn reads(purpose: Purpose, deadline: Deadline) -> Self {
        Self { purpose, deadline, commit_timeout: None }
    }
}

impl Database {
    /// Runs the work in a transaction, and commits if the work succeeds.
    ///
    /// The work is repeated as a whole if the database rolled it back because of a conflict and, once, if the
    /// connection broke before the COMMIT. So the work should have no effects outside the transaction. If this future
    /// is dropped, the connection is closed, and the database rolls back.
    ///
    /// # Errors
    /// Those of the work, for which nothing is written; [`DatabaseError::OutcomeUnknown`] if the COMMIT got no
    /// response; [`DatabaseError::Unavailable`] during shutdown, before the COMMIT;
    /// [`DatabaseError::IncompatibleTable`].
    pub async fn transaction<'a, T, E, F>(&self, deadline: Deadline, work: F) -> Result<T, E>
    where
        T: Send,
        E: TransactionError,
        F: for<'s> FnMut(&'s mut Session<'a>) -> BoxFuture<'s, Result<T, E>> + Send,
    {
        self.run(Mode::transaction(deadline, self.shared.statement_timeout), work).await
    }

    /// Runs reads without a transaction. They are repeated as in [`Database::transaction`]; so a write here might
    /// happen twice.
    ///
    /// # Errors
    /// Those of the reads; [`DatabaseError::IncompatibleTable`].
    pub async fn read<'a, T, E, F>(&self, deadline: Deadline, work: F) -> Result<T, E>
    where
        T: Send,
        E: TransactionError,
        F: for<'s> FnMut(&'s mut Session<'a>) -> BoxFuture<'s, Result<T, E>> + Send,
    {
        self.run(Mode::reads(Purpose::Read, deadline), work).await
    }

    /// Runs the reads for a part of a streamed response, as [`Database::read`] does.
    ///
    /// The first part is rejected at once if the queue for a connection is too long. For later parts that would cut the
    /// response short: they wait up to `CONNECT_TIMEOUT`.
    ///
    /// # Errors
    /// Those of [`Database::read`].
    pub async fn read_part<'a, T, E, F>(&self, part: Part, deadline: Deadline, work: F) -> Result<T, E>
    where
        T: Send,
        E: TransactionError,
        F: for<'s> FnMut(&'s mut Session<'a>) -> BoxFuture<'s, Result<T, E>> + Send,
    {
        let purpose = match part {
            Part::First => Purpose::Read,
            Part::Later => Purpose::Continuation,
        };
        self.run(Mode::reads(purpose, deadline), work).await
    }

    /// Runs the work until it succeeds or must not be repeated.
    pub(super) async fn run<'a, T, E, F>(&self, mode: Mode, mut work: F) -> Result<T, E>
    where
        T: Send,
        E: TransactionError,
        F: for<'s> FnMut(&'s mut Session<'a>) -> BoxFuture<'s, Result<T, E>> + Send,
    {
        self.run_work(mode, &mut work).await
    }

    /// The same for work of any type: the code for it is compiled once for each result.
    pub(super) async fn run_work<'a, T, E>(&self, mut mode: Mode, work: &mut dyn Work<'a, T, E>) -> Result<T, E>
    where
        T: Send,
        E: TransactionError,
    {
        let mut retries = RetryState::new(mode.deadline, Arc::clone(&self.shared.metrics));
        loop {
            let result = self.attempt(mode, work).await;
            match result {
                Err(error) if retries.should_retry(error.database_error()).await => mode.purpose.continue_work(),
                result => {
                    let failed = |error: &DatabaseError| self.shared.metrics.failed(error);
                    return result.inspect_err(|error| error.database_error().into_iter().for_each(failed));
                }
            }
        }
    }

    /// Begins, works, and ends, once.
    async fn attempt<'a, T, E>(&self, mode: Mode, work: &mut dyn Work<'a, T, E>) -> Result<T, E>
    where
        T: Send,
        E: TransactionError,
    {
        let mut session = self.begin(mode).await?;
        match work.attempt(&mut session).await {
            Ok(value) => {
                match mode.commit_timeout {
                    Some(_) if !work.has_written() => session.roll_back().await,
                    Some(max) => {
                        session.commit(&self.shared.commit_gate, max).await?;
                        session.release();
                    }
                    None => session.release(),
                }
                Ok(value)
            }
            Err(error) => {
                match mode.commit_timeout {
                    Some(_) => session.roll_back().await,
                    None => session.release(),
                }
                Err(error)
            }
        }
    }

    /// A session for this work, in a transaction where the mode has one.
    async fn begin<'a>(&self, mode: Mode) -> Result<Session<'a>, DatabaseError> {
        let mut session = self.session(mode.purpose, mode.deadline).await?;
        if let Err(error) = self.check_tables_once(mode.purpose, &mut session).await {
            session.release();
            return Err(error);
        }
        if mode.commit_timeout.is_some() {
            session.run("START TRANSACTION").await?;
        }
        Ok(session)
    }

    /// Fails where the tables are another program's: they might round money or keep half of a transaction. After the
    /// first success this does nothing.
    async fn check_tables_once(&self, purpose: Purpose, session: &mut Session<'_>) -> Result<(), DatabaseError> {
        let is_checked = purpose == Purpose::Readiness || self.shared.has_valid_tables.load(Ordering::Relaxed);
        if is_checked { Ok(()) } else { self.check_tables(session).await }
    }

    /// Fails unless the tables can be read and are the service's own.
    pub(super) async fn check_tables(&self, session: &mut Session<'_>) -> Result<(), DatabaseError> {
        let result = check(session, &self.shared.schema).await;
        match result {
            Ok(()) => self.shared.has_valid_tables.store(true, Ordering::Relaxed),
            Err(DatabaseError::IncompatibleTable(_)) => self.shared.has_valid_tables.store(false, Ordering::Relaxed),
            Err(_) => {}
        }
        result
    }

    /// A session on a free connection. Dropping the session closes the connection.
    pub(super) async fn session<'a>(&self, purpose: Purpose, deadline: Deadline) -> Result<Session<'a>, DatabaseError> {
        let (metrics, began) = (&self.shared.metrics, Instant::now());
        let connection = self.shared.pool.acquire(purpose, deadline).await;
        metrics.waited(began.elapsed());
        let tracing = self.shared.tracing.of_session(began, connection.as_ref().err());
        Ok(Session::new(connection?, deadline, self.shared.statement_timeout, (Arc::clone(metrics), tracing)))
    }
}
