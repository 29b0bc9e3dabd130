//! Reserved bytes of one connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Holder;
use crate::problem::Problem;

/// How long a request waits for memory that connections with slow clients give back.
const MAX_WAIT: Duration = Duration::from_millis(40);

/// Bytes that are reserved for a connection. They are given back when this is dropped.
#[derive(Debug)]
pub struct Reservation {
    holder: Arc<Holder>,
    reserved: Reserved,
}

#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Reserved {
    pub(super) small: usize,
    pub(super) large: usize,
}

impl Reserved {
    pub(super) fn total(&self) -> usize {
        self.small + self.large
    }
}

impl Reservation {
    /// No bytes yet.
    pub(crate) fn new(holder: &Arc<Holder>) -> Self {
        Self { holder: Arc::clone(holder), reserved: Reserved::default() }
    }

    /// The reserved bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.reserved.total()
    }

    /// Grows to `bytes` if they are free now. Where they are not, connections with slow clients are cut off, and the
    /// next attempt may succeed.
    pub(crate) fn try_grow_to(&mut self, bytes: usize) -> bool {
        let additional = bytes.saturating_sub(self.reserved.total());
        if additional == 0 {
            return true;
        }
        let budget = &self.holder.budget;
        let is_taken = budget.take(&mut self.reserved, additional);
        if is_taken {
            self.holder.add_held(additional);
        } else {
            budget.make_room(additional, bytes);
        }
        is_taken
    }

    /// Grows to `bytes`. Waits a moment for the memory of connections with slow clients.
    ///
    /// # Errors
    /// 503 where the budget is used up.
    pub async fn grow_to(&mut self, bytes: usize) -> Result<(), Problem> {
        let budget = self.holder.budget.clone();
        let mut deadline = None;
        loop {
            let released = budget.0.released.notified();
            if self.try_grow_to(bytes) {
                return Ok(());
            }
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + MAX_WAIT);
            if timeout_at(deadline, released).await.is_err() {
                return Err(Problem::out_of_memory());
            }
        }
    }

    /// Gives bytes back.
    pub fn shrink_to(&mut self, bytes: usize) {
        let excess = self.reserved.total().saturating_sub(bytes);
        if excess > 0 {
            self.holder.budget.give_back(&mut self.reserved, excess);
            self.holder.subtract_held(excess);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}
