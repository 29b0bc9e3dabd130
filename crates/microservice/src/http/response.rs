//! Responses, and the headers that they share.

use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Body, Response, StatusCode};
use serde::Serialize;

use crate::problem::{self, Problem};
use crate::routes::HandlerResult;

/// The request id, by which a request is found in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Constants, because `from_static` checks the text wherever it runs.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// JSON.
#[must_use]
pub fn json(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    with_type(status, "application/json", body)
}

/// A value as JSON.
///
/// # Errors
/// 500 where JSON cannot express the value, as with a map whose keys are not strings.
pub fn to_json(status: StatusCode, value: &impl Serialize) -> HandlerResult {
    let body = serde_json::to_vec(value).map_err(|error| Problem::internal(&error))?;
    Ok(json(status, body))
}

/// Plain text with status 200.
#[must_use]
pub fn text(body: impl Into<Body>) -> Response<Body> {
    with_type(StatusCode::OK, "text/plain; charset=utf-8", body)
}

/// No content.
#[must_use]
pub fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// The same response with an entity tag.
#[must_use]
pub fn with_entity_tag(mut response: Response<Body>, tag: &str) -> Response<Body> {
    set_header(&mut response, ETAG, tag);
    response
}

/// Sets a header. A value that no header can hold is left out.
pub fn set_header(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// A problem, as RFC 9457 has it.
pub(crate) fn problem(problem: &Problem, service: &str, request_id: &str) -> Response<Body> {
    let body = problem.to_json(service, request_id);
    let mut response = with_type(problem.status(), problem::MEDIA_TYPE, body);
    if let Some(seconds) = problem.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(allow) = problem.allow() {
        set_header(&mut response, ALLOW, allow);
    }
    if let Some((name, value)) = problem.header() {
        set_header(&mut response, name.clone(), value);
    }
    response
}

/// Adds the header fields of every response: no cache stores it, unless the handler says otherwise, and no browser
/// takes it for another type.
pub(crate) fn set_defaults(response: &mut Response<Body>) {
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
}

pub(crate) fn with_type(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
