//! The problems of requests and of the process, which any service needs.

use std::fmt;

use hyper::StatusCode;

use super::{FieldProblem, Problem, ShedReason};

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
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Overloaded", detail);
        problem.with_retry().shed_by(ShedReason::Service)
    }

    /// The budget of memory for clients is used up.
    #[must_use]
    pub(crate) fn out_of_memory() -> Self {
        Self::overloaded("Too many bytes are held for other clients.").shed_by(ShedReason::Memory)
    }

    /// The process is shutting down.
    #[must_use]
    pub(crate) fn shutting_down() -> Self {
        let detail = "This process is shutting down. Another one will serve.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "draining", "Shutting down", detail).with_retry()
    }

    /// The migrations are not over.
    #[must_use]
    pub(crate) fn migrating() -> Self {
        let detail = "The tables are being created or changed, which goes on. GET /init waits for its end.";
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
