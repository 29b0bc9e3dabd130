//! Why work was rejected although nothing was wrong with it.

/// The bound that is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShedReason {
    /// `MAX_IN_FLIGHT`.
    InFlight,
    /// `MAX_STREAMS`.
    Streams,
    /// The queue for the database's connections (`MAX_QUEUE_TIME`).
    DatabaseQueue,
    /// The budget of memory for clients.
    Memory,
    /// A quota of an address or a caller.
    RateLimit,
    /// The signatures that are verified at one time.
    TokenChecks,
    /// `MAX_CONNECTIONS`: a connection was rejected.
    Connections,
    /// The file descriptors: a connection was rejected.
    Descriptors,
    /// A bound of the service's own.
    Service,
}

impl ShedReason {
    /// All reasons, in the order of their numbers.
    pub(crate) const ALL: [Self; 9] = [
        Self::InFlight,
        Self::Streams,
        Self::DatabaseQueue,
        Self::Memory,
        Self::RateLimit,
        Self::TokenChecks,
        Self::Connections,
        Self::Descriptors,
        Self::Service,
    ];

    /// The reason as a metric's label.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InFlight => "in_flight",
            Self::Streams => "streams",
            Self::DatabaseQueue => "database_queue",
            Self::Memory => "memory",
            Self::RateLimit => "rate_limit",
            Self::TokenChecks => "token_checks",
            Self::Connections => "connections",
            Self::Descriptors => "descriptors",
            Self::Service => "service",
        }
    }
}
