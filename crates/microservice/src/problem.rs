//! Error responses: RFC 9457 problem details, one shape for all.
//!
//! Handlers return a [`Problem`] instead of a response. A 5xx response reveals no internals: its [`Problem::cause`] is
//! only logged, once. The problems that any service needs are constructors here; a service adds its own by
//! `impl From<ItsError> for Problem`.

use std::fmt;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::HeaderName;
use serde::Serialize;

use crate::database::DatabaseError;

/// The longest detail, in characters, whatever a client sent.
const MAX_DETAIL_CHARS: usize = 512;

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
    status: StatusCode,
    slug: &'static str,
    title: &'static str,
    detail: String,
    errors: Vec<FieldProblem>,
    retry_after: Option<u32>,
    allow: Option<String>,
    header: Option<(HeaderName, String)>,
    cause: Option<String>,
    closes_connection: bool,
}

impl Problem {
    /// `slug` is the last part of the problem's `type`: it is stable, for programs. `title` is the same for all
    /// problems of that type. `detail` says what is wrong this time.
    #[must_use]
    pub fn new(status: StatusCode, slug: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into().chars().take(MAX_DETAIL_CHARS).collect();
        Self(Box::new(Parts {
            status,
            slug,
            title,
            detail,
            errors: Vec::new(),
            retry_after: None,
            allow: None,
            header: None,
            cause: None,
            closes_connection: false,
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

    /// The response's status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
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
        let Parts { status, slug, title, detail, errors, .. } = &*self.0;
        let r#type = format!("urn:{service}:problem:{slug}");
        let body = Body { r#type, title, status: status.as_u16(), detail, request_id, errors };
        // Strings and a number are always valid JSON.
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

/// The problems of requests.
impl Problem {
    /// No route has the path.
    #[must_use]
    pub fn path_not_found() -> Self {
        let detail = "No route has this path. GET / lists the routes.";
        Self::new(StatusCode::NOT_FOUND, "not-found", "No such path", detail)
    }

    /// The route does not take the method. `allow` lists the methods that it takes.
    #[must_use]
    pub(crate) fn method_not_allowed(allow: String) -> Self {
        let detail = format!("This path accepts {allow}.");
        let mut problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", detail);
        problem.0.allow = Some(allow);
        problem
    }

    /// The bytes are no HTTP request.
    #[must_use]
    pub(crate) fn malformed_request() -> Self {
        let detail = "The request is not valid HTTP/1.1.";
        Self::new(StatusCode::BAD_REQUEST, "invalid-request", "Not an HTTP request", detail)
    }

    /// A header is missing, wrong or contradicts another. Such a head may hide a second request, so the connection is
    /// closed.
    #[must_use]
    pub fn invalid_header(detail: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-header", "Invalid header", detail).with_close()
    }

    /// The head is larger than `max` bytes.
    #[must_use]
    pub(crate) fn headers_too_large(max: usize) -> Self {
        let detail = format!("A request's target and headers may have {max} bytes together, in at most 100 headers.");
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        Self::new(status, "headers-too-large", "Request head too large", detail)
    }

    /// A parameter of the query string is wrong.
    #[must_use]
    pub fn invalid_query(parameter: &str, detail: &str) -> Self {
        let errors = vec![FieldProblem { field: parameter.to_owned(), detail: detail.to_owned() }];
        let detail = format!("{parameter} {detail}");
        Self::new(StatusCode::BAD_REQUEST, "invalid-query", "Invalid query string", detail).with_errors(errors)
    }

    /// The body has a type that the route does not take.
    #[must_use]
    pub fn unsupported_media_type(detail: &'static str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Unsupported media type", detail)
    }

    /// The body is larger than `max` bytes.
    #[must_use]
    pub(crate) fn body_too_large(max: usize) -> Self {
        let detail = format!("The body may have {max} bytes here.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "Body too large", detail).with_close()
    }

    /// The body did not arrive in time.
    #[must_use]
    pub(crate) fn body_timeout() -> Self {
        let detail = "The body did not arrive in time.";
        Self::new(StatusCode::REQUEST_TIMEOUT, "request-timeout", "Body too slow", detail).with_close()
    }

    /// The body ended early or has a wrong framing.
    #[must_use]
    pub(crate) fn broken_body() -> Self {
        let detail = "The body ended early, or its chunks are malformed.";
        Self::new(StatusCode::BAD_REQUEST, "invalid-body", "Invalid body", detail).with_close()
    }

    /// The body is not JSON, or not of the expected shape.
    #[must_use]
    pub fn invalid_json(detail: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-json", "Invalid JSON", detail)
    }

    /// A bound on work or memory is reached.
    #[must_use]
    pub fn overloaded(detail: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Overloaded", detail).with_retry()
    }

    /// The budget of memory for clients is used up.
    #[must_use]
    pub(crate) fn out_of_memory() -> Self {
        Self::overloaded("Too many bytes are held for other clients.")
    }

    /// The process is shutting down.
    #[must_use]
    pub(crate) fn shutting_down() -> Self {
        let detail = "This process is shutting down. Another one will serve.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "draining", "Shutting down", detail).with_retry()
    }

    /// The migrations at the start are not over.
    #[must_use]
    pub(crate) fn migrating() -> Self {
        let detail = "The tables are being created or changed. This process will be ready after that.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not-initialised", "Not initialised", detail).with_retry()
    }

    /// The check of readiness took too long.
    #[must_use]
    pub(crate) fn readiness_timeout() -> Self {
        let detail = "The database did not respond in time.";
        Self::new(StatusCode::GATEWAY_TIMEOUT, "database-timeout", "Database too slow", detail)
    }

    /// `GET /init?reset=true` is not allowed.
    #[must_use]
    pub(crate) fn reset_forbidden() -> Self {
        let detail = "The data may be dropped only where the service runs with ALLOW_RESET=true.";
        Self::new(StatusCode::FORBIDDEN, "reset-forbidden", "Reset not allowed", detail)
    }

    /// A fault of the service. `cause` goes to the log.
    #[must_use]
    pub fn internal(cause: &dyn fmt::Display) -> Self {
        let detail = "An internal error occurred. Quote the request id.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error", detail).with_cause(cause)
    }
}

/// The duration for `Retry-After`: in whole seconds, at least one.
fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        use DatabaseError as E;
        let unavailable = |slug, title, detail| Self::new(StatusCode::SERVICE_UNAVAILABLE, slug, title, detail);
        let problem = match &error {
            E::Busy { wait } => unavailable("overloaded", "Overloaded", "All connections to the database are busy.")
                .with_retry_after(whole_seconds(*wait)),
            E::Unavailable(_) | E::ConnectionLost(_) => unavailable(
                "database-unavailable",
                "Database not available",
                "The database cannot be reached or cannot serve now. Nothing was written.",
            )
            .with_retry(),
            E::Conflict(_) => unavailable(
                "conflict",
                "Too many conflicting writes",
                "Other writes to the same data were in the way. Nothing was written.",
            )
            .with_retry(),
            E::TimedOut => Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                "database-timeout",
                "Database too slow",
                "The database did not respond in time. Nothing was written.",
            ),
            E::NotInitialised => {
                unavailable("not-initialised", "Not initialised", "The tables do not exist yet: call GET /init.")
                    .with_retry()
            }
            E::IncompatibleTable(_) => unavailable(
                "foreign-table",
                "Not this service's table",
                "The database has a table of the name that this service needs, but with other columns or without \
                 transactions. The log has advice.",
            ),
            E::OutcomeUnknown(_) => unavailable(
                "outcome-unknown",
                "Outcome unknown",
                "The database was lost during COMMIT: the write happened in full or not at all. Check before you repeat it.",
            ),
            E::SchemaOutcomeUnknown(_) => unavailable(
                "outcome-unknown",
                "Outcome unknown",
                "The database was lost while tables were dropped or created. Some may be missing: call GET /init again.",
            ),
            E::StatementTooLarge => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "statement-too-large",
                "Statement too large",
                "The database does not accept statements of this size. Nothing was written. The log says what to set.",
            ),
            E::Duplicate(_) => Self::new(StatusCode::CONFLICT, "duplicate", "Exists already", "The key is taken."),
            E::IdsExhausted => Self::new(
                StatusCode::CONFLICT,
                "ids-exhausted",
                "No id available",
                "No id is left above the greatest one that was used. Send an id.",
            ),
            E::Internal(_) => return Self::internal(&error),
        };
        if problem.status().is_server_error() { problem.with_cause(&error) } else { problem }
    }
}
