//! The handlers: decode, call the repository, encode.

mod body;
mod conditional;
pub(crate) mod meta;
pub(crate) mod operations;
pub(crate) mod orders;
mod query;
mod stream;

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::{Config, Limits};
use crate::drain::Drain;
use crate::error::Error;
use crate::repository::{Deadline, Repository};

/// What the handlers work with.
pub struct App {
    repository: Arc<Repository>,
    limits: Limits,
    allow_reset: bool,
    cors_allow_origin: Option<String>,
    drain: Drain,
    /// Memory for bodies, in KiB.
    buffers: Arc<Semaphore>,
    /// Places for requests being worked on.
    in_flight: Arc<Semaphore>,
    /// Places for tables being streamed.
    streams: Arc<Semaphore>,
}

impl App {
    /// Prepares the handlers' work as configured.
    #[must_use]
    pub fn new(config: &Config, repository: Arc<Repository>) -> Self {
        Self {
            repository,
            limits: config.limits.clone(),
            allow_reset: config.allow_reset,
            cors_allow_origin: config.cors_allow_origin.clone(),
            drain: Drain::new(config.leaving.delay),
            buffers: Arc::new(Semaphore::new(config.limits.max_buffered_bytes / body::UNIT)),
            in_flight: Arc::new(Semaphore::new(config.limits.max_in_flight)),
            streams: Arc::new(Semaphore::new(config.limits.max_streams)),
        }
    }

    /// The process's leaving.
    #[must_use]
    pub fn drain(&self) -> &Drain {
        &self.drain
    }

    /// A place among the requests being worked on, for as long as it is held.
    ///
    /// # Errors
    /// All are taken: there is more to do than can be done.
    pub fn admit(&self) -> Result<OwnedSemaphorePermit, Error> {
        let place = Arc::clone(&self.in_flight).try_acquire_owned();
        place.map_err(|_| Error::Overloaded("too many requests are being worked on"))
    }

    /// Ends the work at the database for good; see [`Repository::close`].
    pub async fn close(&self) {
        self.repository.close().await;
    }

    /// The moment by which a request that starts its work at the database now must be done with it.
    fn deadline(&self) -> Deadline {
        Deadline::after(self.limits.request_timeout)
    }
}
