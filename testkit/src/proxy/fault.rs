//! The faults that a proxy injects.

use std::time::Duration;

/// The direction of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server: requests, statements.
    ToServer,
    /// From the server to the client: responses, rows.
    ToClient,
}

/// When a matched pattern triggers the action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// Before the server receives the pattern: the request has no effect.
    BeforeServer,
    /// After the server has responded and before the client receives the response: the request has taken effect, and
    /// the client does not know.
    AfterResponse,
}

/// What the proxy does with the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Closes both sides (FIN).
    Close,
    /// Resets both sides (RST).
    Reset,
    /// Keeps both sides open and forwards nothing.
    BlackHole,
    /// Forwards nothing until the proxy is set to another fault, then everything. Only with
    /// [`FaultProxy::set`](super::FaultProxy::set).
    Hold,
}

/// A fault.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Fault {
    /// None: everything is forwarded.
    #[default]
    Pass,
    /// Nothing listens: new connections are refused. Open ones continue; see
    /// [`FaultProxy::drop_connections`](super::FaultProxy::drop_connections).
    Refuse,
    /// New connections are accepted and reset at once. Open ones continue.
    Reset,
    /// New connections are accepted, and nothing is forwarded on new and open ones. The bytes are forwarded after the
    /// fault, as after a network failure.
    BlackHole,
    /// All data are delayed.
    Delay {
        /// The delay of requests.
        to_server: Duration,
        /// The delay of responses.
        to_client: Duration,
    },
    /// The rate of each connection in each direction is limited.
    Throttle {
        /// The maximum rate, at least 1.
        bytes_per_second: u32,
    },
    /// The action follows a number of bytes in one direction, counted from the connection's start.
    CutAfter {
        /// The direction whose bytes are counted.
        direction: Direction,
        /// The number of bytes that are forwarded.
        bytes: u64,
        /// What happens then.
        action: Action,
    },
    /// The action follows a pattern in the bytes to the server.
    OnPattern {
        /// The pattern, case-sensitive.
        pattern: Vec<u8>,
        /// Before or after the server has processed it.
        timing: Timing,
        /// What happens then.
        action: Action,
    },
}

impl Fault {
    /// Short for [`Fault::OnPattern`].
    #[must_use]
    pub fn on_pattern(pattern: impl AsRef<[u8]>, timing: Timing, action: Action) -> Self {
        Self::OnPattern { pattern: pattern.as_ref().to_vec(), timing, action }
    }

    /// Short for [`Fault::CutAfter`].
    #[must_use]
    pub fn cut_after(direction: Direction, bytes: u64, action: Action) -> Self {
        Self::CutAfter { direction, bytes, action }
    }
}
