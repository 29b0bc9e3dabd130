//! Responses that are stored under their requests' idempotency keys.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::turns::{Turn, Turns};
use super::{Database, DatabaseError, Deadline, Params, Row, Schema, Session, Value};
use crate::http::reply::{Reply, StoredReply};
use crate::idempotency::RequestKey;
use crate::metrics::MetricWriter;

/// Rows that one statement deletes at most, so that it holds its locks for a short time.
const MAX_DELETED_ROWS: usize = 1_000;

/// For finding and deleting that many rows.
const DELETE_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest body that is stored, in bytes. A repeat holds one in memory.
const MAX_STORED_BYTES: usize = 1024 * 1024;

/// The columns of the table.
pub(super) const COLUMNS: &str = "id, request, status, headers, body, expires_at";

/// The pauses between two searches for expired keys: a tenth of the keys' time, within these bounds.
const MIN_DELETE_INTERVAL: Duration = Duration::from_secs(1);
const MAX_DELETE_INTERVAL: Duration = Duration::from_secs(60);

/// The keys of a service's requests.
#[derive(Debug)]
pub(super) struct IdempotencyKeys {
    time_to_live: Duration,
    sql: Statements,
    turns: Turns,
    outcomes: Outcomes,
    expired: AtomicU64,
}

#[derive(Debug)]
struct Statements {
    insert: String,
    select: String,
    update: String,
    delete: String,
    select_expired: String,
    delete_expired: String,
}

/// What became of requests with a key.
#[derive(Debug, Default)]
struct Outcomes {
    first: AtomicU64,
    replayed: AtomicU64,
    in_progress: AtomicU64,
    reused: AtomicU64,
}

impl IdempotencyKeys {
    /// The keys of a service with this schema. None if the schema has no table of keys.
    pub(super) fn new(schema: &Schema, time_to_live: Duration) -> Option<Self> {
        let table = schema.idempotency_table()?;
        let sql = Statements {
            insert: format!(
                "INSERT INTO {table} (id, request, expires_at) VALUES (?, ?, CURRENT_TIMESTAMP + INTERVAL ? SECOND)"
            ),
            select: format!(
                "SELECT request, status, headers, body, expires_at <= CURRENT_TIMESTAMP FROM {table} WHERE id = ?"
            ),
            // The time begins anew: the work may have taken long.
            update: format!(
                "UPDATE {table} SET status = ?, headers = ?, body = ?, \
                 expires_at = CURRENT_TIMESTAMP + INTERVAL ? SECOND WHERE id = ?"
            ),
            delete: format!("DELETE FROM {table} WHERE id = ? AND expires_at <= CURRENT_TIMESTAMP"),
            // Without locks: a DELETE by the time would lock the times around those, which new keys need.
            select_expired: format!(
                "SELECT id FROM {table} WHERE expires_at <= CURRENT_TIMESTAMP LIMIT {MAX_DELETED_ROWS}"
            ),
            delete_expired: format!("DELETE FROM {table} WHERE expires_at <= CURRENT_TIMESTAMP AND id IN "),
        };
        let (turns, outcomes) = (Turns::default(), Outcomes::default());
        Some(Self { time_to_live, sql, turns, outcomes, expired: AtomicU64::new(0) })
    }

