//! JSON Web Tokens (RFC 7519) that another system has signed, as access tokens: RS256 or ES256, keys from a file.
//!
//! A token must have `exp` and this service's `aud`. `nbf` and the configured `iss` are checked. `scope` (RFC 8693
//! §4.2) or `scp`, as some issuers call it, has the scopes. The checks follow RFC 8725.

mod jwts;
mod keys;
mod limits;
#[cfg(test)]
mod tests;
mod texts;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::scope::{Scope, Scopes};
use super::tokens::Hash;
pub(super) use jwts::Jwts;
use keys::{Algorithm, Key, KeySet, decode};
pub(super) use limits::VerificationLimits;
use sha2::{Digest as _, Sha256};
use texts::Texts;

/// The longest token, in bytes.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The clocks of issuer and service may differ by this much, in seconds (RFC 7519 §4.1.4).
const LEEWAY: f64 = 60.0;

/// The longest subject in log lines, in characters. A longer one is cut there, and ends with `…`.
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
    /// `jwt:` and the subject, for log lines. Different callers may share it.
    pub(super) name: Arc<str>,
    pub(super) scopes: Scopes,
    /// The hash of the issuer and the whole subject, for rate limits.
    pub(super) key: Hash,
    /// Until when the token is valid, since 1970.
    expires: f64,
}

impl Verified {
    /// Until when the token is valid, since 1970.
    pub(super) fn expires(&self) -> Duration {
        Duration::try_from_secs_f64(self.expires).unwrap_or(Duration::MAX)
    }

    /// The same, unless the token has expired at this time since 1970.
    fn at(self, now: Duration) -> Result<Self, JwtError> {
        if now.as_secs_f64() >= self.expires { Err(JwtError::Expired) } else { Ok(self) }
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
    /// The claims are wrong. Too many such tokens were sent to verify this one's signature, so there is no reason.
    Unverified,
}

impl JwtError {
    /// True where a signed token with this error is invalid permanently.
    fn is_final(&self) -> bool {
        matches!(self, Self::Claims | Self::Audience | Self::Issuer | Self::Expired)
    }
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
            Self::Unverified => "The token is invalid",
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

    /// Checks all of a token but its signature, at this time since 1970.
    fn parse<'a>(&'a self, token: &'a str, now: Duration) -> Result<Unverified<'a>, JwtError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(JwtError::Malformed);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed)?;
        let (header, claims) = message.split_once('.').ok_or(JwtError::Malformed)?;
        let Header { alg, kid, crit } = parse(header).ok_or(JwtError::Malformed)?;
        let algorithm = Algorithm::from_name(&alg).filter(|_| crit.is_none()).ok_or(JwtError::Algorithm)?;
        let key = self.keys.find(kid.as_deref(), algorithm).ok_or(JwtError::UnknownKey)?;
        let signature = decode(signature).ok_or(JwtError::Malformed)?;
        if signature.len() != key.signature_bytes() {
            return Err(JwtError::Signature);
        }
        let claims = parse(claims).ok_or(JwtError::Claims).and_then(|claims| self.check(claims, now.as_secs_f64()));
        Ok(Unverified { key, message, signature, claims })
    }

    /// Verifies a token at this time since 1970.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn verify(&self, token: &str, now: Duration) -> Result<Verified, JwtError> {
        self.parse(token, now)?.verify()
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
        let (issuer, subject) = (claims.iss.unwrap_or_default(), claims.sub.unwrap_or_default());
        Ok(Verified { key: key(&issuer, &subject), name: name(&subject).into(), scopes, expires })
    }
}

/// A token whose signature has not been verified.
struct Unverified<'a> {
    key: &'a Key,
    message: &'a str,
    signature: Vec<u8>,
    /// What the token says if its signature is valid, or why it is invalid even then.
    claims: Result<Verified, JwtError>,
}

impl Unverified<'_> {
    /// Verifies the signature. An invalid one is the only reason that is given then: a forger does not learn which
    /// claims would be right.
    fn verify(self) -> Result<Verified, JwtError> {
        if self.key.verify(self.message.as_bytes(), &self.signature) { self.claims } else { Err(JwtError::Signature) }
    }
}

/// The caller's name in log lines. No name in a token file has a colon.
fn name(subject: &str) -> String {
    let mut name: String = "jwt:".chars().chain(subject.chars().take(MAX_SUBJECT_CHARS)).collect();
    if subject.chars().nth(MAX_SUBJECT_CHARS).is_some() {
        name.push('…');
    }
    name
}

/// The caller's key for rate limits. A subject is unique for its issuer only (RFC 7519 §4.1.2). No key of a token
/// file's name is the hash of a text with a colon.
fn key(issuer: &str, subject: &str) -> Hash {
    let hash = Sha256::new().chain_update(format!("jwt:{}:", issuer.len()));
    hash.chain_update(issuer).chain_update(subject).finalize().into()
}

fn parse<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&decode(part)?).ok()
}
