//! The configuration: environment variables, read once at the start. Nothing else reads the environment.
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `DATABASE_URL` | – | `mysql://user:password@host:port/database`; `?require_ssl=true` asks for TLS |
//! | `DATABASE_URL_FILE` | – | a file that holds the URL, instead of `DATABASE_URL` (a mounted secret) |
//! | `DATABASE_CA_FILE` | – | PEM file of the authority that signed the database's certificate; with `require_ssl=true` |
//! | `LISTEN_ADDR` | `0.0.0.0:8080` | where the service listens |
//! | `ADMIN_ADDR` | – | where the operator's listener is: `/health`, `/ready`, `/drain`; not for the public |
//! | `DRAIN_DELAY` | `3s` | from `/drain` to the closing of the listener; `0s` closes at once |
//! | `DRAIN_TIMEOUT` | `20s` | from then on, for what is in flight to end |
//! | `FATAL_EXIT` | `status` | how a start that cannot go on ends: `status` 64 or 71, or by a `trap`, which container engines see as failure where they lose a wasm module's status |
//! | `AUTO_INIT` | `true` | create what is missing in the database at the start; `false`: only `GET /init` does |
//! | `ALLOW_RESET` | `false` | let `GET /init?reset=true` drop all orders |
//! | `POOL_MAX` | `10` | connections to the database, 1–1000; of two or more, one is kept for readiness |
//! | `CONNECT_TIMEOUT` | `2s` | to get a connection to the database |
//! | `STATEMENT_TIMEOUT` | `5s` | for one statement |
//! | `REQUEST_TIMEOUT` | `10s` | for all that a request does at the database |
//! | `BATCH_TIMEOUT` | `60s` | the same for `POST /create_orders` |
//! | `HEADER_TIMEOUT` | `10s` | from a request's first byte to the end of its head |
//! | `BODY_TIMEOUT` | `30s` | to receive a body; `POST /echo`: to receive its next piece |
//! | `IDLE_TIMEOUT` | `60s` | a connection without a request is closed |
//! | `WRITE_TIMEOUT` | `30s` | a client that takes nothing of an answer is disconnected |
//! | `MAX_HEADER_BYTES` | `16KiB` | names and values of a request's head, and its target; 1–48 KiB |
//! | `MAX_ORDER_BYTES` | `64KiB` | body with one order |
//! | `MAX_BODY_BYTES` | `32MiB` | body of `POST /create_orders` and of `POST /echo` |
//! | `MAX_BATCH` | `100000` | orders in one `POST /create_orders` |
//! | `MAX_BUFFERED_BYTES` | `64MiB` | all bodies held at one time; at least the largest body |
//! | `MAX_CONNECTIONS` | `4096` | client connections; one more is told 503 and closed |
//! | `MAX_IN_FLIGHT` | `256` | requests being worked on; one more is told 503 at once |
//! | `MAX_STREAMS` | `64` | `GET /orders` being streamed beyond their first piece |
//! | `CORS_ALLOW_ORIGIN` | – | one origin, or `*`, that browsers may call from |
//! | `LOG_FORMAT` | `auto` | `json`, `text`, or `auto`: text where a terminal reads it |
//! | `LOG_LEVEL` | `info` | `error`, `warn`, `info` (each request is one line) or `debug` |
//!
//! Durations are written `250ms`, `5s`, `2m`; sizes `512`, `64KiB`, `32MiB`. An empty variable counts as not set.
//! A wrong value stops the start with one line that names the variable, what is wrong and an example. Values that may hold
//! secrets are never printed.

mod parse;
mod variables;

use std::net::SocketAddr;
use std::time::Duration;

use crate::telemetry;
pub use variables::ConfigError;
use variables::Variables;

