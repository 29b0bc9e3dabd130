//! The kit's own variables, and the values that they set.

use std::net::SocketAddr;
use std::time::Duration;

use crate::config::{AnyVariable, ConfigError, Environment, Type, Variable, types};

const MIB: usize = 1024 * 1024;

const LISTEN_ADDR: Variable<SocketAddr> = Variable::new(
    "LISTEN_ADDR",
    types::ADDRESS,
    "0.0.0.0:8080",
    "where the service listens (`make run`: `127.0.0.1:8080`)",
);
const ADMIN_ADDR: Variable<SocketAddr> = Variable::without_default(
    "ADMIN_ADDR",
    types::ADDRESS,
    "127.0.0.1:9090",
    "where the operator's listener is (`/health`, `/ready`, `/metrics`, `/log_level`, `/drain`); never for the public",
);
const DRAIN_DELAY: Variable<Duration> = Variable::new(
    "DRAIN_DELAY",
    types::DURATION_OR_ZERO,
    "3s",
    "from `/drain` until the listener closes; `0s` closes it at once",
);
const DRAIN_TIMEOUT: Variable<Duration> =
    Variable::new("DRAIN_TIMEOUT", types::DURATION, "20s", "from then on, for requests in flight to end");
/// How a failed start ends.
pub(crate) const FATAL_EXIT: Variable<FatalExit> = Variable::new(
    "FATAL_EXIT",
    Type { name: "choice", parse: parse_fatal_exit },
    "status",
    "how a failed start ends: `status` 64 or 71, or a `trap`, for engines that lose a module's status (crun)",
);
const ALLOW_INTERPRETER: Variable<bool> = Variable::new(
    "ALLOW_INTERPRETER",
    types::BOOLEAN,
    "false",
    "`true`: no warning when WasmEdge interprets the module; set in the portable image",
);
const AUTO_INIT: Variable<bool> = Variable::new(
    "AUTO_INIT",
    types::BOOLEAN,
    "true",
    "create missing tables at the start; `false`: only `GET /init` does",
);
pub(crate) const ALLOW_RESET: Variable<bool> =
    Variable::new("ALLOW_RESET", types::BOOLEAN, "false", "let `GET /init?reset=true` drop all data");
/// Whether people can reach the pages.
#[cfg(feature = "pages")]
pub(crate) const UI: Variable<bool> =
    Variable::new("UI", types::BOOLEAN, "true", "the pages at `/ui/` and `/docs`; `false`: nobody can reach them");
const REQUEST_TIMEOUT: Variable<Duration> =
    Variable::new("REQUEST_TIMEOUT", types::DURATION, "10s", "for a request's work at the database");
const HEADER_TIMEOUT: Variable<Duration> =
    Variable::new("HEADER_TIMEOUT", types::DURATION, "10s", "from a request's first byte to the end of its head");
const BODY_TIMEOUT: Variable<Duration> = Variable::new(
    "BODY_TIMEOUT",
    types::DURATION,
    "30s",
    "to receive a body; for `POST /echo` to receive its next chunk",
);
const IDLE_TIMEOUT: Variable<Duration> =
    Variable::new("IDLE_TIMEOUT", types::DURATION, "60s", "a connection without a request is closed");
const WRITE_TIMEOUT: Variable<Duration> =
    Variable::new("WRITE_TIMEOUT", types::DURATION, "30s", "a client that reads nothing of a response is disconnected");
const MAX_HEADER_BYTES: Variable<usize> = Variable::new(
    "MAX_HEADER_BYTES",
    types::size::<1024, { 48 * 1024 }>(),
    "16KiB",
    "a request's target and headers; 1–48 KiB",
);
const MAX_BODY_BYTES: Variable<usize> =
    Variable::new("MAX_BODY_BYTES", types::size::<1, { 512 * MIB }>(), "32MiB", "the largest body");
const MAX_BUFFERED_BYTES: Variable<usize> = Variable::new(
    "MAX_BUFFERED_BYTES",
    types::size::<1, { 1024 * MIB }>(),
    "40MiB",
    "bodies, responses and heads held for all clients at one time, beside 16 MiB for small ones; at least the largest body",
);
const MIN_RATE: Variable<usize> = Variable::new(
    "MIN_RATE",
    types::size::<1, MIB>(),
    "1KiB",
    "a second: a client that lags behind this by `BODY_TIMEOUT` with a body, or by `WRITE_TIMEOUT` with a response, is disconnected",
);
const MAX_CONNECTIONS: Variable<usize> = Variable::new(
    "MAX_CONNECTIONS",
    types::count::<1, 1_000_000>(),
    "4096",
    "client connections; further ones get 503 and are closed",
);
const MAX_IN_FLIGHT: Variable<usize> = Variable::new(
    "MAX_IN_FLIGHT",
    types::count::<1, 1_000_000>(),
    "256",
    "requests in flight; further ones get 503 at once",
);
const MAX_STREAMS: Variable<usize> =
    Variable::new("MAX_STREAMS", types::count::<1, 1_000_000>(), "64", "long responses that are streamed at one time");
pub(crate) const CORS_ALLOW_ORIGIN: Variable<String> = Variable::without_default(
    "CORS_ALLOW_ORIGIN",
    types::ORIGIN,
    "https://shop.example",
    "one origin, or `*`, that browsers may call from",
);

