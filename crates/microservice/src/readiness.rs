//! Readiness, as both listeners report it.
//!
//! All callers share one check at a time, and its result for a moment. So a flood of probes can neither keep the
//! operator's probe waiting nor load the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::database::{DatabaseLifecycle, Deadline};
use crate::problem::Problem;

/// A result is shared for this many times the time that the check took: checks use a fifth of one connection at most.
const SHARED_FACTOR: u32 = 4;

/// The bounds on that time.
const MIN_SHARED: Duration = Duration::from_millis(5);
const MAX_SHARED: Duration = Duration::from_millis(500);

/// The readiness of a service with a database.
#[derive(Debug)]
pub(crate) struct Readiness {
    /// Locked during a check.
    last: Mutex<Last>,
    /// The migrations at the start are over, or there are none.
    is_migrated: AtomicBool,
}

/// The last result, and how long it is shared.
#[derive(Debug)]
struct Last {
    shared_until: Instant,
    result: Result<(), Problem>,
}

impl Readiness {
    pub(crate) fn new() -> Self {
        let last = Last { shared_until: Instant::now(), result: Ok(()) };
        Self { last: Mutex::new(last), is_migrated: AtomicBool::new(true) }
    }

    /// The service is not ready before [`Readiness::migrated`].
    pub(crate) fn await_migrations(&self) {
        self.is_migrated.store(false, Ordering::Relaxed);
    }

    /// The migrations are over.
    pub(crate) fn migrated(&self) {
        self.is_migrated.store(true, Ordering::Relaxed);
    }

    /// Fails where requests cannot be served. Waits for a check that is under way, until the deadline.
    pub(crate) async fn check(&self, database: &Arc<dyn DatabaseLifecycle>, max_wait: Duration) -> Result<(), Problem> {
        let deadline = Instant::now() + max_wait;
        let Ok(mut last) = timeout_at(deadline, self.last.lock()).await else {
            return Err(Problem::readiness_timeout());
        };
        let started = Instant::now();
        if started >= last.shared_until {
            let remaining = deadline.saturating_duration_since(started);
            last.result = database.check_ready(Deadline::after(remaining)).await.map_err(Problem::from);
            let finished = Instant::now();
            let took = finished.duration_since(started);
            last.shared_until = finished + (took * SHARED_FACTOR).clamp(MIN_SHARED, MAX_SHARED);
        }
        last.result.clone()?;
        if self.is_migrated.load(Ordering::Relaxed) { Ok(()) } else { Err(Problem::migrating()) }
    }
}
