//! Cross-origin requests: the CORS protocol of the Fetch standard, for one configured origin or `*`.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, HeaderMap,
    HeaderValue, ORIGIN, VARY,
};
use hyper::{Body, Response, StatusCode};

use super::response;
use crate::app::App;

/// The response to `OPTIONS`: the path's methods, and for a preflight what the browser may send.
pub(crate) fn options(app: &App, headers: &HeaderMap, allow: &str) -> Response<Body> {
    let mut response = response::empty(StatusCode::NO_CONTENT);
    response::set_header(&mut response, ALLOW, allow);
    let is_preflight = headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if is_preflight && allowed_origin(app, headers).is_some() {
        response::set_header(&mut response, ACCESS_CONTROL_ALLOW_METHODS, allow);
        let headers = response.headers_mut();
        headers.insert(
            ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(
                "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Traceparent, Tracestate, \
                 X-Request-Id",
            ),
        );
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    response
}

/// Lets a page of the configured origin read the response.
pub(crate) fn allow_origin(app: &App, origin: Option<&HeaderValue>, response: &mut Response<Body>) {
    let Some(configured) = app.cors_allow_origin.as_deref() else { return };
    let headers = response.headers_mut();
    if configured != "*" {
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
    if let Some(origin) = origin.and_then(|origin| matching_origin(configured, origin)) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(
                "ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, \
                 WWW-Authenticate, X-Request-Id",
            ),
        );
    }
}

fn allowed_origin(app: &App, headers: &HeaderMap) -> Option<HeaderValue> {
    matching_origin(app.cors_allow_origin.as_deref()?, headers.get(ORIGIN)?)
}

fn matching_origin(configured: &str, origin: &HeaderValue) -> Option<HeaderValue> {
    match configured {
        "*" => Some(HeaderValue::from_static("*")),
        _ if origin == configured => Some(origin.clone()),
        _ => None,
    }
}
