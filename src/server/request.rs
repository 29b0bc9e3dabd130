//! One request: named, admitted, done, answered, logged.

use std::time::Instant;

use hyper::body::HttpBody as _;
use hyper::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue, ORIGIN, TRANSFER_ENCODING};
use hyper::{Body, HeaderMap, Request, Response, Version};

use super::activity::{Busy, TrackedBody};
use super::raw::new_request_id;
use super::{Door, Server};
use crate::error::Error;
use crate::handlers::meta;
use crate::response::REQUEST_ID;
use crate::{response, router};

/// The longest request id that is taken from a client.
const LONGEST_ID: usize = 64;

/// The path that is answered however much there is to do: who restarts what is merely busy makes it worse.
const ALWAYS_ADMITTED: &str = "/health";

/// Serves the request; there is an answer to each.
pub(super) async fn serve(server: &Server, request: Request<Body>, busy: Busy) -> Response<TrackedBody> {
    let started = Instant::now();
    let id = request_id(request.headers());
    let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let origin = request.headers().get(ORIGIN).cloned();

    let mut answer = match work(server, request).await {
        Ok(answer) => answer,
        Err(error) => refuse(&error, &id),
    };
    if server.drain.is_announced() {
        // So that the client's next request goes to a process that stays.
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if is_chunked {
        // hyper_wasi takes a chunk-size line without digits for the end of a body, where a proxy in front may see more body: nothing
        // that follows on this connection is to be obeyed as a request.
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response::set(&mut answer, REQUEST_ID, &id);
    meta::allow_origin(&server.app, origin.as_ref(), &mut answer);

    let (status, micros) =
        (u64::from(answer.status().as_u16()), u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX));
    tracing::info!(request_id = %id, method = %method, path, status, micros, "request");
    answer.map(|body| TrackedBody::new(body, busy))
}

async fn work(server: &Server, request: Request<Body>) -> Result<Response<Body>, Error> {
    check_head(&request, server.max_header_bytes)?;
    if server.door == Door::Operator {
        return router::route_operator(&server.app, &request).await;
    }
    // A body is received without a place: a client that is slow to send it must not keep others from theirs.
    let _place = match request.uri().path() {
        ALWAYS_ADMITTED => None,
        _ => Some(server.app.admit()?).filter(|_| request.body().is_end_stream()),
    };
    router::route(&server.app, request).await
}

/// The answer to a request that was not done; its cause goes to the log, where the client is not to see it.
fn refuse(error: &Error, id: &str) -> Response<Body> {
    if let Some(cause) = error.cause() {
        tracing::error!(request_id = %id, cause, "a request failed");
    }
    let mut answer = response::problem(error, id);
    // What is left of the request would be read as the next one, or would have to be read to its end.
    let is_unread =
        matches!(error, Error::BodyTooLarge(_) | Error::BodyTimedOut | Error::BodyBroken | Error::InvalidHeader(_));
    if is_unread {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// What the parser lets through but should not reach a handler.
fn check_head(request: &Request<Body>, most: usize) -> Result<(), Error> {
    let headers = request.headers();
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let size = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>() + target;
    if size > most {
        return Err(Error::HeadersTooLarge(most));
    }
    let hosts = headers.get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        // RFC 9112 §3.2
        return Err(Error::InvalidHeader("a request must have exactly one Host header"));
    }
    if headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH) {
        // RFC 9112 §6.3: the mark of an attempt to smuggle a request past a proxy.
        return Err(Error::InvalidHeader("a request must not have both Transfer-Encoding and Content-Length"));
    }
    Ok(())
}

/// The client's own id for the request where it has a plain one, else one of ours.
fn request_id(headers: &HeaderMap) -> String {
    let is_plain = |id: &&str| {
        (1..=LONGEST_ID).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    match headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(is_plain) {
        Some(id) => id.to_owned(),
        None => new_request_id(),
    }
}
