//! What can go wrong with orders at the database.

use std::fmt;

use microservice::database::{DatabaseError, TransactionError};

use crate::domain::OrderId;

/// A row that another program wrote and that is no valid order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidRow {
    /// The row's order_id.
    pub order_id: u32,
    /// The column with an invalid value.
    pub column: &'static str,
}

/// Why an order was not written or read.
#[derive(Debug)]
pub enum RepositoryError {
    /// No order has this id.
    NotFound(OrderId),
    /// The order does not meet the caller's condition.
    PreconditionFailed(OrderId),
    /// An order has this id already; the id, if the database named it.
    Duplicate(Option<OrderId>),
    /// No id is above the greatest one.
    IdsExhausted,
    /// A row that another program wrote is no valid order.
    InvalidRow(InvalidRow),
    /// The database failed.
    Database(DatabaseError),
}

impl From<DatabaseError> for RepositoryError {
    fn from(error: DatabaseError) -> Self {
        match error {
            // Ids are the table's only unique key.
            DatabaseError::Duplicate(key) => Self::Duplicate(key.parse().ok().and_then(OrderId::new)),
            DatabaseError::IdsExhausted => Self::IdsExhausted,
            error => Self::Database(error),
        }
    }
}

impl From<InvalidRow> for RepositoryError {
    fn from(row: InvalidRow) -> Self {
        Self::InvalidRow(row)
    }
}

impl TransactionError for RepositoryError {
    fn database_error(&self) -> Option<&DatabaseError> {
        match self {
            Self::Database(error) => Some(error),
            Self::NotFound(_)
            | Self::PreconditionFailed(_)
            | Self::Duplicate(_)
            | Self::IdsExhausted
            | Self::InvalidRow(_) => None,
        }
    }
}

impl fmt::Display for RepositoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(id) => write!(f, "order {id} does not exist"),
            Self::PreconditionFailed(id) => write!(f, "order {id} does not meet the request's condition"),
            Self::Duplicate(Some(id)) => write!(f, "order {id} exists already"),
            Self::Duplicate(None) => f.write_str("an order with this id exists already"),
            Self::IdsExhausted => f.write_str("no order id is above the greatest one"),
            Self::InvalidRow(InvalidRow { order_id, column }) => {
                write!(f, "the row with order_id {order_id} has an invalid {column}; another program wrote it")
            }
            Self::Database(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RepositoryError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duplicate_key_is_an_order_id() {
        let duplicate = |key: &str| RepositoryError::from(DatabaseError::Duplicate(key.into()));
        assert!(matches!(duplicate("5"), RepositoryError::Duplicate(Some(id)) if id.get() == 5));
        assert!(matches!(duplicate(""), RepositoryError::Duplicate(None)));
    }
}
