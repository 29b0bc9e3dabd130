//! How much is measured.

/// The number of runs and requests. `QUICK=1` takes a fraction of the time; its figures are rougher, and the page says
/// so.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) quick: bool,
    /// Seconds per run of `wrk`.
    pub(crate) seconds: u32,
    /// Rounds; in each, every variant runs twice (A B C C B A).
    pub(crate) rounds: usize,
    /// Starts per variant.
    pub(crate) starts: usize,
    /// Rows in the table that is streamed.
    pub(crate) rows: u32,
    /// Rows in the largest table that a page is read from.
    pub(crate) max_rows: u32,
    /// Memory samples per kind of container.
    pub(crate) memory_samples: usize,
    /// First responses of silent connections.
    pub(crate) first_responses: usize,
    /// Connections that are reset in one run.
    pub(crate) resets: u32,
    /// Pairs of runs where two variants are compared.
    pub(crate) pairs: usize,
}

impl Plan {
    pub(crate) fn from_environment() -> Self {
        if std::env::var("QUICK").is_ok_and(|value| !value.is_empty() && value != "0") {
            return Self::quick();
        }
        Self {
            quick: false,
            seconds: 3,
            rounds: 2,
            starts: 21,
            rows: 1_000_000,
            max_rows: 10_000_000,
            memory_samples: 5,
            first_responses: 500,
            resets: 10_000,
            pairs: 7,
        }
    }

    fn quick() -> Self {
        Self {
            quick: true,
            seconds: 1,
            rounds: 1,
            starts: 5,
            rows: 1_000_000,
            max_rows: 1_000_000,
            memory_samples: 1,
            first_responses: 200,
            resets: 2_000,
            pairs: 5,
        }
    }
}
