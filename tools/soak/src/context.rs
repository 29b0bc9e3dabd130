//! The state that all clients share: the service, the stop flag, the counters, the recorded failures.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use testkit::Service;
use testkit::http::{RawConnection, RawResponse};

/// Failures whose messages are kept; further ones are only counted.
const MAX_MESSAGES: usize = 20;

/// One run.
#[derive(Debug)]
pub(crate) struct RunContext {
    pub(crate) service: Service,
    pub(crate) counters: Counters,
    stopped: Mutex<bool>,
    stop: Condvar,
    failures: Mutex<Vec<String>>,
}

/// Counters since the start of the run.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Responses that were right in every byte.
    pub(crate) right: AtomicU64,
    /// Responses that were wrong, late or missing.
    pub(crate) wrong: AtomicU64,
    /// Connections opened.
    pub(crate) connections: AtomicU64,
    /// Connections that the client reset.
    pub(crate) resets: AtomicU64,
    /// Times the service was frozen.
    pub(crate) freezes: AtomicU64,
}

impl RunContext {
    pub(crate) fn new(service: Service) -> Self {
        Self {
            service,
            counters: Counters::default(),
            stopped: Mutex::default(),
            stop: Condvar::new(),
            failures: Mutex::default(),
        }
    }

    /// Whether clients continue.
    pub(crate) fn is_running(&self) -> bool {
        !*self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops all clients, and wakes those that sleep.
    pub(crate) fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.notify_all();
    }

    /// Sleeps for `duration`, or until the run stops.
    pub(crate) fn sleep(&self, duration: Duration) {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.stop.wait_timeout_while(stopped, duration, |stopped| !*stopped));
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.service.port()))
    }

    pub(crate) fn connect(&self) -> Result<RawConnection> {
        self.counters.connections.fetch_add(1, Ordering::Relaxed);
        RawConnection::connect(self.address())
    }

    /// A connection for a slow reader.
    pub(crate) fn connect_with_small_buffer(&self) -> Result<RawConnection> {
        self.counters.connections.fetch_add(1, Ordering::Relaxed);
        RawConnection::connect_with_small_buffer(self.address())
    }

    /// Opens a connection, sends `bytes` and resets it.
    pub(crate) fn reset_after(&self, bytes: &[u8]) -> Result<()> {
        let mut connection = self.connect()?;
        connection.send(bytes)?;
        self.counters.resets.fetch_add(1, Ordering::Relaxed);
        Ok(connection.reset()?)
    }

    /// Counts the outcome of an exchange and records its failure; returns whether it was right.
    pub(crate) fn record(&self, client: &str, outcome: Result<()>) -> bool {
        let Err(error) = outcome else {
            self.counters.right.fetch_add(1, Ordering::Relaxed);
            return true;
        };
        self.counters.wrong.fetch_add(1, Ordering::Relaxed);
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() < MAX_MESSAGES {
            failures.push(format!("{client}: {error:#}"));
        }
        false
    }

    /// The messages of the first failures.
    pub(crate) fn failures(&self) -> Vec<String> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Sends one request and reads its response, which nothing may follow.
pub(crate) fn exchange(connection: &mut RawConnection, request: impl AsRef<[u8]>) -> Result<RawResponse> {
    connection.send(request)?;
    read_only_response(connection)
}

/// Reads the next response, which nothing may follow.
pub(crate) fn read_only_response(connection: &mut RawConnection) -> Result<RawResponse> {
    let response = connection.read_response()?;
    ensure!(connection.buffered().is_empty(), "{} bytes follow the response", connection.buffered().len());
    Ok(response)
}
