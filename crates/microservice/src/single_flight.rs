//! Work that runs once at a time, for all who ask for it.

use std::fmt;
use std::future::Future;
use std::sync::Mutex;

use tokio::sync::watch;

use crate::sync::lock;

/// Runs work in a task of its own. A caller that comes while it runs gets the same result. The work goes on when
/// callers leave, so none of them can end it for the others.
pub(crate) struct SingleFlight<T> {
    /// The last work's result, None until it has one.
    last: Mutex<Option<watch::Receiver<Option<T>>>>,
}

impl<T> fmt::Debug for SingleFlight<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlight").finish_non_exhaustive()
    }
}

impl<T: Clone + Send + Sync + 'static> SingleFlight<T> {
    pub(crate) fn new() -> Self {
        Self { last: Mutex::new(None) }
    }

    /// The result of the work that is under way, or of new work. None if its task has ended without a result: the
    /// process shuts down, or, natively, the work has panicked.
    pub(crate) async fn run<F>(&self, work: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut result = self.join(work);
        loop {
            if let Some(result) = result.borrow_and_update().clone() {
                return Some(result);
            }
            result.changed().await.ok()?;
        }
    }

    fn join<F>(&self, work: impl FnOnce() -> F) -> watch::Receiver<Option<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut last = lock(&self.last);
        // Without a sender the task has ended.
        if let Some(running) = last.as_ref().filter(|last| last.has_changed().is_ok()) {
            return running.clone();
        }
        let (sender, result) = watch::channel(None);
        *last = Some(result.clone());
        let work = work();
        tokio::spawn(async move {
            // Nobody may be waiting.
            let _ = sender.send(Some(work.await));
        });
        result
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    fn block_on(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.map(|runtime| runtime.block_on(test)).unwrap_or_default();
    }

    #[test]
    fn callers_share_one_run_and_the_next_caller_starts_another() {
        block_on(async {
            let (flight, runs) = (SingleFlight::new(), Arc::new(AtomicU32::new(0)));
            let work = || {
                let runs = Arc::clone(&runs);
                async move {
                    tokio::task::yield_now().await;
                    runs.fetch_add(1, Ordering::Relaxed)
                }
            };
            assert_eq!(tokio::join!(flight.run(work), flight.run(work), flight.run(work)), (Some(0), Some(0), Some(0)));
            assert_eq!(flight.run(work).await, Some(1));
        });
    }

    #[test]
    fn a_caller_that_leaves_does_not_end_the_work() {
        block_on(async {
            let (flight, gate) = (SingleFlight::new(), Arc::new(Semaphore::new(0)));
            let work = || {
                let gate = Arc::clone(&gate);
                async move { gate.acquire().await.map(drop).is_ok() }
            };
            tokio::select! {
                biased;
                _ = flight.run(work) => unreachable!("the gate is closed"),
                () = tokio::task::yield_now() => {}
            }
            gate.add_permits(1);
            assert_eq!(flight.run(|| async { unreachable!("the first work goes on") }).await, Some(true));
        });
    }

    #[test]
    fn work_that_was_ended_has_no_result_and_the_next_caller_starts_anew() {
        let flight = SingleFlight::new();
        block_on(async {
            tokio::select! {
                biased;
                _ = flight.run(std::future::pending) => unreachable!("it never ends"),
                () = tokio::task::yield_now() => {}
            }
        });
        // The end of the runtime was that of the work.
        block_on(async { assert_eq!(flight.run(|| async { 7 }).await, Some(7)) });
    }
}
