//! When the next input of a socket is to be expected.
//!
//! A peer that has got a request or a response will send something. A peer that has just sent a message waits for the
//! response. Only one that sends in pieces sends more: a long body, a long result set.

/// The number of waits after an input in which more is expected: of a peer that sends one message and waits for the
/// response, and of one that sends in pieces.
const WAITS_AFTER_MESSAGE: u32 = 1;
const WAITS_AFTER_PIECE: u32 = 32;

/// The inputs and outputs of one socket.
#[derive(Clone, Copy, Default)]
pub(super) struct Exchange {
    /// The number of inputs since the last output.
    inputs: u8,
    /// Whether there were several before it.
    was_in_pieces: bool,
    /// The number of the wait before the last input.
    last_input: u32,
}

impl Exchange {
    /// There was input, after the wait of this number. Returns whether it is the first one since that wait.
    pub(super) fn received(&mut self, wait: u32) -> bool {
        let is_first = self.last_input != wait;
        self.inputs = self.inputs.saturating_add(1);
        self.last_input = wait;
        is_first
    }

    /// Something was sent.
    pub(super) fn sent(&mut self) {
        // A second output in a row says nothing about the peer.
        if self.inputs > 0 {
            self.was_in_pieces = self.inputs > 1;
            self.inputs = 0;
        }
    }

    /// Whether the peer has reason to send something, at the wait of this number.
    pub(super) fn expects_input(&self, wait: u32) -> bool {
        let is_in_pieces = self.was_in_pieces || self.inputs > 1;
        let waits = if is_in_pieces { WAITS_AFTER_PIECE } else { WAITS_AFTER_MESSAGE };
        self.inputs == 0 || wait.wrapping_sub(self.last_input) <= waits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_expected_at_first_and_after_an_output() {
        let mut exchange = Exchange::default();
        assert!(exchange.expects_input(7), "the first request");
        exchange.received(7);
        assert!(exchange.expects_input(7 + WAITS_AFTER_MESSAGE));
        assert!(!exchange.expects_input(8 + WAITS_AFTER_MESSAGE), "the peer waits for the response");
        exchange.sent();
        assert!(exchange.expects_input(100), "the next request");
    }

    #[test]
    fn a_peer_that_sends_in_pieces_is_expected_to_send_more() {
        let mut exchange = Exchange::default();
        exchange.received(u32::MAX);
        exchange.received(u32::MAX);
        assert!(exchange.expects_input(WAITS_AFTER_PIECE - 1), "the number wraps");
        assert!(!exchange.expects_input(WAITS_AFTER_PIECE), "it may be the end");
        exchange.sent();
        exchange.sent();
        exchange.received(50);
        assert!(exchange.expects_input(50 + WAITS_AFTER_PIECE), "it sent in pieces before");
        exchange.sent();
        exchange.received(60);
        assert!(!exchange.expects_input(61 + WAITS_AFTER_MESSAGE), "it sent one message the last time");
    }
}
