//! From the service's errors to responses.

use microservice::hyper::StatusCode;
use microservice::{FieldProblem, Problem};

use crate::domain::{DecodeError, FieldError};
use crate::repository::RepositoryError;

impl From<FieldError> for FieldProblem {
    fn from(error: FieldError) -> Self {
        Self { field: error.field, detail: error.detail }
    }
}

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Self {
        DecodeError::Fields(vec![error]).into()
    }
}

impl From<DecodeError> for Problem {
    fn from(error: DecodeError) -> Self {
        let invalid_order = |detail| Self::new(StatusCode::BAD_REQUEST, "invalid-order", "Invalid order", detail);
        match error {
            DecodeError::Syntax(detail) => Self::new(StatusCode::BAD_REQUEST, "invalid-json", "Invalid JSON", detail),
            DecodeError::Shape(detail) => invalid_order(detail),
            DecodeError::Fields(errors) => {
                let detail = match errors.as_slice() {
                    [only] => format!("{} {}", only.field, only.detail),
                    [first, rest @ ..] => format!("{} {}, and {} more", first.field, first.detail, rest.len()),
                    [] => String::new(),
                };
                invalid_order(detail).with_errors(errors.into_iter().map(FieldProblem::from).collect())
            }
        }
    }
}

impl From<RepositoryError> for Problem {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::NotFound(id) => {
                let detail = format!("There is no order {id}.");
                Self::new(StatusCode::NOT_FOUND, "order-not-found", "No such order", detail)
            }
            RepositoryError::PreconditionFailed(id) => {
                let detail = format!("Order {id} does not meet If-Match or If-None-Match. It may have changed.");
                Self::new(StatusCode::PRECONDITION_FAILED, "precondition-failed", "Precondition failed", detail)
            }
            RepositoryError::Duplicate(id) => {
                let detail = id.map_or("order_id is taken".to_owned(), |id| format!("order_id {id} is taken"));
                let field = FieldProblem { field: "order_id".to_owned(), detail: "is taken".to_owned() };
                Self::new(StatusCode::CONFLICT, "duplicate-order", "Order exists already", detail)
                    .with_errors(vec![field])
            }
            RepositoryError::IdsExhausted => {
                let detail = "4294967295 was an order_id once, and the service chooses only ids above all used ones. Send an order_id.";
                Self::new(StatusCode::CONFLICT, "ids-exhausted", "No id available", detail)
            }
            RepositoryError::InvalidRow(ref row) => {
                let detail = format!(
                    "Order {} is stored with an invalid {}. Another program wrote it. Replace or delete the order.",
                    row.order_id, row.column
                );
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Self::new(status, "invalid-stored-order", "Stored order is invalid", detail).with_cause(&error)
            }
            RepositoryError::Database(error) => error.into(),
        }
    }
}
