//! About the service itself: what it serves, whether it hears, who may call it from a browser.

use hyper::body::HttpBody as _;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, CONTENT_TYPE,
    HeaderMap, HeaderValue, ORIGIN, VARY,
};
use hyper::{Body, Request, Response, StatusCode};

use super::query::Query;
use super::{App, stream};
use crate::error::Error;
use crate::response;

const ENDPOINTS: &str = "\
The order service. Orders are JSON objects; see orders.json and update_order.json for how they look.

GET  /init                      create what is missing in the database
POST /create_order              write one order
POST /create_orders             write an array of orders, all or none
GET  /orders                    all orders; ?limit=100&after=7 for a page of them
POST /update_order              replace an order
GET  /delete_order?id=2         delete an order
POST /echo                      send the body back

The same as resources:
POST /orders                    write one order; its id may be left out
GET, PUT, DELETE /orders/{id}   one order, with ETag and If-Match

GET  /health, /ready            is it alive; can it serve
";

/// `GET /`
pub(crate) fn root(request: &Request<Body>) -> Result<Response<Body>, Error> {
    Query::of(request, &[])?;
    Ok(response::text(ENDPOINTS))
}

/// `POST /echo`: each piece goes back as it comes; nothing is gathered.
pub(crate) fn echo(app: &App, request: Request<Body>) -> Result<Response<Body>, Error> {
    let most = app.limits.max_body_bytes;
    let announced = request.body().size_hint().exact();
    if announced.is_some_and(|length| usize::try_from(length).unwrap_or(usize::MAX) > most) {
        return Err(Error::BodyTooLarge(most));
    }
    let (head, body) = request.into_parts();
    let mut answer = Response::new(stream::echo(body, most, app.limits.body_timeout));
    if let Some(content_type) = head.headers.get(CONTENT_TYPE) {
        answer.headers_mut().insert(CONTENT_TYPE, content_type.clone());
    }
    Ok(answer)
}

/// OPTIONS: what the path takes; to a browser that asks first (a CORS preflight), what it may send.
pub(crate) fn options(app: &App, request: &Request<Body>, allow: &'static str) -> Response<Body> {
    let mut answer = response::empty(StatusCode::NO_CONTENT);
    let headers = answer.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static(allow));
    let preflight = request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if preflight && allowed_origin(app, request.headers()).is_some() {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(allow));
        headers.insert(
            ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("Content-Type, If-Match, If-None-Match, X-Request-Id"),
        );
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    answer
}

/// Lets a browser's page of the configured origin read the answer (the Fetch standard's CORS protocol).
pub(crate) fn allow_origin(app: &App, origin: Option<&HeaderValue>, answer: &mut Response<Body>) {
    let Some(configured) = &app.cors_allow_origin else { return };
    let headers = answer.headers_mut();
    if configured != "*" {
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
    if let Some(origin) = origin.and_then(|origin| matching_origin(configured, origin)) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("ETag, Link, Location, Retry-After, X-Request-Id"),
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
