//! The error responses of the checks. 401 and 403 say in `WWW-Authenticate` what would be accepted (RFC 6750 §3).

use std::fmt;

use hyper::header::WWW_AUTHENTICATE;

use super::scope::Scope;
use crate::problem::{Problem, ShedReason, types};

impl Problem {
    /// The request has no token.
    pub(super) fn token_required(service: &str) -> Self {
        let detail = "This needs a token: Authorization: Bearer …";
        Self::new(&types::TOKEN_REQUIRED, detail).with_header(WWW_AUTHENTICATE, format!("Bearer realm=\"{service}\""))
    }

    /// The request has a token that is not valid. `reason` has neither quotes nor backslashes.
    pub(super) fn invalid_token(service: &str, reason: &dyn fmt::Display) -> Self {
        let challenge = format!("Bearer realm=\"{service}\", error=\"invalid_token\", error_description=\"{reason}\"");
        Self::new(&types::INVALID_TOKEN, format!("{reason}.")).with_header(WWW_AUTHENTICATE, challenge)
    }

    /// The token does not have the scope.
    pub(super) fn insufficient_scope(service: &str, scope: Scope) -> Self {
        let scope = scope.name();
        let challenge = format!("Bearer realm=\"{service}\", error=\"insufficient_scope\", scope=\"{scope}\"");
        let detail = format!("This needs a token with the scope {scope}.");
        Self::new(&types::INSUFFICIENT_SCOPE, detail).with_header(WWW_AUTHENTICATE, challenge)
    }

    /// A browser marks the request as another site's.
    pub(super) fn cross_site(detail: &'static str) -> Self {
        Self::new(&types::CROSS_SITE_REQUEST, detail)
    }

    /// The service is not to be called by this host name (RFC 9110 §15.5.20).
    pub(super) fn unknown_host() -> Self {
        let detail = "The service does not serve this host name. ALLOWED_HOSTS lists those that it serves.";
        Self::new(&types::UNKNOWN_HOST, detail)
    }

    /// More signatures of unknown tokens wait to be verified than the process may spend time on.
    pub(super) fn too_many_token_checks() -> Self {
        Self::overloaded("Too many unknown tokens are being verified.").shed_by(ShedReason::TokenChecks)
    }

    /// The quota of the address or the caller is used up.
    pub(super) fn rate_limited(policy: &str, retry_after: u32) -> Self {
        let detail = format!("Too many requests of this {policy}. Try again in {retry_after} s.");
        Self::new(&types::RATE_LIMITED, detail).with_retry_after(retry_after).shed_by(ShedReason::RateLimit)
    }
}
