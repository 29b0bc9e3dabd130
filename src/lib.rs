//! The order service, on the kit in `crates/microservice`.
//!
//! | module | what it holds |
//! |---|---|
//! | [`service`] | the service: its name, its tables, its state |
//! | [`routes`] | the table of routes |
//! | [`variables`] | the service's own variables |
//! | [`handlers`] | decode, call the repository, encode |
//! | [`domain`] | what an order is |
//! | [`repository`] | all SQL |
//! | [`problems`] | from errors to responses |
//!
//! Calls go one way: `routes → handlers → {domain, repository}`. `domain` knows no HTTP and no SQL; `repository` knows
//! no HTTP.

pub mod domain;
pub mod handlers;
pub mod problems;
pub mod repository;
pub mod routes;
pub mod service;
pub mod variables;

pub use service::OrderService;

#[cfg(test)]
mod configuration_tests;
#[cfg(test)]
mod pages_tests;
