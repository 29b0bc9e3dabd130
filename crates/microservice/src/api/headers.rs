//! The header fields that any service has.

use super::HeaderType;

/// A request's precondition.
pub const IF_MATCH: HeaderType = HeaderType::text(
    "If-Match",
    "\"0c4bf59bd9f2f7b19dd3dd4c5fc1a5b6\"",
    "Entity tags, one of which the resource must have, or `*` (RFC 9110 §13.1.1). Otherwise the response is 412.",
);

/// A request's precondition.
pub const IF_NONE_MATCH: HeaderType = HeaderType::text(
    "If-None-Match",
    "\"5b6f0c4bf59bd9f2f7b19dd3dd4c5fc1\"",
    "Entity tags that the resource must not have, or `*` (RFC 9110 §13.1.2). Otherwise a read gets 304, a write 412.",
);

/// The key under which a write may be repeated.
pub const IDEMPOTENCY_KEY: HeaderType = HeaderType::text(
    "Idempotency-Key",
    "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"",
    "A key of the client's choice, a new one for each request, such as a UUID. The same request with the same key gets \
     the response to the first one, and writes nothing. A quoted string of 1 to 255 printable ASCII characters; a token \
     needs no quotes.",
)
.with_schema(
    r#"{"type":"string","pattern":"^(\"([ !#-\\[\\]-~]|\\\\[\"\\\\]){1,255}\"|[!#$%&'*+.^_`|~:/=0-9A-Za-z-]{1,255})$"}"#,
);

/// The response is that to an earlier request.
pub const IDEMPOTENCY_REPLAYED: HeaderType = HeaderType::text(
    "Idempotency-Replayed",
    "true",
    "The response is that to the first request with this `Idempotency-Key`: this one wrote nothing.",
)
.with_schema(r#"{"const":"true"}"#);

/// The request's id, from the client.
pub const REQUEST_ID_OF_CLIENT: HeaderType = HeaderType::text(
    "X-Request-Id",
    "shop-5efe0468",
    "The request's id in the response and the log: 1 to 64 of `A-Z a-z 0-9 . _ -`. Other values are replaced.",
);

/// The request's trace.
pub const TRACEPARENT: HeaderType = HeaderType::text(
    "traceparent",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "The caller's trace ([W3C Trace Context](https://www.w3.org/TR/trace-context/)). An invalid value is ignored.",
);

/// More of the request's trace.
pub const TRACESTATE: HeaderType = HeaderType::text(
    "tracestate",
    "shop=1",
    "What other tracing systems know of the trace. An invalid value is ignored.",
);

/// What the response was to.
pub const REQUEST_ID: HeaderType =
    HeaderType::text("X-Request-Id", "shop-5efe0468", "The request's id. The log has it too.").always();

/// No cache keeps a response.
pub const CACHE_CONTROL: HeaderType =
    HeaderType::text("Cache-Control", "no-store", "No cache may keep the response, unless it says otherwise.").always();

/// No browser guesses a type.
pub const X_CONTENT_TYPE_OPTIONS: HeaderType = HeaderType::text(
    "X-Content-Type-Options",
    "nosniff",
    "A browser takes the response for nothing but its `Content-Type`.",
)
.always()
.with_schema(r#"{"const":"nosniff"}"#);

/// The representation's tag.
pub const ETAG: HeaderType = HeaderType::text(
    "ETag",
    "\"0c4bf59bd9f2f7b19dd3dd4c5fc1a5b6\"",
    "The representation's entity tag: a hash of its bytes, the same on every replica.",
)
.always()
.with_schema(r#"{"type":"string","pattern":"^\"[0-9a-f]{32}\"$"}"#);

/// Where the resource is.
pub const LOCATION: HeaderType = HeaderType::text("Location", "ui/", "Where it is, relative to this path.").always();

/// What else decides the response.
pub const VARY: HeaderType =
    HeaderType::text("Vary", "Accept-Encoding", "Which header fields of the request decide the response.").always();

/// How the body is compressed.
pub const CONTENT_ENCODING: HeaderType = HeaderType::text(
    "Content-Encoding",
    "gzip",
    "The body is compressed, because the request's `Accept-Encoding` has `gzip`.",
)
.with_schema(r#"{"const":"gzip"}"#);

/// What a page may load.
pub const CONTENT_SECURITY_POLICY: HeaderType = HeaderType::text(
    "Content-Security-Policy",
    "default-src 'none'; script-src 'self'",
    "What a browser lets the page load and run: nothing from elsewhere.",
)
.always();

/// What other sites learn of the page's address.
pub const REFERRER_POLICY: HeaderType =
    HeaderType::text("Referrer-Policy", "no-referrer", "No other site learns where its reader came from.").always();

/// Whether other sites' pages can reach this one.
pub const CROSS_ORIGIN_OPENER_POLICY: HeaderType = HeaderType::text(
    "Cross-Origin-Opener-Policy",
    "same-origin",
    "A page of another site that opens this one has no hold on it.",
)
.always();

/// When to try again.
pub const RETRY_AFTER: HeaderType = HeaderType::text("Retry-After", "1", "When to try again, in seconds from now.")
    .with_schema(r#"{"type":"integer","minimum":1}"#);

/// Which token is needed.
pub const WWW_AUTHENTICATE: HeaderType = HeaderType::text(
    "WWW-Authenticate",
    "Bearer realm=\"service\", error=\"insufficient_scope\", scope=\"write\"",
    "What is missing (RFC 6750 §3).",
);

/// The quotas.
pub const RATE_LIMIT_POLICY: HeaderType = HeaderType::text(
    "RateLimit-Policy",
    "\"address\";q=100;w=10",
    "The quotas of the address and the caller: requests (`q`) in seconds (`w`).",
);

/// What is left of the quotas.
pub const RATE_LIMIT: HeaderType = HeaderType::text(
    "RateLimit",
    "\"address\";r=99;t=1",
    "What is left of each quota (`r`), and the seconds until it is whole again (`t`).",
);
