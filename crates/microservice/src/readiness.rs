//! Readiness, as both listeners report it.
//!
//! All callers share one check at a time, and its result for a moment. So a flood of probes can neither keep the
//! operator's probe waiting nor load the database. A check runs in a task of its own: a caller that disconnects ends
//! none. A failure is logged when it begins, and not for each caller.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::database::{DatabaseLifecycle, Deadline};
use crate::problem::Problem;
use crate::single_flight::SingleFlight;
use crate::sync::lock;

/// A result is shared for this many times the time that the check took: checks use a fifth of one connection at most.
const SHARED_FACTOR: u32 = 4;

/// The bounds on that time.
const MIN_SHARED: Duration = Duration::from_millis(5);
const MAX_SHARED: Duration = Duration::from_millis(500);

/// A check ends by its own deadline. A busy process may be late by this much.
const MAX_DELAY: Duration = Duration::from_millis(500);

/// The readiness of a service with a database.
#[derive(Debug)]
pub(crate) struct Readiness {
    checks: SingleFlight<Result<(), Problem>>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    /// The migrations at the start are over, or there are none.
    is_migrated: bool,
    /// The last check's result. The cause of a failure is in the log, and not here.
    result: Result<(), Problem>,
    shared_until: Instant,
    /// The cause of the failure that is in the log.
    logged_cause: Option<String>,
}

impl Readiness {
    pub(crate) fn new() -> Self {
        let state = State { is_migrated: true, result: Ok(()), shared_until: Instant::now(), logged_cause: None };
        Self { checks: SingleFlight::new(), state: Arc::new(Mutex::new(state)) }
    }

    /// The service is not ready before [`Readiness::migrated`].
    pub(crate) fn await_migrations(&self) {
        lock(&self.state).is_migrated = false;
    }

    /// The migrations are over.
    pub(crate) fn migrated(&self) {
        lock(&self.state).is_migrated = true;
    }

    /// Fails where requests cannot be served. Waits for a check that is under way. A check takes `max_duration` at
    /// most.
    pub(crate) async fn check(
        &self,
        database: &Arc<dyn DatabaseLifecycle>,
        max_duration: Duration,
    ) -> Result<(), Problem> {
        match self.shared_result() {
            Some(result) => result?,
            None => {
                let check = self.checks.run(|| check(Arc::clone(database), Arc::clone(&self.state), max_duration));
                let result = timeout(max_duration + MAX_DELAY, check).await.ok().flatten();
                result.unwrap_or_else(|| Err(Problem::readiness_timeout()))?;
            }
        }
        if lock(&self.state).is_migrated { Ok(()) } else { Err(Problem::migrating()) }
    }

    fn shared_result(&self) -> Option<Result<(), Problem>> {
        let state = lock(&self.state);
        (Instant::now() < state.shared_until).then(|| state.result.clone())
    }
}

/// Checks, logs a change, and keeps the result for other callers.
async fn check(
    database: Arc<dyn DatabaseLifecycle>,
    state: Arc<Mutex<State>>,
    max_duration: Duration,
) -> Result<(), Problem> {
    let started = Instant::now();
    let mut result = database.check_ready(Deadline::after(max_duration)).await.map_err(Problem::from);
    let cause = result.as_mut().err().and_then(Problem::take_cause);
    let finished = Instant::now();
    let mut state = lock(&state);
    // Until then the migrations log what is wrong.
    if state.is_migrated {
        log_change(state.logged_cause.as_deref(), cause.as_deref());
        state.logged_cause = cause;
    }
    let took = finished.duration_since(started);
    state.shared_until = finished + (took * SHARED_FACTOR).clamp(MIN_SHARED, MAX_SHARED);
    state.result.clone_from(&result);
    result
}

/// Logs a failure that is new or has another cause, and the end of failures. Numbers, such as times, make no other
/// cause.
fn log_change(before: Option<&str>, now: Option<&str>) {
    let is_same = |cause: &str| before.is_some_and(|before| without_digits(before).eq(without_digits(cause)));
    match now {
        Some(cause) if !is_same(cause) => tracing::error!(cause, "the service is not ready"),
        None if before.is_some() => tracing::info!("the service is ready again"),
        _ => {}
    }
}

fn without_digits(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|char| !char.is_ascii_digit())
}
