//! How many connections the process has file descriptors for.
//!
//! WASI does not tell a process its limit (`ulimit -n`), so the limit is found by trying. Whenever there are more
//! connections than ever before, a number of descriptors is opened and closed again. Where that fails, the number of
//! connections is bounded, and the reserved descriptors stay free for the database and the operator. The shortage may
//! have been that of a moment, so it is tried again later.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::platform;
use crate::sync::lock;

/// Connections between two tries.
const STEP: usize = 16;

/// How long a shortage is taken to last.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// The descriptors for a listener's connections.
#[derive(Debug)]
pub(super) struct DescriptorCapacity {
    /// Descriptors that stay free.
    reserved: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Up to this number of connections there were enough descriptors.
    tried: usize,
    shortage: Option<Shortage>,
}

/// Descriptors are short.
#[derive(Debug, Clone, Copy)]
struct Shortage {
    /// The number of connections that the descriptors suffice for.
    max: usize,
    since: Instant,
}

impl DescriptorCapacity {
    pub(super) fn new(reserved: usize) -> Self {
        Self { reserved, state: Mutex::default() }
    }

    /// True where the descriptors suffice for this number of connections. The last of them is open already.
    pub(super) fn admits(&self, connections: usize) -> bool {
        self.admits_at(connections, Instant::now, platform::spare_descriptors)
    }

    fn admits_at(
        &self,
        connections: usize,
        now: impl FnOnce() -> Instant,
        spare_descriptors: impl FnOnce(usize) -> usize,
    ) -> bool {
        let state = &mut *lock(&self.state);
        if connections <= state.shortage.map_or(state.tried, |shortage| shortage.max) {
            return true;
        }
        let now = now();
        if state.shortage.is_some_and(|shortage| now.duration_since(shortage.since) < RETRY_AFTER) {
            return false;
        }
        let (wanted, before) = (self.reserved + STEP, state.shortage.map(|shortage| shortage.max));
        let spare = spare_descriptors(wanted);
        if spare >= wanted {
            *state = State { tried: connections + STEP, shortage: None };
            return true;
        }
        let max = (connections + spare).saturating_sub(self.reserved).max(1);
        state.shortage = Some(Shortage { max, since: now });
        if before != Some(max) {
            tracing::warn!(
                connections = max as u64,
                reserved = self.reserved as u64,
                "file descriptors are short: further connections get 503; a higher limit (ulimit -n) allows more"
            );
        }
        connections <= max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_bounded_where_descriptors_run_out_and_tried_again_later() {
        let capacity = DescriptorCapacity::new(40);
        let start = Instant::now();
        let admits = |connections, time, spare| capacity.admits_at(connections, || start + time, |_| spare);
        assert!(admits(1, Duration::ZERO, 40 + STEP));
        assert!(admits(17, Duration::ZERO, 0), "nothing is tried");
        assert!(admits(18, Duration::ZERO, 45));
        assert!(admits(23, Duration::ZERO, 0) && !admits(24, Duration::ZERO, 100), "the shortage lasts");
        assert!(!admits(24, RETRY_AFTER, 35), "still");
        assert!(!admits(20, RETRY_AFTER, 100) && admits(19, RETRY_AFTER, 0), "it is worse");
        assert!(admits(20, RETRY_AFTER * 2, 40 + STEP), "it is over");
        assert!(admits(36, RETRY_AFTER * 2, 0));
    }
}
