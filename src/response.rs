//! Answers, and the headers they share.

use std::fmt::Write as _;

use hyper::header::{ALLOW, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Body, Response, StatusCode};
use sha2::{Digest as _, Sha256};

use crate::domain::Order;
use crate::error::Error;

/// The id by which a request is found in the log.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// JSON with a status.
pub(crate) fn json(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    typed(status, "application/json", body.into())
}

/// What the walkthrough's writes answer.
pub(crate) fn done() -> Response<Body> {
    json(StatusCode::OK, r#"{"status":true}"#)
}

/// Text.
pub(crate) fn text(body: impl Into<Body>) -> Response<Body> {
    typed(StatusCode::OK, "text/plain; charset=utf-8", body.into())
}

/// No content.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// One order, with the tag of this state of it.
pub(crate) fn order(status: StatusCode, order: &Order) -> Response<Body> {
    let body = order.to_json();
    let tag = entity_tag_of(&body);
    tagged_order(status, body, &tag)
}

/// One order whose JSON and tag are known already.
pub(crate) fn tagged_order(status: StatusCode, body: Vec<u8>, tag: &str) -> Response<Body> {
    let mut response = json(status, body);
    set(&mut response, ETAG, tag);
    response
}

/// An error, as RFC 9457 has it.
pub(crate) fn problem(error: &Error, request_id: &str) -> Response<Body> {
    let problem = error.problem();
    let mut response = typed(problem.status, "application/problem+json", problem.to_json(request_id).into());
    if let Some(seconds) = problem.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(allow) = problem.allow {
        set(&mut response, ALLOW, &allow);
    }
    response
}

/// Sets a header to a text of our own making; one that no header can hold is left out.
pub(crate) fn set(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// The strong entity tag (RFC 9110 §8.8.3) of an order: made from what it says, so that every replica gives the same one and
/// an order that was deleted and written anew with other contents never passes for the old one.
pub(crate) fn entity_tag(order: &Order) -> String {
    entity_tag_of(&order.to_json())
}

/// The tag of an order by its JSON.
pub(crate) fn entity_tag_of(json: &[u8]) -> String {
    let mut tag = String::with_capacity(34);
    tag.push('"');
    for byte in Sha256::digest(json).iter().take(16) {
        // Writing to a String cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

fn typed(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