    /// Waits until no other request of this process with this key is under way.
    ///
    /// # Errors
    /// [`DatabaseError::RequestInProgress`] if that takes longer than `max`.
    pub(super) async fn take_turn(&self, key: &RequestKey, max: Duration) -> Result<Turn<'_>, DatabaseError> {
        self.turns.enter(key.id, max).await.ok_or(DatabaseError::RequestInProgress)
    }

    /// Takes the key for this request. If the key has a response, this is it.
    ///
    /// The key belongs to the transaction: the same request at another replica waits here until the transaction ends.
    ///
    /// # Errors
    /// [`DatabaseError::RequestInProgress`] if that takes too long, [`DatabaseError::IdempotencyKeyReused`], and those
    /// of any write.
    pub(super) async fn claim(
        &self,
        session: &mut Session<'_>,
        key: &RequestKey,
    ) -> Result<Option<Reply>, DatabaseError> {
        if self.insert(session, key).await? {
            return Ok(None);
        }
        let rows = session.query(&self.sql.select, (&key.id[..],)).await?;
        let Some((is_expired, request, reply)) = rows.into_iter().next().map(from_row) else {
            return Err(DatabaseError::Conflict("an idempotency key has just expired".into()));
        };
        if is_expired {
            session.execute(&self.sql.delete, (&key.id[..],)).await?;
            let is_first = self.insert(session, key).await?;
            let taken = || DatabaseError::Conflict("another request has just taken an expired idempotency key".into());
            return if is_first { Ok(None) } else { Err(taken()) };
        }
        if request != key.request {
            return Err(DatabaseError::IdempotencyKeyReused);
        }
        let lost = || DatabaseError::Internal("the response that is stored under an idempotency key is invalid".into());
        reply.ok_or_else(lost).map(Some)
    }

    /// True if the key was free.
    async fn insert(&self, session: &mut Session<'_>, key: &RequestKey) -> Result<bool, DatabaseError> {
        let parameters = (&key.id[..], &key.request[..], self.time_to_live.as_secs());
        match session.execute(&self.sql.insert, parameters).await {
            Ok(_) => Ok(true),
            Err(DatabaseError::Duplicate(_)) => Ok(false),
            // Another transaction has inserted the key, and has not ended.
            Err(DatabaseError::LockTimeout(_)) => Err(DatabaseError::RequestInProgress),
            Err(error) => Err(error),
        }
    }

    /// Stores the reply under the key, which this transaction has claimed.
    ///
    /// # Errors
    /// Those of any write.
    pub(super) async fn store(
        &self,
        session: &mut Session<'_>,
        key: &RequestKey,
        reply: &Reply,
    ) -> Result<(), DatabaseError> {
        let StoredReply { status, headers, body } = reply.to_stored();
        if body.len() > MAX_STORED_BYTES {
            return Err(DatabaseError::Internal(
                "a response is too large to be stored under an idempotency key".into(),
            ));
        }
        let parameters = (status, headers, body, self.time_to_live.as_secs(), &key.id[..]);
        session.execute(&self.sql.update, parameters).await.map(drop)
    }

    /// Deletes the keys with the ids in these rows, if they are still expired.
    async fn delete(&self, session: &mut Session<'_>, rows: &[Row]) -> Result<u64, DatabaseError> {
        let ids: Vec<Value> = rows.iter().filter_map(|row| row.as_ref(0).cloned()).collect();
        let sql = format!("{}({})", self.sql.delete_expired, vec!["?"; ids.len()].join(", "));
        session.execute(&sql, Params::Positional(ids)).await
    }

    /// Counts a request with a key.
    pub(super) fn count(&self, result: Result<&Reply, &DatabaseError>) {
        let count = match result {
            Ok(reply) if reply.is_replayed() => &self.outcomes.replayed,
            Ok(_) => &self.outcomes.first,
            Err(DatabaseError::RequestInProgress) => &self.outcomes.in_progress,
            Err(DatabaseError::IdempotencyKeyReused) => &self.outcomes.reused,
            Err(_) => return,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn write_metrics(&self, writer: &mut MetricWriter<'_>) -> fmt::Result {
        let Outcomes { first, replayed, in_progress, reused } = &self.outcomes;
        let outcomes = [("first", first), ("replayed", replayed), ("in_progress", in_progress), ("reused", reused)];
        let outcomes = outcomes.map(|(outcome, count)| (outcome, count.load(Ordering::Relaxed)));
        let help = "Requests with an Idempotency-Key that were handled, answered again, or rejected for their key";
        writer.counters("idempotent_requests", help, "outcome", outcomes)?;
        let help = "Idempotency keys that this process has deleted after their time";
        writer.counter("idempotency_keys_expired", None, help, &self.expired.load(Ordering::Relaxed))
    }
}

impl Database {
    /// Deletes expired idempotency keys from time to time, for ever. Replicas share the work: each deletes what it
    /// finds, a bounded number of rows at a time.
    pub(crate) async fn delete_expired_keys(&self) {
        let Some(keys) = &self.shared.idempotency_keys else { return };
        let interval = (keys.time_to_live / 10).clamp(MIN_DELETE_INTERVAL, MAX_DELETE_INTERVAL);
        let mut last_error = String::new();
        loop {
            // Replicas that started together do not search together.
            tokio::time::sleep(interval.mul_f64(1.0 - fastrand::f64() / 4.0)).await;
            let error = self.delete_expired(keys).await.err().map(|error| error.to_string()).unwrap_or_default();
            if !error.is_empty() && error != last_error {
                tracing::warn!(error, "expired idempotency keys were not deleted; trying again");
            }
            last_error = error;
        }
    }

    /// Deletes all keys that are expired. Between two parts it pauses for as long as the last one took.
    async fn delete_expired(&self, keys: &IdempotencyKeys) -> Result<(), DatabaseError> {
        loop {
            let began = Instant::now();
            let deadline = Deadline::after(DELETE_TIMEOUT);
            let select = &keys.sql.select_expired;
            let read = self.read(deadline, |session| Box::pin(async move { session.query(select, ()).await }));
            let rows = read.await?;
            if !rows.is_empty() {
                let deleted = self.transaction(deadline, |session| Box::pin(keys.delete(session, &rows))).await?;
                keys.expired.fetch_add(deleted, Ordering::Relaxed);
            }
            if rows.len() < MAX_DELETED_ROWS {
                return Ok(());
            }
            tokio::time::sleep(began.elapsed()).await;
        }
    }
}

/// Whether a row is expired, the request's hash, and its reply if it is valid.
fn from_row(mut row: Row) -> (bool, Vec<u8>, Option<Reply>) {
    let is_expired = row.take_opt::<bool, _>(4).and_then(Result::ok).unwrap_or(false);
    let request = row.take_opt::<Vec<u8>, _>(0).and_then(Result::ok).unwrap_or_default();
    (is_expired, request, reply_from_row(&mut row))
}

fn reply_from_row(row: &mut Row) -> Option<Reply> {
    let status = row.take_opt(1)?.ok()?;
    let headers = row.take_opt(2)?.ok()?;
    let body = row.take_opt(3)?.ok()?;
    Reply::replay(StoredReply { status, headers, body })
}
