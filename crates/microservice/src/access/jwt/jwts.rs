//! Verifies JWTs once, and remembers those with a valid signature.

use std::net::IpAddr;
use std::sync::Mutex;

use super::limits::{Rejection, VerificationLimits};
use super::{JwtError, Verified, Verifier};
use crate::access::connection::now;
use crate::access::recent_map::RecentMap;
use crate::access::tokens;
use crate::access::watched_file::Content;
use crate::problem::Problem;
use crate::sync::lock;

/// The JWTs that are remembered, for each of two generations.
const MAX_KNOWN: usize = 1024;

/// A verifier, and the tokens that its keys have signed.
pub(in crate::access) struct Jwts {
    verifier: Verifier,
    /// What the tokens say, or why they are invalid permanently.
    known: Mutex<RecentMap<Result<Verified, JwtError>>>,
}

impl Content for Jwts {
    fn count(&self) -> usize {
        self.verifier.key_count()
    }
}

impl Jwts {
    pub(in crate::access) fn new(verifier: Verifier) -> Self {
        Self { verifier, known: Mutex::new(RecentMap::new(MAX_KNOWN)) }
    }

    /// What the token says, or why it is invalid. `client` is the address that an unknown token counts for.
    ///
    /// Everything that costs little is checked first. Only a signature that could be valid counts, directly before it
    /// is verified. No claim is believed before that: until then, wrong claims can only make a token invalid.
    ///
    /// # Errors
    /// 503 where too many unknown tokens were sent.
    pub(in crate::access) fn verify(
        &self,
        token: &str,
        limits: &VerificationLimits,
        client: impl FnOnce() -> IpAddr,
    ) -> Result<Result<Verified, JwtError>, Problem> {
        let now = now();
        let hash = tokens::hash(token);
        let mut known = lock(&self.known);
        if let Some(known) = known.get_mut(&hash) {
            return Ok(known.clone().and_then(|verified| verified.at(now)));
        }
        let unverified = match self.verifier.parse(token, now) {
            Ok(unverified) => unverified,
            Err(error) => return Ok(Err(error)),
        };
        match limits.admit(&unverified.claims, client()) {
            Ok(()) => {}
            Err(Rejection::Busy(problem)) => return Err(problem),
            Err(Rejection::Invalid(error)) => return Ok(Err(error)),
        }
        let verified = unverified.verify();
        if verified.as_ref().map_or_else(JwtError::is_final, |_| true) {
            known.insert(hash, verified.clone());
        }
        Ok(verified)
    }
}
