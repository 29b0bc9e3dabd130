//! Stops COMMITs at shutdown: a COMMIT is either awaited or never sent.

use tokio::sync::{Semaphore, SemaphorePermit};

use super::DatabaseError;

/// Every COMMIT holds a permit from before it is sent until its response is there.
pub(super) struct CommitGate {
    permits: Semaphore,
    max_commits: u32,
}

impl CommitGate {
    /// A gate with a permit for each connection, so that no COMMIT waits while the gate is open.
    pub(super) fn new(connections: usize) -> Self {
        let max_commits = u32::try_from(connections).unwrap_or(u32::MAX);
        Self { permits: Semaphore::new(connections), max_commits }
    }

    /// The permit to send a COMMIT. Fails once the gate is closed.
    pub(super) async fn enter(&self) -> Result<SemaphorePermit<'_>, DatabaseError> {
        let permit = self.permits.acquire().await;
        permit.map_err(|_| DatabaseError::Unavailable("the service is shutting down".into()))
    }

    /// Waits for the COMMITs under way, then closes the gate for good.
    ///
    /// The semaphore serves its waiters in order: a COMMIT that asks for a permit while this waits for all of them
    /// queues behind, and fails when the gate closes.
    pub(super) async fn close(&self) {
        let all_permits = self.permits.acquire_many(self.max_commits).await;
        self.close_at_once();
        drop(all_permits);
    }

    /// Closes the gate without waiting.
    pub(super) fn close_at_once(&self) {
        self.permits.close();
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// Polls once. The tests poll again when a result is due, so they need no waker.
    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn an_open_gate_admits_a_commit_for_each_connection() {
        let gate = CommitGate::new(2);
        let (mut first, mut second) = (pin!(gate.enter()), pin!(gate.enter()));
        let first = poll(first.as_mut());
        let second = poll(second.as_mut());
        assert!(matches!((first, second), (Poll::Ready(Ok(_)), Poll::Ready(Ok(_)))));
    }

    #[test]
    fn closing_waits_for_commits_under_way_and_fails_the_others() {
        let gate = CommitGate::new(2);
        let Poll::Ready(Ok(under_way)) = poll(pin!(gate.enter())) else { unreachable!("the gate is open") };
        let mut close = pin!(gate.close());
        assert!(poll(close.as_mut()).is_pending());
        let mut later = pin!(gate.enter());
        assert!(poll(later.as_mut()).is_pending(), "no COMMIT begins once the gate closes");
        drop(under_way);
        assert!(poll(close.as_mut()).is_ready());
        assert!(matches!(poll(later.as_mut()), Poll::Ready(Err(DatabaseError::Unavailable(_)))));
        assert!(matches!(poll(pin!(gate.enter())), Poll::Ready(Err(DatabaseError::Unavailable(_)))));
    }
}
