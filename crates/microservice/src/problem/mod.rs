//! Error responses: RFC 9457 problem details, one shape for all.
//!
//! Handlers return a [`Problem`] instead of a response. A 5xx response reveals no internals: its [`Problem::cause`] is
//! only logged, once. The types of problems that any service may have are in [`types`], their constructors in
//! `requests` and `database`. A service adds types of its own, and `impl From<ItsError> for Problem`.

mod database;
mod requests;
mod shed_reason;
pub mod types;

use std::fmt;

use hyper::StatusCode;
use hyper::header::HeaderName;
use serde::Serialize;
pub(crate) use shed_reason::ShedReason;
pub use types::ProblemType;

/// The longest detail, in characters, whatever a client sent.
pub(crate) const MAX_DETAIL_CHARS: usize = 512;

/// The media type of a problem.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// A field of a request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// The field, as in `quantity` or `[3].quantity`.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

/// An error response.
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    r#type: &'static ProblemType,
    detail: String,
    errors: Vec<FieldProblem>,
    retry_after: Option<u32>,
    allow: Option<String>,
    header: Option<(HeaderName, String)>,
    cause: Option<String>,
    closes_connection: bool,
    shed: Option<ShedReason>,
}

impl Problem {
    /// A problem of a type. `detail` says what is wrong this time.
    #[must_use]
    pub fn new(r#type: &'static ProblemType, detail: impl Into<String>) -> Self {
        let detail = detail.into().chars().take(MAX_DETAIL_CHARS).collect();
        Self(Box::new(Parts {
            r#type,
            detail,
            errors: Vec::new(),
            retry_after: None,
            allow: None,
            header: None,
            cause: None,
            closes_connection: false,
            shed: None,
        }))
    }

    /// Adds the fields at fault.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldProblem>) -> Self {
        self.0.errors = errors;
        self
    }

    /// Tells the client to try again after a second (`Retry-After`).
    #[must_use]
    pub fn with_retry(mut self) -> Self {
        self.0.retry_after = Some(1);
        self
    }

    /// Tells the client when to try again (`Retry-After`).
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Adds a header field to the response, in place of an earlier one.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: String) -> Self {
        self.0.header = Some((name, value));
        self
    }

    /// Adds the cause, for the log only.
    #[must_use]
    pub fn with_cause(mut self, cause: &dyn fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Closes the connection after the response: the rest of the request would be read as the next request.
    #[must_use]
    pub(crate) fn with_close(mut self) -> Self {
        self.0.closes_connection = true;
        self
    }

    /// The request is rejected because a bound is reached.
    #[must_use]
    pub(crate) fn shed_by(mut self, reason: ShedReason) -> Self {
        self.0.shed = Some(reason);
        self
    }

    /// The bound that is reached, where that is why the request is rejected.
    pub(crate) fn shed_reason(&self) -> Option<ShedReason> {
        self.0.shed
    }

    /// The response's status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.r#type.status
    }

    /// What is wrong this time.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// `Retry-After`, in seconds.
    pub(crate) fn retry_after(&self) -> Option<u32> {
        self.0.retry_after
    }

    /// `Allow`.
    pub(crate) fn allow(&self) -> Option<&str> {
        self.0.allow.as_deref()
    }

    /// A further header field.
    pub(crate) fn header(&self) -> Option<(&HeaderName, &str)> {
        self.0.header.as_ref().map(|(name, value)| (name, value.as_str()))
    }

    /// The cause, for the log only.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// Removes the cause, which is logged elsewhere.
    pub(crate) fn take_cause(&mut self) -> Option<String> {
        self.0.cause.take()
    }

    /// True where the connection is to be closed after the response.
    pub(crate) fn closes_connection(&self) -> bool {
        self.0.closes_connection
    }

    /// The body, as `application/problem+json`. `service` is part of the problem's `type`.
    pub(crate) fn to_json(&self, service: &str, request_id: &str) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            r#type: String,
            title: &'a str,
            status: u16,
            detail: &'a str,
            request_id: &'a str,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            errors: &'a [FieldProblem],
        }
        let Parts { r#type, detail, errors, .. } = &*self.0;
        let ProblemType { status, title, .. } = *r#type;
        let body = Body { r#type: r#type.urn(service), title, status: status.as_u16(), detail, request_id, errors };
        // Strings and a number are always valid JSON.
        serde_json::to_vec(&body).unwrap_or_default()
    }
}
