//! Connections: a bounded number, each used by one caller at a time.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mysql_async::{Conn, IoError, Pool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::idle_connections::IdleConnections;
use super::options::{MAX_IDLE_TIME, driver_options};
use super::queue::{Queue, QueuePermit};
use super::{DatabaseError, DatabaseSettings, Deadline};
use crate::metrics::MetricWriter;
use crate::platform;
use crate::sync::lock;

/// How long closing a connection may take.
const DISCONNECT_TIMEOUT: Duration = Duration::from_millis(500);

/// The purpose of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A request's transaction.
    Transaction,
    /// A transaction that may take long. Such transactions get some of the connections only, so that they never keep
    /// all others waiting.
    Batch,
    /// A request's reads, without a transaction.
    Read,
    /// Work of which a part is done: a repeated transaction, the next part of a stream. It may join any queue.
    Continuation,
    /// Changes of the schema.
    Migration,
    /// A readiness check. It has a connection of its own, since a busy database is still available.
    Readiness,
}

impl Purpose {
    /// Keeps work that has begun from being rejected like new work.
    pub(super) fn continue_work(&mut self) {
        if matches!(self, Self::Transaction | Self::Read) {
            *self = Self::Continuation;
        }
    }
}

/// The connections to one database.
///
/// In the driver's pool a caller waits for a free connection and for the database in the same call. The permits
/// separate the two. A caller without a permit knows that all connections are in use. A caller with a permit but no
/// connection knows that the database is unavailable.
pub(super) struct ConnectionPool {
    pool: Pool,
    work_queue: Arc<Queue>,
    /// A batch needs one of these before it joins the queue.
    batch_permits: Arc<Semaphore>,
    readiness_queue: Arc<Queue>,
    idle: Arc<Mutex<IdleConnections>>,
    /// The database's host as in the URL.
    host: String,
    connect_timeout: Duration,
    max_queue_time: Duration,
}

impl ConnectionPool {
    pub(super) fn new(settings: &DatabaseSettings) -> Self {
        let work_queue = Arc::new(Queue::new(settings.pool_max.saturating_sub(1)));
        let readiness_queue = if settings.pool_max > 1 { Arc::new(Queue::new(1)) } else { Arc::clone(&work_queue) };
        Self {
            pool: Pool::new(driver_options(settings)),
            work_queue,
            batch_permits: Arc::new(Semaphore::new(settings.max_batches)),
            readiness_queue,
            idle: Arc::new(Mutex::new(IdleConnections::new(settings.pool_max, MAX_IDLE_TIME))),
            host: settings.opts.ip_or_hostname().to_owned(),
            connect_timeout: settings.connect_timeout,
            max_queue_time: settings.max_queue_time,
        }
    }

    /// A connection, as soon as one is free. New work is rejected at once if the queue is too long.
    pub(super) async fn acquire(
        &self,
        purpose: Purpose,
        deadline: Deadline,
    ) -> Result<PooledConnection, DatabaseError> {
        let mut permits = self.permits(purpose, deadline.remaining(self.connect_timeout)).await?;
        match timeout(deadline.remaining(self.connect_timeout), self.pool.get_conn()).await {
            Ok(Ok(conn)) => {
                // Opening a connection takes longer than most work, and happens seldom.
                if matches!(purpose, Purpose::Transaction | Purpose::Read | Purpose::Continuation) {
                    permits.connection.measure(&self.work_queue);
                }
                lock(&self.idle).taken(conn.id());
                Ok(PooledConnection { open: Some((conn, permits)), idle: Arc::clone(&self.idle) })
            }
            Ok(Err(error)) => Err(self.connect_error(&error)),
            Err(_) => Err(DatabaseError::Unavailable("no connection within CONNECT_TIMEOUT".into())),
        }
    }

