//! Connections: a bounded number, each used by one caller at a time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use mysql_async::{Conn, IoError, Pool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::options::driver_options;
use super::{DatabaseError, DatabaseSettings, Deadline};
use crate::platform;

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
    /// Changes of the schema.
    Migration,
    /// A readiness check. It has a connection of its own, since a busy database is still available.
    Readiness,
}

/// The connections to one database.
///
/// In the driver's pool a caller waits for a free connection and for the database in the same call. The permits
/// separate the two. A caller without a permit knows that all connections are in use. A caller with a permit but no
/// connection knows that the database is unavailable.
pub(super) struct ConnectionPool {
    pool: Pool,
    work_permits: Arc<Semaphore>,
    /// A batch needs one of these and a work permit.
    batch_permits: Arc<Semaphore>,
    readiness_permits: Arc<Semaphore>,
    /// The database's host as in the URL.
    host: String,
    connect_timeout: Duration,
}

impl ConnectionPool {
    pub(super) fn new(settings: &DatabaseSettings) -> Self {
        let work_permits = Arc::new(Semaphore::new(settings.pool_max.saturating_sub(1).max(1)));
        let readiness_permits =
            if settings.pool_max > 1 { Arc::new(Semaphore::new(1)) } else { Arc::clone(&work_permits) };
        Self {
            pool: Pool::new(driver_options(settings)),
            work_permits,
            batch_permits: Arc::new(Semaphore::new(settings.max_batches)),
            readiness_permits,
            host: settings.opts.ip_or_hostname().to_owned(),
            connect_timeout: settings.connect_timeout,
        }
    }

    /// A connection, as soon as one is free.
    pub(super) async fn acquire(
        &self,
        purpose: Purpose,
        deadline: Deadline,
    ) -> Result<PooledConnection, DatabaseError> {
        let permits = timeout(deadline.remaining(self.connect_timeout), self.permits(purpose)).await;
        let Ok(Some(permits)) = permits else { return Err(DatabaseError::Busy) };
        match timeout(deadline.remaining(self.connect_timeout), self.pool.get_conn()).await {
            Ok(Ok(conn)) => Ok(PooledConnection { open: Some((conn, permits)) }),
            Ok(Err(error)) => Err(self.connect_error(&error)),
            Err(_) => Err(DatabaseError::Unavailable("no connection within CONNECT_TIMEOUT".into())),
        }
    }

    /// The permits for a connection, as soon as they are free. The semaphores serve their waiters in order. A batch
    /// that waits for its own permit is not in the queue of the others yet.
    async fn permits(&self, purpose: Purpose) -> Option<Permits> {
        let batch = match purpose {
            Purpose::Batch => Some(Arc::clone(&self.batch_permits).acquire_owned().await.ok()?),
            Purpose::Transaction | Purpose::Read | Purpose::Migration | Purpose::Readiness => None,
        };
        let permits = if purpose == Purpose::Readiness { &self.readiness_permits } else { &self.work_permits };
        Some(Permits { _connection: Arc::clone(permits).acquire_owned().await.ok()?, _batch: batch })
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

    /// Closes the idle connections; those in use are closed when they come back.
    pub(super) async fn close(&self) {
        let _ = timeout(DISCONNECT_TIMEOUT, self.pool.clone().disconnect()).await;
    }
}

/// The right to use a connection, until this is dropped.
struct Permits {
    _connection: OwnedSemaphorePermit,
    _batch: Option<OwnedSemaphorePermit>,
}

/// A connection in use. [`PooledConnection::release`] returns it to the pool; dropping it closes it, since the next
/// user must not get a response to this one's statement.
pub(super) struct PooledConnection {
    /// None only after the release.
    open: Option<(Conn, Permits)>,
}

impl PooledConnection {
    /// The driver's connection.
    pub(super) fn get(&mut self) -> Result<&mut Conn, DatabaseError> {
        let open = self.open.as_mut().map(|(conn, _)| conn);
        open.ok_or_else(|| DatabaseError::Internal("a released connection was used".into()))
    }

    /// Returns the connection to the pool. It must have no open transaction, no lock and no response under way.
    pub(super) fn release(mut self) {
        // The driver's connection returns to its pool when it is dropped.
        drop(self.open.take());
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
