//! The orders in the database: all of the service's SQL is here.
//!
//! | module | holds |
//! |---|---|
//! | `orders` | what can be done with orders, each a transaction or a read |
//! | `statements` | the SQL |
//! | `row` | between an order and a row |
//! | `schema` | the table |
//! | `error` | what can go wrong |
//!
//! Deadlines, retries and unknown outcomes are [`microservice::database`]'s.

mod error;
mod orders;
mod row;
mod schema;
mod statements;

use microservice::database::Database;

pub use error::{InvalidRow, RepositoryError};
pub use orders::Condition;
pub use schema::SCHEMA;

/// The orders in the database.
#[derive(Clone)]
pub struct Repository {
    database: Database,
}

impl Repository {
    /// The orders in this database, which has the service's [`SCHEMA`].
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}
