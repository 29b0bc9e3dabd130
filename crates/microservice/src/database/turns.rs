//! Requests with the same idempotency key take turns within the process.
//!
//! The database makes them wait too, but each with a connection of the pool.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::sync::lock;

/// Requests that wait for their turn at one time. Each is in flight meanwhile.
const MAX_WAITING: usize = 64;

/// A key's hash.
type Key = [u8; 32];

/// The keys of the requests that are under way.
#[derive(Debug, Default)]
pub(super) struct Turns {
    keys: Mutex<HashMap<Key, Arc<Semaphore>>>,
    waiting: AtomicUsize,
}

/// A request that has its turn, or waits for it.
#[derive(Debug)]
pub(super) struct Turn<'t> {
    turns: &'t Turns,
    key: Key,
    semaphore: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// Waits until no other request with this key is under way. None if that takes longer than `max`, or if many wait
    /// already.
    pub(super) async fn enter(&self, key: Key, max: Duration) -> Option<Turn<'_>> {
        let semaphore = Arc::clone(lock(&self.keys).entry(key).or_insert_with(|| Arc::new(Semaphore::new(1))));
        let mut turn = Turn { turns: self, key, semaphore, permit: None };
        turn.permit = Arc::clone(&turn.semaphore).try_acquire_owned().ok();
        if turn.permit.is_none() {
            let _waiting = Waiting::begin(&self.waiting)?;
            let permit = timeout(max, Arc::clone(&turn.semaphore).acquire_owned()).await;
            turn.permit = Some(permit.ok()?.ok()?);
        }
        Some(turn)
    }
}

/// Counts a request while it waits.
struct Waiting<'w>(&'w AtomicUsize);

impl<'w> Waiting<'w> {
    fn begin(waiting: &'w AtomicUsize) -> Option<Self> {
        let counted = waiting.fetch_add(1, Ordering::Relaxed);
        let this = Self(waiting);
        (counted < MAX_WAITING).then_some(this)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut keys = lock(&self.turns.keys);
        // The permit holds the semaphore too.
        self.permit = None;
        // Without others, the map and this turn hold it.
        if Arc::strong_count(&self.semaphore) == 2 {
            keys.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;

    use super::*;

    const KEY: Key = [7; 32];

    fn block_on(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.map(|runtime| runtime.block_on(test)).unwrap_or_default();
    }

    #[test]
    fn one_request_of_a_key_is_under_way_and_none_is_remembered() {
        block_on(async {
            let turns = Turns::default();
            let first = turns.enter(KEY, Duration::from_secs(9)).await;
            assert!(first.is_some());
            assert!(turns.enter(KEY, Duration::ZERO).await.is_none(), "the first one is under way");
            assert!(turns.enter([8; 32], Duration::ZERO).await.is_some(), "another key");
            let (second, ()) = tokio::join!(turns.enter(KEY, Duration::from_secs(9)), async { drop(first) });
            assert!(second.is_some());
            assert_eq!(lock(&turns.keys).len(), 1);
            drop(second);
            assert!(lock(&turns.keys).is_empty());
        });
    }

    #[test]
    fn a_bounded_number_of_requests_waits() {
        block_on(async {
            let turns = Turns::default();
            let first = turns.enter(KEY, Duration::ZERO).await;
            let mut waiting: Vec<_> =
                (0..MAX_WAITING).map(|_| Box::pin(turns.enter(KEY, Duration::from_secs(9)))).collect();
            for request in &mut waiting {
                assert!(timeout(Duration::ZERO, request).await.is_err(), "it waits");
            }
            assert!(turns.enter(KEY, Duration::from_secs(9)).await.is_none(), "too many");
            drop(waiting);
            assert_eq!(turns.waiting.load(Ordering::Relaxed), 0);
            drop(first);
            assert!(turns.enter(KEY, Duration::ZERO).await.is_some());
            assert!(lock(&turns.keys).is_empty());
        });
    }

    #[test]
    fn a_request_that_leaves_while_it_waits_is_forgotten() {
        block_on(async {
            let turns = Turns::default();
            let first = turns.enter(KEY, Duration::ZERO).await;
            let mut waiting = Box::pin(turns.enter(KEY, Duration::from_secs(9)));
            tokio::select! {
                biased;
                _ = &mut waiting => unreachable!("the first one is under way"),
                () = tokio::task::yield_now() => {}
            }
            drop(first);
            drop(waiting);
            assert!(lock(&turns.keys).is_empty());
        });
    }
}
