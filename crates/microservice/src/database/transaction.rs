//! Begin, commit, roll back, retry: in one place for all work.

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

impl Database {
    /// Runs the work in a transaction, and commits if the work succeeds.
    ///
    /// The work is repeated as a whole if the database rolled it back because of a conflict and, once, if the
    /// connection broke before the COMMIT. So the work should have no effects outside the transaction. If this future
    /// is dropped, the connection is closed, and the database rolls back.
    ///
    /// # Errors
    /// Those of the work, for which nothing is written; [`DatabaseError::OutcomeUnknown`] if the COMMIT got no
    /// response; [`DatabaseError::Unavailable`] during shutdown, before the COMMIT.
    pub async fn transaction<'a, T, E, F>(&self, deadline: Deadline, mut work: F) -> Result<T, E>
    where
        T: Send,
        E: TransactionError,
        F: for<'s> FnMut(&'s mut Session<'a>) -> BoxFuture<'s, Result<T, E>> + Send,
    {
        let mut retries = RetryState::new(deadline);
        loop {
            let result = self.attempt(deadline, &mut work).await;
            match result {
                Err(error) if retries.should_retry(error.database_error()).await => {}
                result => return result,
            }
        }
    }

    /// Begins, works, and commits or rolls back, once.
    async fn attempt<'a, T, E, F>(&self, deadline: Deadline, work: &mut F) -> Result<T, E>
    where
        T: Send,
        E: TransactionError,
        F: for<'s> FnMut(&'s mut Session<'a>) -> BoxFuture<'s, Result<T, E>> + Send,
    {
        let mut session = self.session(Purpose::Work, deadline).await?;
        session.run("START TRANSACTION").await?;
        match work(&mut session).await {
            Ok(value) => {
                session.commit(&self.shared.commit_gate).await?;
                session.release();
                Ok(value)
            }
            Err(error) => {
                session.roll_back().await;
                Err(error)
            }
        }
    }

    /// Runs reads without a transaction. They are repeated as in [`Database::transaction`]; so a write here might happen
    /// twice.
    ///
    /// # Errors
    /// Those of the reads.
    pub async fn read<'a, T, E, F>(&self, deadline: Deadline, work: F) -> Result<T, E>
    where
        T: Send,
        E: TransactionError,
        F: for<'s> FnMut(&'s mut Session<'a>) -> BoxFuture<'s, Result<T, E>> + Send,
    {
        self.read_for(Purpose::Work, deadline, work).await
    }

    /// Runs reads on a connection for that purpose.
    pub(super) async fn read_for<'a, T, E, F>(&self, purpose: Purpose, deadline: Deadline, mut work: F) -> Result<T, E>
    where
        T: Send,
        E: TransactionError,
        F: for<'s> FnMut(&'s mut Session<'a>) -> BoxFuture<'s, Result<T, E>> + Send,
    {
        let mut retries = RetryState::new(deadline);
        loop {
            let mut session = self.session(purpose, deadline).await?;
            let result = work(&mut session).await;
            session.release();
            match result {
                Err(error) if retries.should_retry(error.database_error()).await => {}
                result => return result,
            }
        }
    }

    /// A session on a free connection. Dropping the session closes the connection.
    pub(super) async fn session<'a>(&self, purpose: Purpose, deadline: Deadline) -> Result<Session<'a>, DatabaseError> {
        let connection = self.shared.pool.acquire(purpose, deadline).await?;
        Ok(Session::new(connection, deadline, self.shared.statement_timeout))
    }
}
