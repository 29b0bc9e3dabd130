//! JSON Web Tokens (RFC 7519) that another system has signed, as access tokens: RS256 or ES256, keys from a file.
//!
//! A token must have `exp` and this service's `aud`. `nbf` and the configured `iss` are checked. `scope` (RFC 8693
//! §4.2) or `scp`, as some issuers call it, has the scopes. The checks follow RFC 8725.

mod jwts;
mod keys;
#[cfg(test)]
mod tests;
mod texts;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::scope::{Scope, Scopes};
use super::tokens::{self, Hash};
pub(super) use jwts::{Jwts, VerificationLimit};
use keys::{Algorithm, KeySet, decode};
use texts::Texts;

/// The longest token, in bytes.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The clocks of issuer and service may differ by this much, in seconds (RFC 7519 §4.1.4).
const LEEWAY: f64 = 60.0;

/// The longest subject in log lines, in characters.
const MAX_SUBJECT_CHARS: usize = 64;

/// Verifies tokens.
#[derive(Debug)]
pub(super) struct Verifier {
    keys: KeySet,
    audience: String,
    issuer: Option<String>,
}

/// What a valid token says.
#[derive(Debug, Clone)]
pub(super) struct Verified {
    /// `jwt:` and the subject, for log lines and rate limits.
    pub(super) name: Arc<str>,
    pub(super) scopes: Scopes,
    /// The hash of the name.
    pub(super) key: Hash,
    /// Until when the token is valid, since 1970.
    expires: f64,
}

impl Verified {
    /// Until when the token is valid, since 1970.
    pub(super) fn expires(&self) -> Duration {
        Duration::try_from_secs_f64(self.expires).unwrap_or(Duration::MAX)
    }

    /// True where the token has expired at this time since 1970.
    pub(super) fn is_expired(&self, now: Duration) -> bool {
        now.as_secs_f64() >= self.expires
    }
}

/// Why a token is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JwtError {
    Malformed,
    Algorithm,
    UnknownKey,
    Signature,
    Claims,
    Audience,
    Issuer,
    NotYetValid,
    Expired,
}

impl fmt::Display for JwtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "The token is malformed",
            Self::Algorithm => "The token must be signed with RS256 or ES256",
            Self::UnknownKey => "The token is signed with an unknown key",
            Self::Signature => "The token's signature is invalid",
            Self::Claims => "The token must have exp, and aud, iss, nbf, sub and scope must be valid where it has them",
            Self::Audience => "The token is for another audience",
            Self::Issuer => "The token is from another issuer",
            Self::NotYetValid => "The token is not valid yet",
            Self::Expired => "The token has expired",
        })
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that must be understood. None is.
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    exp: f64,
    nbf: Option<f64>,
    #[serde(default)]
    aud: Texts,
    iss: Option<String>,
    sub: Option<String>,
    #[serde(default)]
    scope: Texts,
    #[serde(default)]
    scp: Texts,
}

/// True for text that has a JWT's form: three parts. A token of the other kind has no dot.
pub(super) fn has_form(token: &str) -> bool {
    token.contains('.')
}

impl Verifier {
    /// A verifier with the keys of a JWKS, for tokens of this audience and, where it is given, this issuer.
    pub(super) fn new(jwks: &str, audience: &str, issuer: Option<&str>) -> Result<Self, String> {
        Ok(Self { keys: KeySet::parse(jwks)?, audience: audience.to_owned(), issuer: issuer.map(str::to_owned) })
    }

    /// The number of keys.
    pub(super) fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// Verifies a token at this time since 1970.
    pub(super) fn verify(&self, token: &str, now: Duration) -> Result<Verified, JwtError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(JwtError::Malformed);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed)?;
        let (header, claims) = message.split_once('.').ok_or(JwtError::Malformed)?;
        let Header { alg, kid, crit } = parse(header).ok_or(JwtError::Malformed)?;
        let algorithm = Algorithm::from_name(&alg).filter(|_| crit.is_none()).ok_or(JwtError::Algorithm)?;
        let key = self.keys.find(kid.as_deref(), algorithm).ok_or(JwtError::UnknownKey)?;
        let signature = decode(signature).ok_or(JwtError::Malformed)?;
        if !key.verify(message.as_bytes(), &signature) {
            return Err(JwtError::Signature);
        }
        self.check(parse(claims).ok_or(JwtError::Claims)?, now.as_secs_f64())
    }

    fn check(&self, claims: Claims, now: f64) -> Result<Verified, JwtError> {
        if !claims.aud.0.contains(&self.audience) {
            return Err(JwtError::Audience);
        }
        if self.issuer.is_some() && claims.iss != self.issuer {
            return Err(JwtError::Issuer);
        }
        if claims.nbf.is_some_and(|nbf| now + LEEWAY < nbf) {
            return Err(JwtError::NotYetValid);
        }
        let expires = claims.exp + LEEWAY;
        if now >= expires {
            return Err(JwtError::Expired);
        }
        let scopes = claims.scope.0.iter().chain(&claims.scp.0).flat_map(|scopes| scopes.split(' '));
        let scopes = scopes.filter_map(Scope::from_name).collect();
        let subject = claims.sub.unwrap_or_default();
        // No name in a token file has a colon.
        let name: String = "jwt:".chars().chain(subject.chars().take(MAX_SUBJECT_CHARS)).collect();
        Ok(Verified { key: tokens::hash(&name), name: name.into(), scopes, expires })
    }
}

fn parse<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&decode(part)?).ok()
}
