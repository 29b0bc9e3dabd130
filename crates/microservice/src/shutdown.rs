//! Graceful shutdown. WASI has no signals, so the operator requests the shutdown by `/drain` on the operator's
//! listener.
//!
//! `Serving → Draining → Closing`. While draining, readiness fails and each response asks its client to close the
//! connection, but all requests are served, so that load balancers have time to notice. Then the listener closes and
//! requests in flight end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// The phases of a process's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    Draining,
    Closing,
}

/// The process's shutdown. Clones share their state.
#[derive(Debug, Clone)]
pub struct Shutdown {
    phase: Arc<watch::Sender<Phase>>,
    drain_delay: Duration,
}

impl Shutdown {
    /// No shutdown yet. Once one is requested the process drains for `drain_delay` before it closes its listener.
    #[must_use]
    pub(crate) fn new(drain_delay: Duration) -> Self {
        Self { phase: Arc::new(watch::channel(Phase::Serving).0), drain_delay }
    }

    /// Requests the shutdown. False where it was requested before; then nothing changes.
    pub(crate) fn request(&self) -> bool {
        let is_first = self.advance(Phase::Draining);
        if is_first {
            tracing::info!("shutdown requested: readiness fails from now on, requests are still served");
            let shutdown = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(shutdown.drain_delay).await;
                shutdown.advance(Phase::Closing);
            });
        }
        is_first
    }

    /// True from the request on.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.phase.borrow() >= Phase::Draining
    }

    /// Waits until the listener is to be closed.
    pub(crate) async fn closing(&self) {
        let mut phase = self.phase.subscribe();
        while *phase.borrow_and_update() != Phase::Closing {
            if phase.changed().await.is_err() {
                // Cannot happen: `self` holds the sender.
                return;
            }
        }
    }

    fn advance(&self, to: Phase) -> bool {
        self.phase.send_if_modified(|phase| {
            let is_later = *phase < to;
            if is_later {
                *phase = to;
            }
            is_later
        })
    }
}
