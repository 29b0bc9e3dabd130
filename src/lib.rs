//! The order service. What is where:
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | the environment, read once |
//! | [`telemetry`] | logs |
//! | [`server`] | connections and requests: bounds, deadlines, shedding |
//! | [`router`] | from method and path to a handler; the table of endpoints |
//! | [`handlers`] | decode, call, encode |
//! | [`domain`] | what an order is |
//! | [`repository`] | all SQL |
//! | [`drain`] | leaving cleanly |
//! | [`error`], [`response`] | what a client is told |
//!
//! Data flows one way: `main → server → router → handlers → {domain, repository}`. Calls to other services will have a room
//! of their own beside the repository, `clients`.
//!
//! The same source compiles to wasm32-wasip1 and natively; where the two differ is in Cargo.toml and in `platform`.

pub mod config;
pub mod domain;
pub mod drain;
pub mod error;
pub mod handlers;
mod platform;
pub mod repository;
mod response;
pub mod router;
pub mod server;
pub mod telemetry;
