//! Who may do what: the checks that a request passes before its handler runs.
//!
//! | check | response if it fails |
//! |---|---|
//! | the rate limit of the client's address | 429 |
//! | the host name (`hosts`) | 421 |
//! | for writes: no other site makes a browser send it (`cross_site`) | 403 |
//! | the token (`credentials`: `tokens`, `jwt`) | 401 |
//! | the rate limit of the caller | 429 |
//! | the token's scope (`scope`) | 403 |
//!
//! Without variables only hosts and writes are checked. A route without a scope passes under every host and without a
//! token; `OPTIONS` does too, because browsers send preflights without credentials.

mod connection;
mod credentials;
mod cross_site;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod hosts;
mod jwt;
mod network;
mod problems;
mod rate_limit;
mod recent_map;
mod scope;
mod settings;
mod tokens;
mod watched_file;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hyper::header::HeaderName;
use hyper::{Body, HeaderMap, Request, Response};

use crate::http::response::set_header;
use crate::problem::Problem;
use hosts::AllowedHosts;
use network::TrustedProxies;
use rate_limit::{RateLimiter, Usage, address_key, header_fields};

pub(crate) use connection::ClientConnection;
pub use credentials::Caller;
pub(crate) use credentials::Credentials;
pub(crate) use scope::Requirements;
pub use scope::{Scope, Scopes};
pub(crate) use settings::{AccessSettings, VARIABLES};

const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The checks of a listener.
pub(crate) struct Access {
    /// The service's name, in challenges.
    service: &'static str,
    hosts: AllowedHosts,
    cors_allow_origin: Option<String>,
    credentials: Arc<Credentials>,
    trusted_proxies: TrustedProxies,
    per_address: Option<RateLimiter>,
    per_token: Option<RateLimiter>,
}

/// What the checks find out about a request, for its response and its log line.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    caller: Option<Caller>,
    usages: Vec<(&'static str, Usage)>,
    /// The client's address, if a check has failed.
    pub(crate) rejected_client: Option<IpAddr>,
}

impl Findings {
    /// The caller's name.
    pub(crate) fn caller(&self) -> Option<&str> {
        self.caller.as_ref().map(Caller::name)
    }

    /// Tells the client its quotas, where it has some.
    pub(crate) fn set_fields(&self, response: &mut Response<Body>) {
        if !self.usages.is_empty() {
            let (policies, remaining) = header_fields(&self.usages);
            set_header(response, RATELIMIT_POLICY, &policies);
            set_header(response, RATELIMIT, &remaining);
        }
    }

    fn count(&mut self, policy: &'static str, usage: Usage) -> Result<(), Problem> {
        self.usages.push((policy, usage));
        if usage.is_exceeded { Err(Problem::rate_limited(policy, usage.retry_after())) } else { Ok(()) }
    }
}

impl Access {
    /// The checks of the public listener.
    pub(crate) fn public(
        service: &'static str,
        settings: &AccessSettings,
        listen: SocketAddr,
        cors_allow_origin: Option<String>,
        credentials: Arc<Credentials>,
    ) -> Self {
        Self {
            service,
            hosts: AllowedHosts::new(settings.allowed_hosts.as_ref(), listen.ip()),
            cors_allow_origin,
            credentials,
            trusted_proxies: settings.trusted_proxies.clone(),
            per_address: settings.per_address.map(RateLimiter::new),
            per_token: settings.per_token.map(RateLimiter::new),
        }
    }

    /// The checks of the operator's listener. It has no rate limits, and names of its own: orchestrators call it by the
    /// container's address.
    pub(crate) fn operator(service: &'static str, listen: SocketAddr, credentials: Arc<Credentials>) -> Self {
        Self {
            service,
            hosts: AllowedHosts::new(None, listen.ip()),
            cors_allow_origin: None,
            credentials,
            trusted_proxies: TrustedProxies::default(),
            per_address: None,
            per_token: None,
        }
    }

    /// Checks a request that came over a connection. The handler finds the caller among the request's extensions.
    /// Without requirements the request is `OPTIONS`, or no route has its path or method.
    ///
    /// # Errors
    /// The response if a check fails.
    pub(crate) fn check(
        &self,
        request: &mut Request<Body>,
        requirements: Option<Requirements>,
        connection: &ClientConnection,
        findings: &mut Findings,
    ) -> Result<(), Problem> {
        let result = self.check_all(request, requirements, connection, findings);
        if result.is_err() {
            findings.rejected_client = Some(self.trusted_proxies.client_address(connection.address, request.headers()));
        }
        result
    }

    fn check_all(
        &self,
        request: &mut Request<Body>,
        requirements: Option<Requirements>,
        connection: &ClientConnection,
        findings: &mut Findings,
    ) -> Result<(), Problem> {
        let is_probe = requirements.is_some_and(|requirements| requirements.is_probe);
        if let (Some(limiter), false) = (&self.per_address, is_probe) {
            let client = self.trusted_proxies.client_address(connection.address, request.headers());
            findings.count("address", limiter.count(&address_key(client)))?;
        }
        let Some(Requirements { scope, is_write, .. }) = requirements else { return Ok(()) };
        if scope.is_some() || is_write {
            self.check_origin(request, is_write)?;
        }
        let Some(scope) = scope.filter(|scope| self.credentials.protect(*scope)) else { return Ok(()) };
        let caller = self.identify(request.headers(), connection, findings)?;
        self.credentials.require(Some(&caller), scope, self.service)?;
        request.extensions_mut().insert(caller);
        Ok(())
    }

    fn check_origin(&self, request: &Request<Body>, is_write: bool) -> Result<(), Problem> {
        let host = hosts::of_request(request.uri(), request.headers());
        // HTTP/1.0 has no Host. No browser speaks it.
        if host.is_some_and(|host| !self.hosts.allow(host)) {
            return Err(Problem::unknown_host());
        }
        if is_write { cross_site::check(request.headers(), host, self.cors_allow_origin.as_deref()) } else { Ok(()) }
    }

    fn identify(
        &self,
        headers: &HeaderMap,
        connection: &ClientConnection,
        findings: &mut Findings,
    ) -> Result<Caller, Problem> {
        let client = || self.trusted_proxies.client_address(connection.address, headers);
        let caller = self.credentials.authenticate(headers, connection, client, self.service)?;
        findings.caller = Some(caller.clone());
        if let Some(limiter) = &self.per_token {
            findings.count("token", limiter.count(caller.key()))?;
        }
        Ok(caller)
    }
}
