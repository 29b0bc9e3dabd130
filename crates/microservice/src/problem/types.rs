//! The types of problems that any service may have: of requests, of access, of the process, of the database.

use hyper::StatusCode;

/// What all problems of a type have in common. A `type` is stable: programs decide by it.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemType {
    /// The response's status.
    pub status: StatusCode,
    /// The last part of the `type`, as in `body-too-large`. Unique among all types of a service.
    pub slug: &'static str,
    /// The type in a few words.
    pub title: &'static str,
    /// When a response has this type, in Markdown.
    pub meaning: &'static str,
    /// What the client should do, in Markdown. Empty where there is nothing to say.
    pub advice: &'static str,
}

impl ProblemType {
    /// A type without advice.
    #[must_use]
    pub const fn new(status: StatusCode, slug: &'static str, title: &'static str, meaning: &'static str) -> Self {
        Self { status, slug, title, meaning, advice: "" }
    }

    /// The same type with advice.
    #[must_use]
    pub const fn advice(self, advice: &'static str) -> Self {
        Self { advice, ..self }
    }

    /// The type's row in a table of Markdown: status, slug, meaning, advice.
    #[must_use]
    pub fn markdown_row(&self) -> String {
        let Self { status, slug, meaning, advice, .. } = self;
        let row = format!("| {} | `{slug}` | {meaning} | {advice} |", status.as_u16());
        row.replace("|  |", "| |")
    }

    /// The whole `type`: a URN of the service.
    pub(crate) fn urn(&self, service: &str) -> String {
        format!("urn:{service}:problem:{}", self.slug)
    }
}

const RETRY_LATER: &str = "retry after `Retry-After`";

/// Declares types as constants: name, status, slug, title, meaning, and advice where there is some.
macro_rules! types {
    ($($name:ident: $status:ident, $slug:literal, $title:literal, $meaning:literal $(, $advice:expr)?;)+) => {
        $(
            #[doc = concat!("`", $slug, "`: ", $meaning, ".")]
            pub const $name: ProblemType =
                ProblemType::new(StatusCode::$status, $slug, $title, $meaning)$(.advice($advice))?;
        )+
    };
}