/// All that the service can be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the service listens.
    pub listen_addr: SocketAddr,
    /// Where the operator's listener is, if there is one.
    pub admin_addr: Option<SocketAddr>,
    /// How the process leaves when it is asked to.
    pub leaving: Leaving,
    /// How the database is reached and used.
    pub database: Database,
    /// How long clients may take, and how much they may ask for.
    pub limits: Limits,
    /// Create what is missing in the database at the start.
    pub auto_init: bool,
    /// `GET /init?reset=true` may drop all orders.
    pub allow_reset: bool,
    /// The origin browsers may call from, or `*`.
    pub cors_allow_origin: Option<String>,
    /// What is logged, and how.
    pub log: telemetry::Settings,
}

/// How the process leaves when it is asked to.
#[derive(Debug, Clone)]
pub struct Leaving {
    /// From the announcement to the closing of the listener.
    pub delay: Duration,
    /// From then on, for what is in flight to end.
    pub timeout: Duration,
}

/// How a process ends that cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FatalExit {
    /// With a status of its own.
    Status,
    /// By a trap. crun's WasmEdge handler turns every status of a module into 0, but a trap into 1.
    Trap,
}

/// How the database is reached and used.
#[derive(Clone)]
pub struct Database {
    /// The URL's contents, with TLS as it asks for. May hold a password.
    pub opts: mysql_async::Opts,
    /// Whom its certificate must lead up to, instead of one of Mozilla's authorities.
    pub authorities: Option<webpki_roots::Authorities>,
    /// The most connections.
    pub pool_max: usize,
    /// Bound on getting a connection.
    pub connect_timeout: Duration,
    /// Bound on a statement.
    pub statement_timeout: Duration,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("pool_max", &self.pool_max).finish_non_exhaustive()
    }
}

/// Bounds on what clients may take of the service.
#[derive(Debug, Clone)]
pub struct Limits {
    /// For all that a request does at the database.
    pub request_timeout: Duration,
    /// The same for a batch of orders.
    pub batch_timeout: Duration,
    /// From a request's first byte to the end of its head.
    pub header_timeout: Duration,
    /// To receive a body.
    pub body_timeout: Duration,
    /// A connection without a request.
    pub idle_timeout: Duration,
    /// A client that takes nothing of its answer.
    pub write_timeout: Duration,
    /// A request's head, in bytes.
    pub max_header_bytes: usize,
    /// A body with one order, in bytes.
    pub max_order_bytes: usize,
    /// A batch's or an echo's body, in bytes.
    pub max_body_bytes: usize,
    /// Orders in one batch.
    pub max_batch: usize,
    /// All bodies held at one time, in bytes.
    pub max_buffered_bytes: usize,
    /// Client connections.
    pub max_connections: usize,
    /// Requests being worked on.
    pub max_in_flight: usize,
    /// Tables being streamed.
    pub max_streams: usize,
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// The first variable that is wrong, in one line.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(&|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// How to end where nothing else of the configuration can be relied on.
    #[must_use]
    pub fn fatal_exit() -> FatalExit {
        match std::env::var_os("FATAL_EXIT") {
            Some(value) if value == "trap" => FatalExit::Trap,
            _ => FatalExit::Status,
        }
    }

    /// Reads the variables that `lookup` knows.
    ///
    /// # Errors
    /// The first variable that is wrong, in one line.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let env = Variables::new(lookup);
        env.parsed("FATAL_EXIT", "status", parse::fatal_exit)?;
        let config = Self {
            listen_addr: env.parsed("LISTEN_ADDR", "0.0.0.0:8080", parse::address)?,
            admin_addr: env.optional("ADMIN_ADDR", "127.0.0.1:9090", parse::address)?,
            leaving: Leaving {
                delay: env.parsed("DRAIN_DELAY", "3s", parse::delay)?,
                timeout: env.parsed("DRAIN_TIMEOUT", "20s", parse::duration)?,
            },
            limits: Limits::read(&env)?,
            auto_init: env.parsed("AUTO_INIT", "true", parse::boolean)?,
            allow_reset: env.parsed("ALLOW_RESET", "false", parse::boolean)?,
            cors_allow_origin: env.optional("CORS_ALLOW_ORIGIN", "https://shop.example", parse::origin)?,
            log: telemetry::Settings {
                format: env.parsed("LOG_FORMAT", "auto", parse::log_format)?,
                level: env.parsed("LOG_LEVEL", "info", parse::log_level)?,
            },
            database: Database::read(&env)?,
        };
        Ok(config)
    }
}

