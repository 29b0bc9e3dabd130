//! Writes of requests: what a request writes and what it is answered, in one transaction.

use std::time::Duration;

use super::idempotency_keys::IdempotencyKeys;
use super::transaction::{Mode, TransactionError, Work};
use super::{Database, Deadline, Session};
use crate::BoxFuture;
use crate::http::reply::Reply;
use crate::idempotency::RequestKey;

/// How a request's write runs: its bounds in time, and its idempotency key. [`Request::write`](crate::Request::write)
/// makes it.
#[derive(Debug)]
pub struct Write {
    deadline: Deadline,
    /// In place of the deadline: the bound of a batch.
    max_duration: Option<Duration>,
    key: Option<RequestKey>,
}

impl Write {
    pub(crate) const fn new(deadline: Deadline, key: Option<RequestKey>) -> Self {
        Self { deadline, max_duration: None, key }
    }

    /// The same write as a batch: it takes long, such as thousands of rows.
    ///
    /// At most `POOL_MAX_BATCHES` batches have a connection at one time; the others wait, and fail with
    /// [`DatabaseError::Busy`](super::DatabaseError) after `CONNECT_TIMEOUT`. `max_duration` bounds the work in place
    /// of the deadline, and the COMMIT once more: what a COMMIT has to do grows with the transaction.
    #[must_use]
    pub fn as_batch(self, max_duration: Duration) -> Self {
        Self { max_duration: Some(max_duration), ..self }
    }
}

impl Database {
    /// Runs the work in a transaction, as [`Database::transaction`] does, or as a batch. The work makes the response.
    ///
    /// With an idempotency key the transaction stores the response under it, of at most 1 MiB. The same request again
    /// gets that response, and does nothing else; one that comes at the same time waits for the first one. What fails
    /// is not stored: the same request is then handled anew. So a handler calls this once, with all that it writes.
    ///
    /// # Errors
    /// Those of [`Database::transaction`]; [`DatabaseError::RequestInProgress`](super::DatabaseError) if the first one
    /// takes too long; [`DatabaseError::IdempotencyKeyReused`](super::DatabaseError) for another request with the key.
    pub async fn write<'a, E, F>(&self, write: Write, mut work: F) -> Result<Reply, E>
    where
        E: TransactionError,
        F: for<'s> FnMut(&'s mut Session<'a>) -> BoxFuture<'s, Result<Reply, E>> + Send,
    {
        self.write_any(write, &mut work).await
    }

    /// The same for work of any type: the code for it is compiled once.
    async fn write_any<'a, E: TransactionError>(&self, write: Write, work: DynamicWork<'_, 'a, E>) -> Result<Reply, E> {
        let statement_timeout = self.shared.statement_timeout;
        let mode = match write.max_duration {
            Some(max_duration) => Mode::batch(max_duration, statement_timeout),
            None => Mode::transaction(write.deadline, statement_timeout),
        };
        let stored = self.shared.idempotency_keys.as_ref().zip(write.key);
        let turn = match &stored {
            Some((keys, key)) => Some(keys.take_turn(key, mode.deadline.remaining(statement_timeout)).await),
            None => None,
        };
        let result = match turn.transpose() {
            Ok(_turn) => self.run_work(mode, &mut WriteWork { stored, is_replay: false, work }).await,
            Err(error) => Err(error.into()),
        };
        if let Some((keys, _)) = stored {
            match &result {
                Ok(reply) => keys.count(Ok(reply)),
                Err(error) => error.database_error().into_iter().for_each(|error| keys.count(Err(error))),
            }
        }
        result
    }
}

type DynamicWork<'w, 'a, E> = &'w mut dyn Work<'a, Reply, E>;

/// The work of a write, whose reply is stored where it has a key.
struct WriteWork<'w, 'a, E> {
    stored: Option<(&'w IdempotencyKeys, RequestKey)>,
    is_replay: bool,
    work: DynamicWork<'w, 'a, E>,
}

impl<'a, E: TransactionError> Work<'a, Reply, E> for WriteWork<'_, 'a, E> {
    fn attempt<'s>(&'s mut self, session: &'s mut Session<'a>) -> BoxFuture<'s, Result<Reply, E>> {
        let Some((keys, key)) = self.stored else { return self.work.attempt(session) };
        Box::pin(async move {
            if let Some(reply) = keys.claim(session, &key).await? {
                self.is_replay = true;
                return Ok(reply);
            }
            let reply = self.work.attempt(session).await?;
            keys.store(session, &key, &reply).await?;
            Ok(reply)
        })
    }
    fn has_written(&self) -> bool {
        !self.is_replay
    }
}