/// The variables of the process: where it listens and how it ends.
pub(crate) const PROCESS_VARIABLES: &[&dyn AnyVariable] = &[
    &LISTEN_ADDR,
    &ADMIN_ADDR,
    #[cfg(feature = "pages")]
    &UI,
    &DRAIN_DELAY,
    &DRAIN_TIMEOUT,
    &FATAL_EXIT,
    &ALLOW_INTERPRETER,
];

/// The variables of services with a database.
pub(crate) const SCHEMA_VARIABLES: &[&dyn AnyVariable] = &[&AUTO_INIT, &ALLOW_RESET];

/// The variables that bound clients.
pub(crate) const LIMIT_VARIABLES: &[&dyn AnyVariable] = &[
    &REQUEST_TIMEOUT,
    &HEADER_TIMEOUT,
    &BODY_TIMEOUT,
    &IDLE_TIMEOUT,
    &WRITE_TIMEOUT,
    &MAX_HEADER_BYTES,
    &MAX_BODY_BYTES,
    &MAX_BUFFERED_BYTES,
    &MIN_RATE,
    &MAX_CONNECTIONS,
    &MAX_IN_FLIGHT,
    &MAX_STREAMS,
    &CORS_ALLOW_ORIGIN,
];

/// How a failed start ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FatalExit {
    /// With a status.
    Status,
    /// By a trap. crun's WasmEdge handler turns every status of a module into 0, but a trap into 1.
    Trap,
}

fn parse_fatal_exit(text: &str) -> Result<FatalExit, String> {
    match text {
        "status" => Ok(FatalExit::Status),
        "trap" => Ok(FatalExit::Trap),
        _ => Err("must be status or trap".into()),
    }
}

/// How the process listens, starts and ends.
#[derive(Debug, Clone)]
pub(crate) struct ProcessSettings {
    pub(crate) listen_addr: SocketAddr,
    pub(crate) admin_addr: Option<SocketAddr>,
    pub(crate) drain_delay: Duration,
    pub(crate) drain_timeout: Duration,
    /// The module is interpreted on purpose.
    pub(crate) allow_interpreter: bool,
    /// Create missing tables at the start.
    pub(crate) auto_init: bool,
}

impl ProcessSettings {
    pub(crate) fn read(environment: &Environment<'_>, has_database: bool) -> Result<Self, ConfigError> {
        Ok(Self {
            listen_addr: environment.get(&LISTEN_ADDR)?,
            admin_addr: environment.find(&ADMIN_ADDR)?,
            drain_delay: environment.get(&DRAIN_DELAY)?,
            drain_timeout: environment.get(&DRAIN_TIMEOUT)?,
            allow_interpreter: environment.get(&ALLOW_INTERPRETER)?,
            auto_init: has_database && environment.get(&AUTO_INIT)?,
        })
    }
}

/// Bounds on clients.
#[derive(Debug, Clone)]
pub struct Limits {
    /// For a request's work at the database.
    pub request_timeout: Duration,
    /// From a request's first byte to the end of its head.
    pub header_timeout: Duration,
    /// To receive a body.
    pub body_timeout: Duration,
    /// For a connection without a request.
    pub idle_timeout: Duration,
    /// For a client that reads nothing of its response.
    pub write_timeout: Duration,
    /// A request's target and headers, in bytes.
    pub max_header_bytes: usize,
    /// A body, in bytes.
    pub max_body_bytes: usize,
    /// Bodies, responses and heads held for all clients, in bytes, beside the part for small ones.
    pub max_buffered_bytes: usize,
    /// The least that a client must send of a body or take of a response, in bytes a second.
    pub min_rate: usize,
    /// Client connections.
    pub max_connections: usize,
    /// Requests in flight.
    pub max_in_flight: usize,
    /// Responses that are streamed.
    pub max_streams: usize,
}

impl Limits {
    pub(crate) fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let max_body_bytes = environment.get(&MAX_BODY_BYTES)?;
        let max_buffered_bytes = environment.get(&MAX_BUFFERED_BYTES)?;
        let is_given = environment.is_set(&MAX_BUFFERED_BYTES);
        let limits = Self {
            request_timeout: environment.get(&REQUEST_TIMEOUT)?,
            header_timeout: environment.get(&HEADER_TIMEOUT)?,
            body_timeout: environment.get(&BODY_TIMEOUT)?,
            idle_timeout: environment.get(&IDLE_TIMEOUT)?,
            write_timeout: environment.get(&WRITE_TIMEOUT)?,
            max_header_bytes: environment.get(&MAX_HEADER_BYTES)?,
            max_body_bytes,
            max_buffered_bytes: if is_given { max_buffered_bytes } else { max_buffered_bytes.max(max_body_bytes) },
            min_rate: environment.get(&MIN_RATE)?,
            max_connections: environment.get(&MAX_CONNECTIONS)?,
            max_in_flight: environment.get(&MAX_IN_FLIGHT)?,
            max_streams: environment.get(&MAX_STREAMS)?,
        };
        if limits.max_buffered_bytes < limits.max_body_bytes {
            let problem = format!(
                "is {} bytes, but must hold the largest body, which MAX_BODY_BYTES allows {} bytes",
                limits.max_buffered_bytes, limits.max_body_bytes
            );
            return Err(ConfigError::new(&MAX_BUFFERED_BYTES, &problem));
        }
        Ok(limits)
    }
}