impl Database {
    fn read(env: &Variables<'_>) -> Result<Self, ConfigError> {
        const EXAMPLE: &str = "mysql://orders:password@db:3306/orders";
        let authorities = env.optional("DATABASE_CA_FILE", "/run/secrets/database-ca.pem", parse::authorities)?;
        let opts = match env.text("DATABASE_URL_FILE") {
            Some(_) if env.text("DATABASE_URL").is_some() => {
                return Err(ConfigError::new(
                    "DATABASE_URL_FILE",
                    "is set beside DATABASE_URL; set one of them",
                    "/run/secrets/database-url",
                ));
            }
            Some(_) => env.secret("DATABASE_URL_FILE", "/run/secrets/database-url", |path| {
                parse::database_url(parse::file(path)?.trim())
            })?,
            None => env.secret("DATABASE_URL", EXAMPLE, parse::database_url)?,
        };
        if authorities.is_some() && opts.ssl_opts().is_none() {
            const PROBLEM: &str = "is set, but the database URL does not ask for TLS by require_ssl=true";
            return Err(ConfigError::new("DATABASE_CA_FILE", PROBLEM, "/run/secrets/database-ca.pem"));
        }
        Ok(Self {
            opts,
            authorities,
            pool_max: env.parsed("POOL_MAX", "10", |text| parse::count(text, 1..=1000))?,
            connect_timeout: env.parsed("CONNECT_TIMEOUT", "2s", parse::duration)?,
            statement_timeout: env.parsed("STATEMENT_TIMEOUT", "5s", parse::duration)?,
        })
    }
}

impl Limits {
    fn read(env: &Variables<'_>) -> Result<Self, ConfigError> {
        const MIB: usize = 1024 * 1024;
        let duration = |name, default| env.parsed(name, default, parse::duration);
        let count = |name, default| env.parsed(name, default, |text| parse::count(text, 1..=1_000_000));
        let max_body_bytes = env.parsed("MAX_BODY_BYTES", "32MiB", |text| parse::size(text, 1..=512 * MIB))?;
        let max_order_bytes = env.parsed("MAX_ORDER_BYTES", "64KiB", |text| parse::size(text, 1..=16 * MIB))?;
        let largest_body = max_body_bytes.max(max_order_bytes);
        Ok(Self {
            request_timeout: duration("REQUEST_TIMEOUT", "10s")?,
            batch_timeout: duration("BATCH_TIMEOUT", "60s")?,
            header_timeout: duration("HEADER_TIMEOUT", "10s")?,
            body_timeout: duration("BODY_TIMEOUT", "30s")?,
            idle_timeout: duration("IDLE_TIMEOUT", "60s")?,
            write_timeout: duration("WRITE_TIMEOUT", "30s")?,
            max_header_bytes: env.parsed("MAX_HEADER_BYTES", "16KiB", |text| parse::size(text, 1024..=48 * 1024))?,
            max_order_bytes,
            max_body_bytes,
            max_batch: count("MAX_BATCH", "100000")?,
            max_buffered_bytes: env.parsed("MAX_BUFFERED_BYTES", "64MiB", |text| {
                parse::size(text, largest_body..=1024 * MIB)
                    .map_err(|problem| format!("{problem} (the largest body must fit)"))
            })?,
            max_connections: count("MAX_CONNECTIONS", "4096")?,
            max_in_flight: count("MAX_IN_FLIGHT", "256")?,
            max_streams: count("MAX_STREAMS", "64")?,
        })
    }
}

#[cfg(test)]
mod tests;
