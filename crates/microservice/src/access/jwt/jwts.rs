//! Verifies JWTs once, and remembers the valid ones.

use std::sync::Mutex;

use super::{JwtError, Verified, Verifier};
use crate::access::connection::now;
use crate::access::rate_limit::{RateLimit, RateLimiter};
use crate::access::recent_map::RecentMap;
use crate::access::tokens::{self, Hash};
use crate::access::watched_file::Content;
use crate::problem::Problem;
use crate::sync::lock;

/// The JWTs that are remembered as verified, for each of two generations.
const MAX_VERIFIED: usize = 1024;

/// The signatures that are verified in a second. Each takes the only thread a millisecond, and anyone can send one.
/// Tokens that were verified before do not count.
const MAX_VERIFICATIONS: RateLimit = RateLimit::per_second(100);

/// Bounds the verifications of all keys that come one after the other.
pub(in crate::access) struct VerificationLimit(RateLimiter);

impl Default for VerificationLimit {
    fn default() -> Self {
        Self(RateLimiter::new(MAX_VERIFICATIONS))
    }
}

/// A verifier, and the tokens that its keys have signed.
pub(in crate::access) struct Jwts {
    verifier: Verifier,
    verified: Mutex<RecentMap<Verified>>,
}

impl Content for Jwts {
    fn count(&self) -> usize {
        self.verifier.key_count()
    }
}

impl Jwts {
    pub(in crate::access) fn new(verifier: Verifier) -> Self {
        Self { verifier, verified: Mutex::new(RecentMap::new(MAX_VERIFIED)) }
    }

    /// What the token says, or why it is invalid.
    ///
    /// # Errors
    /// 503 where too many unknown tokens were sent.
    pub(in crate::access) fn verify(
        &self,
        token: &str,
        limit: &VerificationLimit,
    ) -> Result<Result<Verified, JwtError>, Problem> {
        let now = now();
        let hash = tokens::hash(token);
        let mut known = lock(&self.verified);
        if let Some(verified) = known.get_mut(&hash) {
            return Ok(if verified.is_expired(now) { Err(JwtError::Expired) } else { Ok(verified.clone()) });
        }
        if limit.0.count(&Hash::default()).is_exceeded {
            return Err(Problem::overloaded("Too many unknown tokens are being verified."));
        }
        let verified = self.verifier.verify(token, now);
        if let Ok(verified) = &verified {
            known.insert(hash, verified.clone());
        }
        Ok(verified)
    }
}
