//! The variables that say who may do what.

use super::hosts::HostList;
use super::network::TrustedProxies;
use super::rate_limit::RateLimit;
use crate::config::{AnyVariable, ConfigError, Environment, Type, Variable, types};

const ALLOWED_HOSTS: Variable<HostList> = Variable::without_default(
    "ALLOWED_HOSTS",
    Type { name: "list", parse: HostList::parse },
    "orders.example,*.orders.example",
    "host names that requests may have, or `*`; not set: loopback names on a loopback address, any on others",
);
pub(super) const API_TOKENS_FILE: Variable<String> = Variable::without_default(
    "API_TOKENS_FILE",
    types::FILE,
    "/run/secrets/api_tokens",
    "bearer tokens with their scopes, as hashes (`scripts/new-token.sh`); read again when it changes; not set: no login",
);
pub(super) const JWT_KEYS_FILE: Variable<String> = Variable::without_default(
    "JWT_KEYS_FILE",
    types::FILE,
    "/run/secrets/jwks.json",
    "JSON Web Key Set: JWTs signed with its keys (RS256, ES256) are accepted too; read again when it changes",
);
pub(super) const JWT_AUDIENCE: Variable<String> = Variable::without_default(
    "JWT_AUDIENCE",
    types::TEXT,
    "https://orders.example",
    "the `aud` that a JWT must have; needed with `JWT_KEYS_FILE`",
);
pub(super) const JWT_ISSUER: Variable<String> = Variable::without_default(
    "JWT_ISSUER",
    types::TEXT,
    "https://login.example",
    "the `iss` that a JWT must have; not set: any that its key signs",
);
const RATE_LIMIT_PER_ADDRESS: Variable<RateLimit> = Variable::without_default(
    "RATE_LIMIT_PER_ADDRESS",
    Type { name: "rate", parse: RateLimit::parse },
    "100/10s",
    "requests of one address (IPv6: of one /64) in a window; further ones get 429; not set: no limit",
);
const RATE_LIMIT_PER_TOKEN: Variable<RateLimit> = Variable::without_default(
    "RATE_LIMIT_PER_TOKEN",
    Type { name: "rate", parse: RateLimit::parse },
    "1000/1m",
    "the same for the requests of one caller, the name of a token; not set: no limit",
);
const TRUSTED_PROXIES: Variable<TrustedProxies> = Variable::without_default(
    "TRUSTED_PROXIES",
    Type { name: "list", parse: TrustedProxies::parse },
    "10.0.0.0/8,fd00::/8",
    "addresses and prefixes of proxies whose `X-Forwarded-For` is believed; not set: none",
);

/// The variables of this module.
pub(crate) const VARIABLES: &[&dyn AnyVariable] = &[
    &ALLOWED_HOSTS,
    &API_TOKENS_FILE,
    &JWT_KEYS_FILE,
    &JWT_AUDIENCE,
    &JWT_ISSUER,
    &RATE_LIMIT_PER_ADDRESS,
    &RATE_LIMIT_PER_TOKEN,
    &TRUSTED_PROXIES,
];

/// What the checks of both listeners are made from, beside the tokens.
#[derive(Debug, Clone)]
pub(crate) struct AccessSettings {
    pub(super) allowed_hosts: Option<HostList>,
    pub(super) per_address: Option<RateLimit>,
    pub(super) per_token: Option<RateLimit>,
    pub(super) trusted_proxies: TrustedProxies,
}

impl AccessSettings {
    pub(crate) fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            allowed_hosts: environment.find(&ALLOWED_HOSTS)?,
            per_address: environment.find(&RATE_LIMIT_PER_ADDRESS)?,
            per_token: environment.find(&RATE_LIMIT_PER_TOKEN)?,
            trusted_proxies: environment.find(&TRUSTED_PROXIES)?.unwrap_or_default(),
        })
    }

    /// True where addresses or callers have quotas.
    pub(crate) fn has_rate_limits(&self) -> bool {
        self.per_address.is_some() || self.per_token.is_some()
    }
}
