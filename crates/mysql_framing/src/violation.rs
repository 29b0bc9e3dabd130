//! Why a packet is rejected.

use std::fmt;

/// The maximum memory of one command's response, as the driver keeps it.
pub(crate) const MAX_RESPONSE_BYTES: usize = 32 * 1024 * 1024;

/// Why a packet was rejected, in words that follow "the database server sent".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Violation(pub(crate) &'static str);

/// The response or a packet of it is larger than [`MAX_RESPONSE_BYTES`].
pub(crate) const TOO_LARGE: Violation = Violation("more than 32 MiB in response to one statement");

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the database server sent {}", self.0)
    }
}

impl std::error::Error for Violation {}
