//! Bounds on the signatures that are verified. Anyone can send a token, and each signature takes the only thread 0.7 ms
//! (ES256, compiled).

use std::net::IpAddr;

use super::{JwtError, Verified};
use crate::access::rate_limit::{RateLimit, RateLimiter, address_key};
use crate::access::tokens::Hash;
use crate::problem::Problem;

/// The signatures of one address, and of all, that are verified in a second.
const MAX_PER_ADDRESS: RateLimit = RateLimit::per_second(100);
const MAX_FOR_ALL: RateLimit = RateLimit::per_second(200);

/// The same for tokens whose claims are wrong. Their signatures affect only the reason in the response.
const MAX_WRONG_PER_ADDRESS: RateLimit = RateLimit::per_second(50);
const MAX_WRONG_FOR_ALL: RateLimit = RateLimit::per_second(100);

/// The signatures that are verified, whatever the keys in the file are.
pub(in crate::access) struct VerificationLimits {
    right_claims: Limit,
    wrong_claims: Limit,
}

impl Default for VerificationLimits {
    fn default() -> Self {
        Self {
            right_claims: Limit::new(MAX_PER_ADDRESS, MAX_FOR_ALL),
            wrong_claims: Limit::new(MAX_WRONG_PER_ADDRESS, MAX_WRONG_FOR_ALL),
        }
    }
}

impl VerificationLimits {
    /// Admits the verification of a token's signature. `claims` is what the token would be with a valid signature.
    ///
    /// # Errors
    /// The response where too many signatures were verified. Tokens with wrong claims take nothing from the others.
    pub(super) fn admit(&self, claims: &Result<Verified, JwtError>, client: IpAddr) -> Result<(), Rejection> {
        match claims {
            Ok(_) if self.right_claims.is_exceeded(client) => Err(Rejection::Busy(Problem::too_many_token_checks())),
            Err(_) if self.wrong_claims.is_exceeded(client) => Err(Rejection::Invalid(JwtError::Unverified)),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// Why a signature is not verified.
pub(super) enum Rejection {
    /// The token may be valid.
    Busy(Problem),
    /// The token is invalid in any case.
    Invalid(JwtError),
}

struct Limit {
    per_address: RateLimiter,
    for_all: RateLimiter,
}

impl Limit {
    fn new(per_address: RateLimit, for_all: RateLimit) -> Self {
        Self { per_address: RateLimiter::new(per_address), for_all: RateLimiter::new(for_all) }
    }

    /// Counts a signature. What exceeds the limit of its address takes nothing from other addresses.
    fn is_exceeded(&self, client: IpAddr) -> bool {
        self.per_address.count(&address_key(client)).is_exceeded || self.for_all.count(&Hash::default()).is_exceeded
    }
}
