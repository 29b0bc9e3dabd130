//! Decides which waits begin with peeks instead of a poll.
//!
//! If much of what the last wait asked about was ready, the process is saturated, and most of what is expected next
//! will be ready too. A peek is then cheaper than a poll: one system call in place of two, and none for a clock. So
//! such a wait peeks first. It polls if nothing has come, if a listener or a writer is active, since these cannot be
//! peeked, and every [`MAX_POLL_PAUSE`].
//!
//! If nearly all of it was ready, the wait does not even peek. It assumes that all descriptors that expect input have
//! some, and reports them. The owner's read finds out, and the next wait counts how often the assumption was right.

/// The time after which a saturated process polls, in nanoseconds: for idle listeners and writers.
pub(crate) const MAX_POLL_PAUSE: u64 = 4_000_000;

/// The process is saturated if one in this number of descriptors that a wait asked about was ready. Input is likely if
/// all but one in this number were.
const SATURATED_SHARE: usize = 8;

/// The state from one wait to the next.
#[derive(Debug)]
pub(crate) struct PeekPolicy {
    is_saturated: bool,
    is_input_likely: bool,
    /// The number of descriptors that the last wait reported on an assumption, and the number of
    /// sockets with input before it.
    last_assumption: Option<(usize, u32)>,
    last_poll: u64,
    /// Whether the last wait ended without a poll.
    has_peeked: bool,
}

impl PeekPolicy {
    /// A policy that knows of no wait: the first one polls.
    pub(crate) const fn new() -> Self {
        Self { is_saturated: false, is_input_likely: false, last_assumption: None, last_poll: 0, has_peeked: false }
    }

    /// Begins a wait; returns whether it peeks first. `inputs` is the number of sockets that had input
    /// after each wait, over all waits; it may wrap.
    pub(crate) fn begin(&mut self, now: u64, inputs: u32) -> bool {
        if let Some((assumed, before)) = self.last_assumption.take() {
            self.learn(assumed, inputs.wrapping_sub(before) as usize);
        }
        // If waits are longer than the pause, every other one polls.
        let is_poll_due = self.has_peeked && now.saturating_sub(self.last_poll) >= MAX_POLL_PAUSE;
        self.has_peeked = self.is_saturated && !is_poll_due;
        self.has_peeked
    }

    /// The wait polls.
    pub(crate) fn record_poll(&mut self, now: u64) {
        self.has_peeked = false;
        self.last_poll = now;
    }

    /// Learns from the number of descriptors that a wait asked about, and of those that were ready.
    pub(crate) fn learn(&mut self, asked: usize, ready: usize) {
        self.is_saturated = ready > 1 && ready * SATURATED_SHARE >= asked;
        self.is_input_likely = self.is_saturated && ready * SATURATED_SHARE >= asked * (SATURATED_SHARE - 1);
    }

    /// Whether this wait assumes that active descriptors that expect input have some.
    pub(crate) fn is_input_likely(&self) -> bool {
        self.is_input_likely
    }

    /// Input was assumed on this number of descriptors. The next wait learns from the number of sockets that
    /// had some.
    pub(crate) fn record_assumption(&mut self, count: usize, inputs: u32) {
        self.last_assumption = Some((count, inputs));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_peeks_if_an_eighth_of_the_last_one_was_ready_and_no_poll_is_due() {
        let mut policy = PeekPolicy::new();
        assert!(!policy.begin(0, 0), "the first one");
        policy.record_poll(0);
        policy.learn(40, 4);
        assert!(!policy.begin(1, 0), "too few");
        policy.learn(40, 5);
        assert!(policy.begin(2, 0) && !policy.is_input_likely());
        assert!(policy.begin(MAX_POLL_PAUSE - 1, 0));
        assert!(!policy.begin(MAX_POLL_PAUSE, 0), "a poll is due");
        policy.record_poll(MAX_POLL_PAUSE);
        assert!(policy.begin(9 * MAX_POLL_PAUSE, 0), "one wait of any length peeks after a poll");
        assert!(!policy.begin(18 * MAX_POLL_PAUSE, 0));
    }

    #[test]
    fn a_single_connection_is_polled() {
        let mut policy = PeekPolicy::new();
        policy.learn(1, 1);
        assert!(!policy.begin(1, 0));
    }

    #[test]
    fn an_assumption_is_repeated_only_if_it_was_right() {
        let mut policy = PeekPolicy::new();
        policy.learn(40, 35);
        assert!(policy.begin(1, u32::MAX) && policy.is_input_likely());
        policy.record_assumption(40, u32::MAX);
        assert!(policy.begin(2, 38) && policy.is_input_likely(), "39 of 40 were right");
        policy.record_assumption(40, 38);
        assert!(policy.begin(3, 48) && !policy.is_input_likely(), "ten were right");
        policy.learn(40, 40);
        policy.record_assumption(40, 48);
        assert!(!policy.begin(4, 48), "none was right");
    }
}
