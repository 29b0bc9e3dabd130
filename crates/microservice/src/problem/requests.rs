//! The problems of requests and of the process, which any service needs.

use std::fmt;

use super::{FieldProblem, Problem, ShedReason, types};

impl Problem {
    /// No route has the path.
    #[must_use]
    pub fn path_not_found() -> Self {
        let detail = "No route has this path. GET / lists the routes.";
        Self::new(&types::NOT_FOUND, detail)
    }

    /// The route does not take the method. `allow` lists the methods that it takes.
    #[must_use]
    pub(crate) fn method_not_allowed(allow: String) -> Self {
        let detail = format!("This path accepts {allow}.");
        let mut problem = Self::new(&types::METHOD_NOT_ALLOWED, detail);
        problem.0.allow = Some(allow);
        problem
    }

    /// The bytes are no HTTP request.
    #[must_use]
    pub(crate) fn malformed_request() -> Self {
        let detail = "The request is not valid HTTP/1.1.";
        Self::new(&types::INVALID_REQUEST, detail)
    }

    /// A header is missing, wrong or contradicts another. Such a head may hide a second request, so the connection is
    /// closed.
    #[must_use]
    pub fn invalid_header(detail: &'static str) -> Self {
        Self::new(&types::INVALID_HEADER, detail).with_close()
    }

    /// The head is larger than `max` bytes.
    #[must_use]
    pub(crate) fn headers_too_large(max: usize) -> Self {
        let detail = format!("A request's target and headers may have {max} bytes together, in at most 100 headers.");
        Self::new(&types::HEADERS_TOO_LARGE, detail)
    }

    /// A parameter of the query string is wrong.
    #[must_use]
    pub fn invalid_query(parameter: &str, detail: &str) -> Self {
        let errors = vec![FieldProblem { field: parameter.to_owned(), detail: detail.to_owned() }];
        let detail = format!("{parameter} {detail}");
        Self::new(&types::INVALID_QUERY, detail).with_errors(errors)
    }

    /// The body has a type that the route does not take.
    #[must_use]
    pub fn unsupported_media_type(detail: &'static str) -> Self {
        Self::new(&types::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// The body is larger than `max` bytes.
    #[must_use]
    pub(crate) fn body_too_large(max: usize) -> Self {
        let detail = format!("The body may have {max} bytes here.");
        Self::new(&types::BODY_TOO_LARGE, detail).with_close()
    }

    /// The body did not arrive in time.
    #[must_use]
    pub(crate) fn body_timeout() -> Self {
        let detail = "The body did not arrive in time.";
        Self::new(&types::REQUEST_TIMEOUT, detail).with_close()
    }

    /// The body ended early or has a wrong framing.
    #[must_use]
    pub(crate) fn broken_body() -> Self {
        let detail = "The body ended early, or its chunks are malformed.";
        Self::new(&types::INVALID_BODY, detail).with_close()
    }

    /// The body is not JSON, or not of the expected shape.
    #[must_use]
    pub fn invalid_json(detail: String) -> Self {
        Self::new(&types::INVALID_JSON, detail)
    }

    /// A bound on work or memory is reached.
    #[must_use]
    pub fn overloaded(detail: &'static str) -> Self {
        let problem = Self::new(&types::OVERLOADED, detail);
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
        Self::new(&types::DRAINING, detail).with_retry()
    }

    /// The migrations are not over.
    #[must_use]
    pub(crate) fn migrating() -> Self {
        let detail = "The tables are being created or changed, which goes on. GET /init waits for its end.";
        Self::new(&types::NOT_INITIALISED, detail).with_retry()
    }

    /// The check of readiness took too long.
    #[must_use]
    pub(crate) fn readiness_timeout() -> Self {
        let detail = "The database did not respond in time.";
        Self::new(&types::DATABASE_TIMEOUT, detail)
    }

    /// `GET /init?reset=true` is not allowed.
    #[must_use]
    pub(crate) fn reset_forbidden() -> Self {
        let detail = "The data may be dropped only where the service runs with ALLOW_RESET=true.";
        Self::new(&types::RESET_FORBIDDEN, detail)
    }

    /// A fault of the service. `cause` goes to the log.
    #[must_use]
    pub fn internal(cause: &dyn fmt::Display) -> Self {
        let detail = "An internal error occurred. Quote the request id.";
        Self::new(&types::INTERNAL, detail).with_cause(cause)
    }
}
