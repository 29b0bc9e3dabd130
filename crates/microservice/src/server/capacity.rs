//! How many connections the process has file descriptors for.
//!
//! WASI does not tell a process its limit (`ulimit -n`), so the limit is found by trying. Whenever there are more
//! connections than ever before, a number of descriptors is opened and closed again. Where that fails, the number of
//! connections is bounded, and the reserved descriptors stay free for the database and the operator.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::platform;

/// Connections between two tries.
const STEP: usize = 16;

/// The descriptors for a listener's connections.
#[derive(Debug)]
pub(super) struct DescriptorCapacity {
    /// Descriptors that stay free.
    reserved: usize,
    /// Up to this number of connections there were enough descriptors.
    tried: AtomicUsize,
    /// The number of connections that the descriptors suffice for, once that is known.
    max: AtomicUsize,
}

impl DescriptorCapacity {
    pub(super) fn new(reserved: usize) -> Self {
        Self { reserved, tried: AtomicUsize::new(0), max: AtomicUsize::new(usize::MAX) }
    }

    /// True where the descriptors suffice for this number of connections. The last of them is open already.
    pub(super) fn admits(&self, connections: usize) -> bool {
        if connections > self.tried.load(Ordering::Relaxed) {
            self.try_more(connections, platform::spare_descriptors(self.reserved + STEP));
        }
        connections <= self.max.load(Ordering::Relaxed)
    }

    fn try_more(&self, connections: usize, spare: usize) {
        self.tried.store(connections + STEP, Ordering::Relaxed);
        if spare >= self.reserved + STEP {
            return;
        }
        let max = (connections + spare).saturating_sub(self.reserved).max(1);
        self.max.store(max, Ordering::Relaxed);
        self.tried.store(usize::MAX, Ordering::Relaxed);
        tracing::warn!(
            connections = max as u64,
            reserved = self.reserved as u64,
            "file descriptors are short: further connections get 503; a higher limit (ulimit -n) allows more"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_bounded_where_descriptors_run_out() {
        let capacity = DescriptorCapacity::new(40);
        capacity.try_more(1, 40 + STEP);
        assert_eq!(capacity.max.load(Ordering::Relaxed), usize::MAX);
        capacity.try_more(17, 45);
        assert!(capacity.admits(22) && !capacity.admits(23));
    }
}
