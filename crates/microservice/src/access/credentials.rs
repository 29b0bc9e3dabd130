//! Who calls: bearer tokens (RFC 6750) from a file, and JWTs.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderValue};

use super::connection::ClientConnection;
use super::jwt::{self, JwtError, Jwts, VerificationLimits, Verified, Verifier};
use super::scope::{Scope, Scopes};
use super::settings::{API_TOKENS_FILE, JWT_AUDIENCE, JWT_ISSUER, JWT_KEYS_FILE};
use super::tokens::{self, Hash, TokenTable};
use super::watched_file::{Content, READ_INTERVAL, WatchedFile};
use crate::config::{ConfigError, Environment};
use crate::problem::Problem;

/// Who sent a request.
#[derive(Debug, Clone)]
pub struct Caller {
    name: Arc<str>,
    scopes: Scopes,
    /// For rate limits and idempotency keys: the hash of a token's name, or of a JWT's issuer and subject.
    key: Hash,
}

impl Caller {
    /// The name of the caller's token, or `jwt:` and the subject of the JWT.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// True where the caller's token has the scope.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(scope)
    }

    /// The hash of a token's name, or of a JWT's issuer and subject: another token of the same name has it too.
    pub(crate) fn key(&self) -> &Hash {
        &self.key
    }
}

/// The tokens that are valid.
pub(crate) struct Credentials {
    tokens: Option<WatchedFile<TokenTable>>,
    jwts: Option<WatchedFile<Jwts>>,
    verifications: VerificationLimits,
    /// Counts the changes of the files.
    generation: AtomicU64,
    /// There was a token for the operator's listener, at a request or at a change of the file.
    is_operator_protected: AtomicBool,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tokens, jwts) = (self.tokens.is_some(), self.jwts.is_some());
        f.debug_struct("Credentials").field("tokens", &tokens).field("jwts", &jwts).finish_non_exhaustive()
    }
}

impl Content for TokenTable {
    fn count(&self) -> usize {
        self.len()
    }
}

impl Credentials {
    /// Reads the files that the variables name.
    pub(crate) fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let tokens = match environment.find(&API_TOKENS_FILE)? {
            Some(path) => Some(WatchedFile::open(&API_TOKENS_FILE, path, TokenTable::parse)?),
            None => None,
        };
        let (audience, issuer) = (environment.find(&JWT_AUDIENCE)?, environment.find(&JWT_ISSUER)?);
        let jwts = match (environment.find(&JWT_KEYS_FILE)?, audience) {
            (Some(path), Some(audience)) => {
                let parse = move |text: &str| Verifier::new(text, &audience, issuer.as_deref()).map(Jwts::new);
                Some(WatchedFile::open(&JWT_KEYS_FILE, path, parse)?)
            }
            (Some(_), None) => return Err(ConfigError::new(&JWT_AUDIENCE, "must be set beside JWT_KEYS_FILE")),
            (None, _) => None,
        };
        let credentials = Self {
            tokens,
            jwts,
            verifications: VerificationLimits::default(),
            generation: AtomicU64::new(0),
            is_operator_protected: AtomicBool::new(false),
        };
        credentials.protect(Scope::Operator);
        Ok(credentials)
    }

    /// True where callers need a token.
    pub(crate) fn are_configured(&self) -> bool {
        self.tokens.is_some() || self.jwts.is_some()
    }

    /// True where a route that needs this scope is closed to others. The operator's listener is closed as soon as there
    /// is a token for it: Kubernetes' hooks cannot read a token from a secret.
    pub(crate) fn protect(&self, scope: Scope) -> bool {
        match scope {
            Scope::Operator => {
                // A file that loses its last operator's token by mistake opens nothing.
                if self.tokens.as_ref().is_some_and(|tokens| tokens.current().any_has(scope)) {
                    self.is_operator_protected.store(true, Ordering::Relaxed);
                }
                self.is_operator_protected.load(Ordering::Relaxed)
            }
            _ => self.are_configured(),
        }
    }

    /// Fails where the scope is needed and the caller does not have it.
    pub(crate) fn require(&self, caller: Option<&Caller>, scope: Scope, service: &str) -> Result<(), Problem> {
        if self.protect(scope) && !caller.is_some_and(|caller| caller.has(scope)) {
            return Err(Problem::insufficient_scope(service, scope));
        }
        Ok(())
    }

    /// The caller of a request: the one whose token it has. `client` is the address that an unknown JWT counts for.
    pub(super) fn authenticate(
        &self,
        headers: &HeaderMap,
        connection: &ClientConnection,
        client: impl FnOnce() -> IpAddr,
        service: &str,
    ) -> Result<Caller, Problem> {
        let header = authorization(headers)?.unwrap_or_default();
        let generation = self.generation.load(Ordering::Relaxed);
        if let Some(caller) = connection.find(header, generation) {
            return Ok(caller);
        }
        let (caller, expires) = self.identify(header, client, service)?;
        connection.remember(header, generation, &caller, expires);
        Ok(caller)
    }

    /// The caller whose token is in a header, and when a JWT expires.
    fn identify(
        &self,
        header: &[u8],
        client: impl FnOnce() -> IpAddr,
        service: &str,
    ) -> Result<(Caller, Option<Duration>), Problem> {
        let token = bearer_token(header).ok_or_else(|| Problem::token_required(service))?;
        let invalid = |reason: &dyn fmt::Display| Problem::invalid_token(service, reason);
        if !is_well_formed(token) {
            return Err(invalid(&JwtError::Malformed));
        }
        match &self.jwts {
            Some(jwts) if jwt::has_form(token) => {
                let verified = jwts.current().verify(token, &self.verifications, client)?;
                let verified = verified.map_err(|error| invalid(&error))?;
                let expires = verified.expires();
                Ok((verified.into(), Some(expires)))
            }
            _ => self.find(token).map(|caller| (caller, None)).ok_or_else(|| invalid(&"The token is not known")),
        }
    }

    fn find(&self, token: &str) -> Option<Caller> {
        let table = self.tokens.as_ref()?.current();
        let token = table.find(&tokens::hash(token))?;
        Some(Caller { name: Arc::clone(&token.name), scopes: token.scopes, key: token.key })
    }

    /// Keeps the tokens as the files have them. Never ends: spawn it as a task.
    pub(crate) async fn watch_files(&self) {
        loop {
            tokio::time::sleep(READ_INTERVAL).await;
            let tokens_changed = self.tokens.as_ref().is_some_and(WatchedFile::refresh);
            let keys_changed = self.jwts.as_ref().is_some_and(WatchedFile::refresh);
            if tokens_changed || keys_changed {
                self.generation.fetch_add(1, Ordering::Relaxed);
                self.protect(Scope::Operator);
            }
        }
    }
}

impl From<Verified> for Caller {
    fn from(Verified { name, scopes, key, .. }: Verified) -> Self {
        Self { name, scopes, key }
    }
}

/// The value of `Authorization`.
fn authorization(headers: &HeaderMap) -> Result<Option<&[u8]>, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Problem::invalid_header("A request must have at most one Authorization header.")),
        (value, None) => Ok(value.map(HeaderValue::as_bytes)),
    }
}

/// The bearer token in a header. None without one; credentials of another scheme are none of ours.
fn bearer_token(header: &[u8]) -> Option<&str> {
    let credentials = std::str::from_utf8(header).ok()?;
    let (scheme, token) = credentials.split_once(' ').unwrap_or((credentials, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_matches(' '))
}

/// RFC 6750 §2.1: `b64token`.
fn is_well_formed(token: &str) -> bool {
    let text = token.trim_end_matches('=');
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}
