//! Leaving cleanly. WASI has no signals, so whoever stops the service asks it to leave, by `/drain` on the operator's listener.
//!
//! `serving → announced → closing`: once announced, readiness fails and every answer asks its client to leave, but all are still
//! served, until whoever balances the load has noticed; then the listener closes, and what is in flight is let end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// How far the leaving is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    Announced,
    Closing,
}

/// The process's leaving, shared by all that must know of it.
#[derive(Debug, Clone)]
pub struct Drain {
    phase: Arc<watch::Sender<Phase>>,
    delay: Duration,
}

impl Drain {
    /// Nobody leaves yet; from the announcement to the closing it will take the delay.
    #[must_use]
    pub fn new(delay: Duration) -> Self {
        Self { phase: Arc::new(watch::channel(Phase::Serving).0), delay }
    }

    /// Announces that the process leaves; false where that was announced before, and nothing changes.
    #[must_use]
    pub fn announce(&self) -> bool {
        let first = self.advance(Phase::Announced);
        if first {
            tracing::info!("leaving: readiness fails from now on, requests are still served");
            let drain = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(drain.delay).await;
                drain.advance(Phase::Closing);
            });
        }
        first
    }

    /// True from the announcement on.
    #[must_use]
    pub fn is_announced(&self) -> bool {
        *self.phase.borrow() >= Phase::Announced
    }

    /// Waits until no new connection is to be accepted.
    pub async fn closing(&self) {
        let mut phase = self.phase.subscribe();
        while *phase.borrow_and_update() != Phase::Closing {
            if phase.changed().await.is_err() {
                // The sender is held by `self`, so it is never gone.
                return;
            }
        }
    }

    fn advance(&self, to: Phase) -> bool {
        self.phase.send_if_modified(|phase| {
            let further = *phase < to;
            if further {
                *phase = to;
            }
            further
        })
    }
}