    /// The permits for a connection, within `max`. A batch that waits for its own permit is not in the queue of the
    /// others yet.
    async fn permits(&self, purpose: Purpose, max: Duration) -> Result<Permits, DatabaseError> {
        let queue = if purpose == Purpose::Readiness { &self.readiness_queue } else { &self.work_queue };
        if matches!(purpose, Purpose::Transaction | Purpose::Read) {
            queue.admit(self.max_queue_time.min(max)).map_err(|wait| DatabaseError::Busy {
                // Who is in the queue leaves it after this time.
                wait: wait.min(self.connect_timeout),
            })?;
        }
        let (mut batch, mut remaining) = (None, max);
        if purpose == Purpose::Batch {
            let deadline = Deadline::after(max);
            let permit = timeout(max, Arc::clone(&self.batch_permits).acquire_owned()).await;
            batch = Some(permit.ok().and_then(Result::ok).ok_or(DatabaseError::Busy { wait: max })?);
            remaining = deadline.remaining(max);
        }
        let connection = queue.wait(remaining).await.ok_or(DatabaseError::Busy { wait: max })?;
        Ok(Permits { connection, _batch: batch })
    }

    /// Why there is no connection. For a host that does not resolve: its name, and the reason.
    fn connect_error(&self, error: &mysql_async::Error) -> DatabaseError {
        let resolve_error = match error {
            // tokio's error for a name without an address.
            mysql_async::Error::Io(IoError::Io(error)) if error.kind() == io::ErrorKind::InvalidInput => {
                platform::resolve_error(&self.host)
            }
            _ => None,
        };
        resolve_error
            .map_or_else(|| DatabaseError::from_connect(error), |error| DatabaseError::Unavailable(error.to_string()))
    }

    pub(super) fn write_metrics(&self, writer: &mut MetricWriter<'_>) -> fmt::Result {
        let work = ("work", &self.work_queue);
        // With one connection both purposes share its queue.
        let is_shared = Arc::ptr_eq(&self.work_queue, &self.readiness_queue);
        let queues = [Some(work), (!is_shared).then_some(("readiness", &self.readiness_queue))];
        let of =
            |figure: fn(&Queue) -> u64| queues.into_iter().flatten().map(move |(name, queue)| (name, figure(queue)));
        writer.gauges("db_client_connections_used", None, "Connections in use", "purpose", of(Queue::used))?;
        let help = "The connections that may be used";
        writer.gauges("db_client_connections_limit", None, help, "purpose", of(Queue::connections))?;
        let (idle, opened) = {
            let idle = &mut *lock(&self.idle);
            (idle.count(Instant::now()), idle.opened())
        };
        writer.gauge("db_client_connections_idle", None, "Open connections that are not in use", &idle)?;
        writer.counter("db_client_connections_opened", None, "Connections that were opened", &opened)?;
        let (help, waiters) = ("Work that waits for a connection", self.work_queue.waiters());
        writer.gauge("db_client_connection_pending_requests", None, help, &waiters)
    }

    /// Closes the idle connections; those in use are closed when they come back.
    pub(super) async fn close(&self) {
        let _ = timeout(DISCONNECT_TIMEOUT, self.pool.clone().disconnect()).await;
    }
}

/// The right to use a connection, until this is dropped.
struct Permits {
    connection: QueuePermit,
    _batch: Option<OwnedSemaphorePermit>,
}

/// A connection in use. [`PooledConnection::release`] returns it to the pool; dropping it closes it, since the next
/// user must not get a response to this one's statement.
pub(super) struct PooledConnection {
    /// None only after the release.
    open: Option<(Conn, Permits)>,
    idle: Arc<Mutex<IdleConnections>>,
}

impl PooledConnection {
    /// The driver's connection.
    pub(super) fn get(&mut self) -> Result<&mut Conn, DatabaseError> {
        let open = self.open.as_mut().map(|(conn, _)| conn);
        open.ok_or_else(|| DatabaseError::Internal("a released connection was used".into()))
    }

    /// Returns the connection to the pool. It must have no open transaction, no lock and no response under way.
    pub(super) fn release(mut self) {
        let Some((conn, permits)) = self.open.take() else { return };
        lock(&self.idle).returned(conn.id(), Instant::now());
        // The driver's connection returns to its pool when it is dropped.
        drop((conn, permits));
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        let Some((conn, permits)) = self.open.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            // The driver never reuses the connection from here on, even if closing it takes too long.
            let _ = timeout(DISCONNECT_TIMEOUT, conn.disconnect()).await;
            drop(permits);
        });
    }
}
