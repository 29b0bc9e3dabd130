//! What a microservice in WebAssembly needs, apart from its subject.
//!
//! A service is a type that implements [`Service`]: a name, a table of routes, a table of variables and, if it has a
//! database, a schema. [`run`] does the rest.
//!
//! | module | what it does |
//! |---|---|
//! | [`access`] | who may do what: hosts, other sites, tokens, scopes, rate limits |
//! | [`config`] | variables from the environment: one table, typed values, plain messages |
//! | [`routes`], [`request`] | the table of routes; a request as handlers see it |
//! | [`api`] | what a route takes and returns, declared |
//! | `openapi` | the API's description (OpenAPI 3.1), from the table of routes |
//! | [`http`] | bodies, query strings, preconditions, responses, streams |
//! | `idempotency` | the key under which a client may repeat a write |
//! | [`problem`] | error responses (RFC 9457) |
//! | [`database`] | pooled connections, transactions with retries, migrations |
//! | [`operations`] | `/health`, `/ready`, `/init`, `/openapi.json`, `/drain`, `/metrics`, `/log_level` |
//! | `page` | pages for people: files that are compiled into the service (feature `pages`) |
//! | `execution` | whether the module runs as machine code or in an interpreter |
//! | `memory` | one budget for all bytes held for clients |
//! | `metrics` | what the process does, for Prometheus |
//! | `server` | connections and requests: bounds, timeouts, admission, request ids |
//! | [`shutdown`] | graceful shutdown |
//! | `telemetry` | logs |
//! | [`trace`] | the trace of a request: W3C Trace Context, spans for OpenTelemetry |
//!
//! `examples/hello.rs` is a whole service. `docs/OWN-SERVICE.md` in the repository builds one step by step.
//!
//! Calls go one way: `service → server → router → routes → {api, http, database} → idempotency → problem`.
//! The same source compiles to wasm32-wasip1 and natively; the differences are in Cargo.toml and in `platform`.

pub mod access;
pub mod api;
mod app;
pub mod config;
pub mod database;
mod execution;
pub mod http;
mod idempotency;
mod memory;
mod metrics;
mod openapi;
pub mod operations;
#[cfg(feature = "pages")]
pub mod page;
mod platform;
pub mod problem;
mod readiness;
pub mod request;
mod router;
pub mod routes;
mod server;
mod service;
mod settings;
pub mod shutdown;
mod single_flight;
mod sync;
mod telemetry;
pub mod trace;

/// What the fuzzer calls.
#[cfg(feature = "fuzzing")]
pub mod fuzzing {
    pub use crate::access::fuzzing::{access_settings, head, token};
    pub use crate::trace::fuzzing::trace;
}

pub use access::{Caller, Scope};
pub use api::Operation;
pub use hyper;
pub use memory::Reservation;
pub use problem::{FieldProblem, Problem, ProblemType};
pub use prometheus_client;
pub use request::Request;
pub use routes::{BoxFuture, HandlerResult, Route};
pub use service::{Context, Service, configure, describe, describe_operators, mistakes, problem_types, run, variables};
pub use settings::Limits;
pub use tracing;
