//! The `DATABASE_*` variables, and those that bound the work at the database.

use std::fmt;
use std::time::Duration;

use mysql_async::{Opts, UrlError};
use webpki_roots::Authorities;

use super::tls;
use crate::config::types::{self, Type};
use crate::config::{AnyVariable, ConfigError, Environment, Variable};

/// The database's URL.
pub(crate) const DATABASE_URL: Variable<Opts> = Variable::without_default(
    "DATABASE_URL",
    Type { name: "url", parse: parse_database_url },
    "mysql://orders:password@db:3306/orders",
    "`mysql://user:password@host:port/database`; `?require_ssl=true` asks for TLS",
)
.secret();

/// A file with the URL.
const DATABASE_URL_FILE: Variable<Opts> = Variable::without_default(
    "DATABASE_URL_FILE",
    Type { name: "file", parse: parse_database_url_file },
    "/run/secrets/database-url",
    "a file that holds the URL, instead of `DATABASE_URL` (a mounted secret)",
)
.secret();

const DATABASE_CA_FILE: Variable<Authorities> = Variable::without_default(
    "DATABASE_CA_FILE",
    Type { name: "file", parse: parse_authorities },
    "/run/secrets/database-ca.pem",
    "PEM file of the authority that signed the database's certificate; with `require_ssl=true`",
);

const POOL_MAX: Variable<usize> = Variable::new(
    "POOL_MAX",
    types::count::<1, 1000>(),
    "10",
    "connections to the database, 1–1000; of two or more, one is kept for readiness",
);

const POOL_MAX_BATCHES: Variable<usize> = Variable::without_default(
    "POOL_MAX_BATCHES",
    types::count::<1, 1000>(),
    "3",
    "of these, for batches at one time; a third of `POOL_MAX` if not set",
);

const CONNECT_TIMEOUT: Variable<Duration> =
    Variable::new("CONNECT_TIMEOUT", types::DURATION, "2s", "to get a connection to the database");

/// A queue of half a second is over by the time at which clients are told to retry, one second. It bridges a burst, or
/// a short pause of the database.
const MAX_QUEUE_TIME: Variable<Duration> = Variable::new(
    "MAX_QUEUE_TIME",
    types::DURATION,
    "500ms",
    "a request that would wait longer for a connection gets 503 at once; at most `CONNECT_TIMEOUT` counts",
);

const STATEMENT_TIMEOUT: Variable<Duration> =
    Variable::new("STATEMENT_TIMEOUT", types::DURATION, "5s", "for one statement");

/// It ends on the server what a replica that vanished has left behind. Changing a large table may take minutes.
const MIGRATION_TIMEOUT: Variable<Duration> = Variable::new(
    "MIGRATION_TIMEOUT",
    types::DURATION,
    "10m",
    "for one statement that changes the schema, and to wait for another replica that migrates",
);

const DATABASE_TRACE_COMMENTS: Variable<bool> = Variable::new(
    "DATABASE_TRACE_COMMENTS",
    types::BOOLEAN,
    "false",
    "statements of sampled traces end with a comment that has the trace; each is prepared anew",
);

const IDEMPOTENCY_TTL: Variable<Duration> = Variable::new(
    "IDEMPOTENCY_TTL",
    types::SECONDS,
    "24h",
    "how long a request with an `Idempotency-Key` can be repeated for the same response; 1s–30d",
);

/// The variables of a service whose schema has idempotency keys.
pub const IDEMPOTENCY_VARIABLES: &[&dyn AnyVariable] = &[&IDEMPOTENCY_TTL];

/// The database's part of the table of variables.
pub const VARIABLES: &[&dyn AnyVariable] = &[
    &DATABASE_URL,
    &DATABASE_URL_FILE,
    &DATABASE_CA_FILE,
    &POOL_MAX,
    &POOL_MAX_BATCHES,
    &CONNECT_TIMEOUT,
    &MAX_QUEUE_TIME,
    &STATEMENT_TIMEOUT,
    &MIGRATION_TIMEOUT,
    &DATABASE_TRACE_COMMENTS,
];

/// How the database is reached and used.
#[derive(Clone)]
pub struct DatabaseSettings {
    /// The URL's contents. May hold a password.
    pub(super) opts: Opts,
    /// The authorities that may sign the database's certificate, instead of Mozilla's.
    pub(super) authorities: Option<Authorities>,
    pub(super) pool_max: usize,
    /// Batches that have a connection at one time.
    pub(super) max_batches: usize,
    pub(super) connect_timeout: Duration,
    pub(super) max_queue_time: Duration,
    pub(super) statement_timeout: Duration,
    /// For a statement that changes the schema, and for the wait for another replica that migrates.
    pub(super) migration_timeout: Duration,
    pub(super) idempotency_time_to_live: Duration,
    /// The statements of sampled traces name the trace.
    pub(super) trace_comments: bool,
}

