//! What a proxy can do wrong.

use std::time::Duration;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server: requests, statements.
    ToServer,
    /// From the server to the client: replies, rows.
    ToClient,
}

/// When a pattern is acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the server has seen it: it has no effect there.
    Before,
    /// After the server has answered it and before the client has seen any of the answer: it has taken effect, and the
    /// client does not know.
    After,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Both sides are closed in order (FIN).
    Close,
    /// Both sides are reset (RST).
    Reset,
    /// Both sides stay open, and nothing comes through any more.
    BlackHole,
}

/// A way to misbehave.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Fault {
    /// Not at all.
    #[default]
    Pass,
    /// New connections are refused: nothing listens. Open ones go on; see
    /// [`FaultProxy::drop_connections`](super::FaultProxy::drop_connections).
    Refuse,
    /// New connections are accepted and reset at once. Open ones go on.
    Reset,
    /// Connections are accepted and nothing comes through, on open ones neither. What was held back comes through after
    /// the fault, as after a broken network.
    BlackHole,
    /// Every piece of data is late by so much in each direction.
    Delay {
        /// Requests are late by this.
        to_server: Duration,
        /// Replies are late by this.
        to_client: Duration,
    },
    /// No more than so many bytes a second on each connection in each direction.
    Throttle {
        /// At least 1.
        bytes_per_second: u32,
    },
    /// A connection ends when so many bytes have gone in that direction since it was opened; the bytes before come through.
    CutAfter {
        /// Which bytes are counted.
        direction: Direction,
        /// How many come through.
        bytes: u64,
        /// How it ends.
        then: Then,
    },
    /// A connection ends when these bytes go to the server.
    OnPattern {
        /// The bytes, letter case and all.
        pattern: Vec<u8>,
        /// Before or after the server has acted on them.
        when: When,
        /// How it ends.
        then: Then,
    },
}

impl Fault {
    /// [`Fault::OnPattern`], shorter.
    #[must_use]
    pub fn on(pattern: impl AsRef<[u8]>, when: When, then: Then) -> Self {
        Self::OnPattern { pattern: pattern.as_ref().to_vec(), when, then }
    }

    /// [`Fault::CutAfter`], shorter.
    #[must_use]
    pub fn cut_after(direction: Direction, bytes: u64, then: Then) -> Self {
        Self::CutAfter { direction, bytes, then }
    }
}
