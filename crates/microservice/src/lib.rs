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
//! | [`http`] | bodies, query strings, preconditions, responses, streams |
//! | [`problem`] | error responses (RFC 9457) |
//! | [`database`] | pooled connections, transactions with retries, migrations |
//! | [`operations`] | `/health`, `/ready`, `/init`, `/drain`, `/metrics` |
//! | `execution` | whether the module runs as machine code or in an interpreter |
//! | `memory` | one budget for all bytes held for clients |
//! | `metrics` | what the process does, for Prometheus |
//! | `server` | connections and requests: bounds, timeouts, admission, request ids |
//! | [`shutdown`] | graceful shutdown |
//! | `telemetry` | logs |
//!
//! `examples/hello.rs` is a whole service. `docs/OWN-SERVICE.md` in the repository builds one step by step.
//!
//! Calls go one way: `service → server → router → routes → {http, database} → problem`. The same source compiles to
//! wasm32-wasip1 and natively; the differences are in Cargo.toml and in `platform`.

pub mod access;
mod app;
pub mod config;
pub mod database;
mod execution;
pub mod http;
mod memory;
mod metrics;
pub mod operations;
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

#[cfg(feature = "fuzzing")]
pub use access::fuzzing;
pub use access::{Caller, Scope};
pub use hyper;
pub use memory::Reservation;
pub use problem::{FieldProblem, Problem};
pub use prometheus_client;
pub use request::Request;
pub use routes::{BoxFuture, HandlerResult, Route};
pub use service::{Context, Service, configure, run, variables};
pub use settings::Limits;
pub use tracing;