types! {
    INVALID_REQUEST: BAD_REQUEST, "invalid-request", "Not an HTTP request", "the request is not valid HTTP/1.1";
    INVALID_HEADER: BAD_REQUEST, "invalid-header", "Invalid header",
        "`Host` missing or twice; both `Transfer-Encoding` and `Content-Length`; a malformed `If-Match`, \
         `If-None-Match` or `Idempotency-Key`; `Authorization` twice";
    INVALID_QUERY: BAD_REQUEST, "invalid-query", "Invalid query string",
        "a parameter is unknown, repeated, missing or invalid";
    INVALID_BODY: BAD_REQUEST, "invalid-body", "Invalid body", "the body ended early or its chunks are invalid";
    INVALID_JSON: BAD_REQUEST, "invalid-json", "Invalid JSON", "the body is not JSON; `detail` has line and column";
    TOKEN_REQUIRED: UNAUTHORIZED, "token-required", "Token required", "the call needs a token, and there is none",
        "send `Authorization: Bearer …`";
    INVALID_TOKEN: UNAUTHORIZED, "invalid-token", "Invalid token",
        "the token is unknown, expired, malformed or not for this service", "get a new one";
    INSUFFICIENT_SCOPE: FORBIDDEN, "insufficient-scope", "Scope missing",
        "the token does not have the scope that `WWW-Authenticate` names";
    CROSS_SITE_REQUEST: FORBIDDEN, "cross-site-request", "Cross-site request",
        "a page of another site made a browser send a write, or a browser prefetches it";
    RESET_FORBIDDEN: FORBIDDEN, "reset-forbidden", "Reset not allowed", "`?reset=true` without `ALLOW_RESET=true`";
    NOT_FOUND: NOT_FOUND, "not-found", "No such path", "no such path";
    METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", "`Allow` has the methods";
    REQUEST_TIMEOUT: REQUEST_TIMEOUT, "request-timeout", "Body too slow", "the body did not come within `BODY_TIMEOUT`";
    DUPLICATE: CONFLICT, "duplicate", "Exists already", "the key is taken";
    REQUEST_IN_PROGRESS: CONFLICT, "request-in-progress", "Request under way",
        "a request with the same `Idempotency-Key` is under way", RETRY_LATER;
    IDS_EXHAUSTED: CONFLICT, "ids-exhausted", "No id available",
        "4294967295 has been used; the service chooses only ids above all used ones", "send an id";
    PRECONDITION_FAILED: PRECONDITION_FAILED, "precondition-failed", "Precondition failed",
        "the resource does not meet `If-Match` or `If-None-Match`", "read it again";
    BODY_TOO_LARGE: PAYLOAD_TOO_LARGE, "body-too-large", "Body too large",
        "the body is larger than the call accepts; `detail` has the bound";
    UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Unsupported media type",
        "not JSON, not UTF-8, or compressed";
    UNKNOWN_HOST: MISDIRECTED_REQUEST, "unknown-host", "Unknown host", "the host name is not in `ALLOWED_HOSTS`";
    IDEMPOTENCY_KEY_REUSED: UNPROCESSABLE_ENTITY, "idempotency-key-reused", "Key of another request",
        "the `Idempotency-Key` is that of a request with another method, path, query or body",
        "choose a new key for each request";
    RATE_LIMITED: TOO_MANY_REQUESTS, "rate-limited", "Too many requests",
        "too many requests of this address or caller", RETRY_LATER;
    HEADERS_TOO_LARGE: REQUEST_HEADER_FIELDS_TOO_LARGE, "headers-too-large", "Request head too large",
        "above `MAX_HEADER_BYTES`, or more than 100 headers";
    INTERNAL: INTERNAL_SERVER_ERROR, "internal", "Internal error", "an internal error",
        "report it with its `request_id`";
    STATEMENT_TOO_LARGE: INTERNAL_SERVER_ERROR, "statement-too-large", "Statement too large",
        "the database's `max_allowed_packet` is too small; nothing was written", "the operator raises it";
    OVERLOADED: SERVICE_UNAVAILABLE, "overloaded", "Overloaded",
        "too many requests, connections, streams or bytes held for clients, or no free database connection",
        RETRY_LATER;
    DATABASE_UNAVAILABLE: SERVICE_UNAVAILABLE, "database-unavailable", "Database not available",
        "the database cannot be reached or cannot serve; nothing was written", RETRY_LATER;
    CONFLICTING_WRITES: SERVICE_UNAVAILABLE, "conflict", "Too many conflicting writes",
        "other writes conflicted, eight times; nothing was written", RETRY_LATER;
    NOT_INITIALISED: SERVICE_UNAVAILABLE, "not-initialised", "Not initialised",
        "the tables do not exist, or are being created or changed",
        "`GET /init`, or wait until the service has started";
    DRAINING: SERVICE_UNAVAILABLE, "draining", "Shutting down", "`/ready` only: the process shuts down",
        "use another replica";
    FOREIGN_TABLE: SERVICE_UNAVAILABLE, "foreign-table", "Not this service's table",
        "the database has a table of the name that the service needs, but with other columns, or with a storage engine \
         without transactions",
        "give the service a database of its own, or take the table over";
    OUTCOME_UNKNOWN: SERVICE_UNAVAILABLE, "outcome-unknown", "Outcome unknown",
        "the database was lost during a COMMIT: written in full or not at all; for `GET /init`, while tables were \
         dropped or created: some may be missing",
        "repeat it with the same `Idempotency-Key`; without one check before you repeat it; repeat `GET /init`";
    DATABASE_TIMEOUT: GATEWAY_TIMEOUT, "database-timeout", "Database too slow",
        "it took longer than `STATEMENT_TIMEOUT` or `REQUEST_TIMEOUT`; nothing was written";
}

/// What can go wrong with a read of the database.
pub const DATABASE_READ: &[&ProblemType] = &[
    &OVERLOADED,
    &DATABASE_UNAVAILABLE,
    &CONFLICTING_WRITES,
    &NOT_INITIALISED,
    &FOREIGN_TABLE,
    &DATABASE_TIMEOUT,
    &INTERNAL,
];

/// What else can go wrong with a transaction that writes.
pub const DATABASE_WRITE: &[&ProblemType] = &[&STATEMENT_TOO_LARGE, &OUTCOME_UNKNOWN];