impl fmt::Debug for DatabaseSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseSettings").field("pool_max", &self.pool_max).finish_non_exhaustive()
    }
}

impl DatabaseSettings {
    /// The maximum number of connections.
    #[must_use]
    pub fn pool_max(&self) -> usize {
        self.pool_max
    }

    /// Reads the variables.
    ///
    /// # Errors
    /// The first variable that is wrong.
    pub fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let authorities = environment.find(&DATABASE_CA_FILE)?;
        let (url_variable, opts) = read_url(environment)?;
        if authorities.is_some() && opts.ssl_opts().is_none() {
            const PROBLEM: &str = "is set, but the database URL does not ask for TLS by require_ssl=true";
            return Err(ConfigError::new(&DATABASE_CA_FILE, PROBLEM));
        }
        let pool_max = environment.get(&POOL_MAX)?;
        tls::check(&opts, authorities.is_some()).map_err(|problem| ConfigError::new(url_variable, &problem))?;
        Ok(Self {
            opts,
            authorities,
            pool_max,
            max_batches: read_max_batches(environment, pool_max)?,
            connect_timeout: environment.get(&CONNECT_TIMEOUT)?,
            max_queue_time: environment.get(&MAX_QUEUE_TIME)?,
            statement_timeout: environment.get(&STATEMENT_TIMEOUT)?,
            migration_timeout: environment.get(&MIGRATION_TIMEOUT)?,
            idempotency_time_to_live: environment.get(&IDEMPOTENCY_TTL)?,
            trace_comments: environment.get(&DATABASE_TRACE_COMMENTS)?,
        })
    }
}

/// Batches must leave a connection for other work, where there are two of them beside the one for readiness.
fn read_max_batches(environment: &Environment<'_>, pool_max: usize) -> Result<usize, ConfigError> {
    let max = pool_max.saturating_sub(2).max(1);
    match environment.find(&POOL_MAX_BATCHES)? {
        None => Ok((pool_max.saturating_sub(1) / 3).max(1)),
        Some(batches) if batches <= max => Ok(batches),
        Some(batches) => {
            let problem = format!("is {batches}, but with {pool_max} connections (POOL_MAX) it may be at most {max}");
            Err(ConfigError::new(&POOL_MAX_BATCHES, &problem))
        }
    }
}

/// The URL, and which of its two variables is set.
fn read_url(environment: &Environment<'_>) -> Result<(&'static Variable<Opts>, Opts), ConfigError> {
    if !environment.is_set(&DATABASE_URL_FILE) {
        return Ok((&DATABASE_URL, environment.get(&DATABASE_URL)?));
    }
    if environment.is_set(&DATABASE_URL) {
        return Err(ConfigError::new(&DATABASE_URL_FILE, "is set as well as DATABASE_URL; set one of them"));
    }
    Ok((&DATABASE_URL_FILE, environment.get(&DATABASE_URL_FILE)?))
}

fn parse_database_url_file(path: &str) -> Result<Opts, String> {
    parse_database_url(types::read_file(path)?.trim())
}

fn parse_authorities(path: &str) -> Result<Authorities, String> {
    let pem = types::read_file(path)?;
    Authorities::from_pem(pem.as_bytes()).map_err(|problem| format!("the file {problem}"))
}

const NO_MYSQL_URL: &str = "must start with mysql://";

/// Reads the database's URL. No error shows any part of it.
fn parse_database_url(url: &str) -> Result<Opts, String> {
    // The parser would take the host of some other schemes apart first.
    if !url.split_once(':').is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("mysql")) {
        return Err(NO_MYSQL_URL.into());
    }
    let opts = Opts::from_url(url).map_err(|error| describe(&error))?;
    if opts.db_name().is_none_or(str::is_empty) {
        return Err("must name a database after the host".into());
    }
    if opts.socket().is_some() {
        return Err("must not name a socket: WASI has TCP only".into());
    }
    Ok(opts)
}

fn describe(error: &UrlError) -> String {
    let problem = match error {
        UrlError::UnsupportedScheme { .. } => NO_MYSQL_URL,
        // The parameter's name is not shown: it may be part of a password with a question mark.
        UrlError::UnknownParameter { .. } => "has an unknown parameter (a ? in a password is written %3F)",
        UrlError::InvalidParamValue { .. } => "has a wrong value for a parameter",
        UrlError::FeatureRequired { .. } => "has a parameter that this build does not support",
        UrlError::InvalidPoolConstraints { .. } | UrlError::Invalid | UrlError::Parse(_) => "is not a complete URL",
    };
    problem.to_owned()
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
