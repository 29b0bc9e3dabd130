//! Responses that are produced while they are sent: in constant memory, however slowly the client reads.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{HttpBody as _, Sender};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Body, Response, StatusCode};
use tokio::time::timeout;

use super::response;
use crate::memory::Reservation;
use crate::problem::Problem;
use crate::request::Request;
use crate::routes::HandlerResult;
use crate::trace;

/// Produces the chunks of a response one after the other.
pub trait ChunkSource: Send + 'static {
    /// The next chunk; None at the end.
    ///
    /// An error cuts the connection, so that the client never takes the response for a whole one.
    fn next_chunk(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, Problem>> + Send;
}

/// The memory of a streamed response: the chunk that hyper sends, the one behind it, and the one that is being made.
/// Chunks should have [`CHUNK_BYTES`].
const STREAM_BYTES: usize = 3 * CHUNK_BYTES;

/// Bytes of any kind.
const OCTET_STREAM: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// The size that a chunk of a streamed response should have, in bytes.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// The memory of an echo: what hyper has read, what it has to send, and the chunks between the two.
const ECHO_BYTES: usize = 128 * 1024;

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
    let memory = request.try_reserve_memory(STREAM_BYTES.max(first.len()))?;
    let (sender, body) = Body::channel();
    trace::spawn(async move {
        send_chunks(sender, first, source).await;
        drop((permit, memory));
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
/// 413 for a body that announces more than `MAX_BODY_BYTES`. A longer one is cut off. 503 where too many bytes are held
/// for clients.
pub async fn echo<S>(_service: Arc<S>, mut request: Request) -> HandlerResult {
    let (max, chunk_timeout) = (request.limits().max_body_bytes, request.limits().body_timeout);
    let body = request.take_body();
    let announced = body.size_hint().exact();
    if announced.is_some_and(|length| usize::try_from(length).unwrap_or(usize::MAX) > max) {
        return Err(Problem::body_too_large(max));
    }
    let length = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(ECHO_BYTES);
    let memory = request.try_reserve_memory(length.min(ECHO_BYTES))?;
    let mut response = Response::new(echo_body(body, max, chunk_timeout, memory));
    // Without a type a browser would guess one (RFC 9110 §8.3).
    let content_type = request.headers().get(CONTENT_TYPE).cloned();
    response.headers_mut().insert(CONTENT_TYPE, content_type.unwrap_or(OCTET_STREAM));
    Ok(response)
}

fn echo_body(mut body: Body, max: usize, chunk_timeout: Duration, memory: Reservation) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    let (mut sender, echoed) = Body::channel();
    trace::spawn(async move {
        let _memory = memory;
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
