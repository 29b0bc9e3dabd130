//! What a client is told when it does not get what it asked for: RFC 9457 problem details, one shape for all.
//!
//! Every error has one place here: its status, its stable `type`, its words. A 5xx says nothing of the inside; its cause goes
//! to the log once, where the answer leaves.

use std::fmt;

use hyper::StatusCode;
use serde::Serialize;

use crate::domain::{DecodeError, FieldError};
use crate::repository::RepositoryError;

/// Why a request was not done.
#[derive(Debug)]
pub enum Error {
    /// No endpoint has that path.
    NoSuchPath,
    /// The endpoint does not know the method; the ones it knows, for `Allow`.
    MethodNotAllowed(String),
    /// What came is no HTTP request.
    Malformed,
    /// A header is missing, wrong or contradicts another.
    InvalidHeader(&'static str),
    /// The head is larger than it may be; the most bytes it may have.
    HeadersTooLarge(usize),
    /// The query string is not what the endpoint takes.
    InvalidQuery {
        /// The parameter at fault.
        parameter: String,
        /// What is wrong with it.
        detail: &'static str,
    },
    /// The body is not of a type that is understood here.
    UnsupportedMediaType(&'static str),
    /// The body is larger than it may be; the most bytes it may have.
    BodyTooLarge(usize),
    /// The body did not come in time.
    BodyTimedOut,
    /// The body ended early or is not framed as it should be.
    BodyBroken,
    /// The body is no order.
    Decode(DecodeError),
    /// Orders may not be dropped here.
    ResetForbidden,
    /// There is more to do than can be done.
    Overloaded(&'static str),
    /// The process is leaving.
    Draining,
    /// The database did not do it.
    Repository(RepositoryError),
}

impl From<RepositoryError> for Error {
    fn from(error: RepositoryError) -> Self {
        Self::Repository(error)
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self::Decode(DecodeError::Fields(vec![error]))
    }
}

/// The most characters of a detail, whatever went into it.
const LONGEST_DETAIL: usize = 512;

/// An error in the words of RFC 9457.
pub struct Problem {
    /// The status.
    pub status: StatusCode,
    /// The last part of `type`: stable, for programs.
    pub slug: &'static str,
    /// What kind of error it is, the same for all of its type.
    pub title: &'static str,
    /// What is wrong this time.
    pub detail: String,
    /// The fields at fault.
    pub errors: Vec<FieldError>,
    /// For `Retry-After`, in seconds, where trying again is right.
    pub retry_after: Option<u32>,
    /// For `Allow`.
    pub allow: Option<String>,
}

impl Problem {
    fn new(status: StatusCode, slug: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into().chars().take(LONGEST_DETAIL).collect();
        Self { status, slug, title, detail, errors: Vec::new(), retry_after: None, allow: None }
    }

    fn retry(self) -> Self {
        Self { retry_after: Some(1), ..self }
    }

    /// The body, as `application/problem+json`.
    #[must_use]
    pub fn to_json(&self, request_id: &str) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            r#type: String,
            title: &'a str,
            status: u16,
            detail: &'a str,
            request_id: &'a str,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            errors: Vec<BodyField<'a>>,
        }
        #[derive(Serialize)]
        struct BodyField<'a> {
            field: &'a str,
            detail: &'a str,
        }
        let body = Body {
            r#type: format!("urn:order-service:problem:{}", self.slug),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            request_id,
            errors: self.errors.iter().map(|e| BodyField { field: &e.field, detail: &e.detail }).collect(),
        };
        // Strings and a number cannot fail to be JSON.
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

impl Error {
    /// What the client is told.
    #[must_use]
    pub fn problem(&self) -> Problem {
        use StatusCode as S;
        match self {
            Self::NoSuchPath => Problem::new(
                S::NOT_FOUND,
                "not-found",
                "No such path",
                "nothing is served under this path; GET / lists what is",
            ),
            Self::MethodNotAllowed(allow) => Problem {
                allow: Some(allow.clone()),
                ..Problem::new(
                    S::METHOD_NOT_ALLOWED,
                    "method-not-allowed",
                    "Method not allowed",
                    format!("this path takes {allow}"),
                )
            },
            Self::Malformed => Problem::new(
                S::BAD_REQUEST,
                "invalid-request",
                "Not an HTTP request",
                "what came cannot be read as HTTP/1.1",
            ),
            Self::InvalidHeader(detail) => Problem::new(S::BAD_REQUEST, "invalid-header", "Invalid header", *detail),
            Self::HeadersTooLarge(most) => Problem::new(
                S::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "headers-too-large",
                "Request head too large",
                format!("a request's target and headers may have {most} bytes in all, and there may be 100 headers"),
            ),
            Self::InvalidQuery { parameter, detail } => Problem {
                errors: vec![FieldError { field: parameter.clone(), detail: (*detail).to_owned() }],
                ..Problem::new(S::BAD_REQUEST, "invalid-query", "Invalid query string", format!("{parameter} {detail}"))
            },
            Self::UnsupportedMediaType(detail) => {
                Problem::new(S::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Unsupported media type", *detail)
            }
            Self::BodyTooLarge(most) => Problem::new(
                S::PAYLOAD_TOO_LARGE,
                "body-too-large",
                "Body too large",
                format!("a body may have {most} bytes here"),
            ),
            Self::BodyTimedOut => {
                Problem::new(S::REQUEST_TIMEOUT, "request-timeout", "Body too slow", "the body did not come in time")
            }
            Self::BodyBroken => Problem::new(
                S::BAD_REQUEST,
                "invalid-body",
                "Invalid body",
                "the body ended early, or its chunks are not framed as they should be",
            ),
            Self::Decode(error) => decode_problem(error),
            Self::ResetForbidden => Problem::new(
                S::FORBIDDEN,
                "reset-forbidden",
                "Reset not allowed",
                "orders are dropped only where the service is started with ALLOW_RESET=true",
            ),
            Self::Overloaded(detail) => {
                Problem::new(S::SERVICE_UNAVAILABLE, "overloaded", "Overloaded", *detail).retry()
            }
            Self::Draining => Problem::new(
                S::SERVICE_UNAVAILABLE,
                "draining",
                "Leaving",
                "this process is leaving; another will serve",
            )
            .retry(),
            Self::Repository(error) => repository_problem(error),
        }
    }

    /// What the log should say beyond the problem, where the fault is not the client's.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        match self {
            Self::Repository(error) if self.problem().status.is_server_error() => Some(error.to_string()),
            _ => None,
        }
    }
}

fn decode_problem(error: &DecodeError) -> Problem {
    match error {
        DecodeError::Syntax(detail) => Problem::new(StatusCode::BAD_REQUEST, "invalid-json", "Invalid JSON", detail),
        DecodeError::Shape(detail) => Problem::new(StatusCode::BAD_REQUEST, "invalid-order", "Invalid order", detail),
        DecodeError::Fields(errors) => {
            let detail = match errors.as_slice() {
                [only] => format!("{} {}", only.field, only.detail),
                [first, rest @ ..] => format!("{} {}, and {} more", first.field, first.detail, rest.len()),
                [] => String::new(),
            };
            Problem {
                errors: errors.clone(),
                ..Problem::new(StatusCode::BAD_REQUEST, "invalid-order", "Invalid order", detail)
            }
        }
    }
}

fn repository_problem(error: &RepositoryError) -> Problem {
    use RepositoryError as E;
    use StatusCode as S;
    let unavailable = || {
        Problem::new(
            S::SERVICE_UNAVAILABLE,
            "database-unavailable",
            "Database not available",
            "the database cannot be reached or cannot serve now; nothing was written",
        )
        .retry()
    };
    match error {
        E::NotFound(id) => {
            Problem::new(S::NOT_FOUND, "order-not-found", "No such order", format!("there is no order {id}"))
        }
        E::PreconditionFailed(id) => Problem::new(
            S::PRECONDITION_FAILED,
            "precondition-failed",
            "Precondition failed",
            format!("order {id} is not one that If-Match or If-None-Match allows: has it changed?"),
        ),
        E::Duplicate(id) => {
            let detail = match id {
                Some(id) => format!("order_id {id} is taken"),
                None => "order_id is taken".to_owned(),
            };
            Problem {
                errors: vec![FieldError { field: "order_id".to_owned(), detail: "is taken".to_owned() }],
                ..Problem::new(S::CONFLICT, "duplicate-order", "Order exists already", detail)
            }
        }
        E::IdsExhausted => Problem::new(
            S::CONFLICT,
            "ids-exhausted",
            "No id left to give",
            "4294967295 was an order_id once, and no id is given twice: send an order_id",
        ),
        E::Busy => {
            Problem::new(S::SERVICE_UNAVAILABLE, "overloaded", "Overloaded", "all connections to the database are busy")
                .retry()
        }
        E::Unavailable(_) | E::ConnectionLost(_) => unavailable(),
        E::Conflict(_) => Problem::new(
            S::SERVICE_UNAVAILABLE,
            "conflict",
            "Too many conflicting writes",
            "other writes to the same orders were in the way; nothing was written",
        )
        .retry(),
        E::TimedOut => Problem::new(
            S::GATEWAY_TIMEOUT,
            "database-timeout",
            "Database too slow",
            "the database did not answer in time; nothing was written",
        ),
        E::NotInitialised => Problem::new(
            S::SERVICE_UNAVAILABLE,
            "not-initialised",
            "Not initialised",
            "the tables are not there yet: call GET /init",
        )
        .retry(),
        E::ForeignTable => Problem::new(
            S::SERVICE_UNAVAILABLE,
            "foreign-table",
            "Not this service's table",
            "the database has a table orders of another shape, which cannot hold orders as they are",
        ),
        E::OutcomeUnknown(_) => Problem::new(
            S::SERVICE_UNAVAILABLE,
            "outcome-unknown",
            "Outcome unknown",
            "the database was lost while it committed: the write happened in full, or not at all. Look before you repeat it",
        ),
        E::Internal(_) => Problem::new(
            S::INTERNAL_SERVER_ERROR,
            "internal",
            "Internal error",
            "something went wrong inside; the log knows more",
        ),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem().detail)
    }
}

impl std::error::Error for Error {}
