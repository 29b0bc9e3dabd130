//! Responses that are produced while they are sent: in constant memory, however slowly the client reads.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{HttpBody as _, Sender};
use hyper::header::CONTENT_TYPE;
use hyper::{Body, Response, StatusCode};
use tokio::time::timeout;

use super::response;
use crate::problem::Problem;
use crate::request::Request;
use crate::routes::HandlerResult;

/// Produces the chunks of a response one after the other.
pub trait ChunkSource: Send + 'static {
    /// The next chunk; None at the end.
    ///
    /// An error cuts the connection, so that the client never takes the response for a whole one.
    fn next_chunk(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, Problem>> + Send;
}

/// Sends `first` and then the chunks of `source` as JSON. Up to `MAX_STREAMS` such responses are sent at one time.
///
/// The next chunk is requested only when the client has taken the one before.
///
/// # Errors
/// 503 where too many responses are streamed.
pub fn json_stream(request: &Request, first: Vec<u8>, source: impl ChunkSource) -> HandlerResult {
    if request.is_head() {
        return Ok(response::json(StatusCode::OK, Body::empty()));
    }
    let permit = request.app.admit_stream()?;
    let (sender, body) = Body::channel();
    tokio::spawn(async move {
        send_chunks(sender, first, source).await;
        drop(permit);
    });
    Ok(response::json(StatusCode::OK, body))
}

async fn send_chunks(mut sender: Sender, first: Vec<u8>, mut source: impl ChunkSource) {
    let mut chunk = first;
    loop {
        if sender.send_data(chunk.into()).await.is_err() {
            return; // The client has disconnected.
        }
        chunk = match source.next_chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return,
            Err(problem) => {
                let cause = problem.cause().unwrap_or_else(|| problem.detail());
                tracing::error!(error = cause, "a streamed response was cut short");
                sender.abort();
                return;
            }
        };
    }
}

/// `POST /echo`: sends the body back chunk by chunk.
///
/// # Errors
/// 413 for a body that announces more than `MAX_BODY_BYTES`. A longer one is cut off.
pub async fn echo<S>(_service: Arc<S>, mut request: Request) -> HandlerResult {
    let (max, chunk_timeout) = (request.limits().max_body_bytes, request.limits().body_timeout);
    let body = request.take_body();
    let announced = body.size_hint().exact();
    if announced.is_some_and(|length| usize::try_from(length).unwrap_or(usize::MAX) > max) {
        return Err(Problem::body_too_large(max));
    }
    let mut response = Response::new(echo_body(body, max, chunk_timeout));
    if let Some(content_type) = request.headers().get(CONTENT_TYPE) {
        response.headers_mut().insert(CONTENT_TYPE, content_type.clone());
    }
    Ok(response)
}

fn echo_body(mut body: Body, max: usize, chunk_timeout: Duration) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    let (mut sender, echoed) = Body::channel();
    tokio::spawn(async move {
        let mut received = 0_usize;
        loop {
            let chunk = match timeout(chunk_timeout, body.data()).await {
                Ok(None) => return,
                Ok(Some(Ok(chunk))) if received.saturating_add(chunk.len()) <= max => chunk,
                Ok(Some(_)) | Err(_) => return sender.abort(),
            };
            received += chunk.len();
            if sender.send_data(chunk).await.is_err() {
                return; // The client has disconnected.
            }
        }
    });
    echoed
}
