//! From the service's errors to responses.

use microservice::hyper::StatusCode;
use microservice::problem::{ProblemType, types};
use microservice::{FieldProblem, Problem};

use crate::domain::{DecodeError, FieldError};
use crate::repository::RepositoryError;

/// The body is JSON, but not an order.
pub(crate) const INVALID_ORDER: ProblemType =
    ProblemType::new(StatusCode::BAD_REQUEST, "invalid-order", "Invalid order", "the body is JSON, but not an order")
        .advice("correct the fields in `errors`");

/// No order has the id.
pub(crate) const ORDER_NOT_FOUND: ProblemType =
    ProblemType::new(StatusCode::NOT_FOUND, "order-not-found", "No such order", "no order has that id");

/// The id is taken.
pub(crate) const DUPLICATE_ORDER: ProblemType = ProblemType::new(
    StatusCode::CONFLICT,
    "duplicate-order",
    "Order exists already",
    "the id is taken; `detail` has the id, in a batch too",
);

/// A row is no valid order.
pub(crate) const INVALID_STORED_ORDER: ProblemType = ProblemType::new(
    StatusCode::INTERNAL_SERVER_ERROR,
    "invalid-stored-order",
    "Stored order is invalid",
    "another program wrote a row that is no valid order; `detail` has its id and the field",
)
.advice("replace or delete the order");

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
        let invalid_order = |detail| Self::new(&INVALID_ORDER, detail);
        match error {
            DecodeError::Syntax(detail) => Self::new(&types::INVALID_JSON, detail),
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
                Self::new(&ORDER_NOT_FOUND, detail)
            }
            RepositoryError::PreconditionFailed(id) => {
                let detail = format!("Order {id} does not meet If-Match or If-None-Match. It may have changed.");
                Self::new(&types::PRECONDITION_FAILED, detail)
            }
            RepositoryError::Duplicate(id) => {
                let detail = id.map_or("order_id is taken".to_owned(), |id| format!("order_id {id} is taken"));
                let field = FieldProblem { field: "order_id".to_owned(), detail: "is taken".to_owned() };
                Self::new(&DUPLICATE_ORDER, detail).with_errors(vec![field])
            }
            RepositoryError::IdsExhausted => {
                let detail = "4294967295 was an order_id once, and the service chooses only ids above all used ones. Send an order_id.";
                Self::new(&types::IDS_EXHAUSTED, detail)
            }
            RepositoryError::InvalidRow(ref row) => {
                let detail = format!(
                    "Order {} is stored with an invalid {}. Another program wrote it. Replace or delete the order.",
                    row.order_id, row.column
                );
                Self::new(&INVALID_STORED_ORDER, detail).with_cause(&error)
            }
            RepositoryError::Database(error) => error.into(),
        }
    }
}
