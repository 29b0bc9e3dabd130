//! What all clients share: where the service is, whether to go on, what was counted, and what went wrong.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use testkit::Service;

use crate::wire::Wire;

/// Faults that are kept with their words; more are only counted.
const KEPT: usize = 20;

/// The service under test and the run's books.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) service: Service,
    pub(crate) counts: Counts,
    over: AtomicBool,
    faults: Mutex<Vec<String>>,
}

/// What has happened so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Answers that were right in every byte.
    pub(crate) right: AtomicU64,
    /// Answers that were wrong, late or missing.
    pub(crate) wrong: AtomicU64,
    /// Connections made.
    pub(crate) connections: AtomicU64,
    /// Those of them that were reset.
    pub(crate) resets: AtomicU64,
    /// Freezes of the service.
    pub(crate) freezes: AtomicU64,
}

impl World {
    pub(crate) fn new(service: Service) -> Self {
        Self { service, counts: Counts::default(), over: AtomicBool::new(false), faults: Mutex::default() }
    }

    /// Whether clients go on.
    pub(crate) fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    /// Tells all clients to come to an end.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Waits; less when the run ends meanwhile.
    pub(crate) fn pause(&self, time: Duration) {
        let mut left = time;
        while self.goes_on() && !left.is_zero() {
            let piece = left.min(Duration::from_millis(50));
            thread::sleep(piece);
            left -= piece;
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.service.port()))
    }

    pub(crate) fn connect(&self) -> Result<Wire> {
        self.counts.connections.fetch_add(1, Ordering::Relaxed);
        Wire::connect(self.address())
    }

    pub(crate) fn connect_narrow(&self) -> Result<Wire> {
        self.counts.connections.fetch_add(1, Ordering::Relaxed);
        Wire::connect_narrow(self.address())
    }

    /// A connection that is reset after having sent so much.
    pub(crate) fn reset_after(&self, bytes: &[u8]) -> Result<()> {
        let mut wire = self.connect()?;
        if !bytes.is_empty() {
            wire.send(bytes)?;
        }
        self.counts.resets.fetch_add(1, Ordering::Relaxed);
        wire.reset()
    }

    /// Counts an exchange, and notes what was wrong with it; says whether it was right.
    pub(crate) fn note(&self, client: &str, outcome: Result<()>) -> bool {
        let Err(fault) = outcome else {
            self.counts.right.fetch_add(1, Ordering::Relaxed);
            return true;
        };
        self.counts.wrong.fetch_add(1, Ordering::Relaxed);
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        if faults.len() < KEPT {
            faults.push(format!("{client}: {fault:#}"));
        }
        false
    }

    /// What went wrong, the first of it.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
