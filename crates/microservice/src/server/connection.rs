//! One client connection.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::Http;
use hyper::service::service_fn;
use tokio::net::TcpStream;

use super::activity::Activity;
use super::parser_errors::ParserErrorStream;
use super::timed_stream::TimedStream;
use super::{Server, closing, request};

/// The parser's buffer for a head, and the buffer of responses. It is larger than any `MAX_HEADER_BYTES`, so that a
/// head which is only a little too large gets a problem of ours.
const BUFFER_BYTES: usize = 64 * 1024;

/// The time in which a connected client may begin a last request when the process shuts down.
const LAST_REQUEST_TIMEOUT: Duration = Duration::from_millis(500);

/// The time that a client may take.
pub(super) struct Timeouts {
    /// From a request's first byte to the end of its head.
    pub(super) header: Duration,
    /// Without a request.
    pub(super) idle: Duration,
    /// Without reading anything of its response.
    pub(super) write: Duration,
}

/// Serves a connection until the client closes it, fails or is too slow, or the process shuts down.
pub(super) async fn serve(server: Arc<Server>, stream: TcpStream) {
    let activity = Activity::default();
    let stream = TimedStream::new(stream, Arc::clone(&server), activity.clone());
    let stream = ParserErrorStream::new(stream, Arc::clone(&server), activity.clone());
    let mut http = Http::new();
    // A client may close its side after its last request and wait for the response.
    http.http1_only(true).http1_half_close(true).max_buf_size(BUFFER_BYTES);
    let service = service_fn(|incoming| {
        let (server, guard) = (Arc::clone(&server), activity.begin_request());
        // hyper_wasi needs a future that can be moved while the connection is polled.
        Box::pin(async move { Ok::<_, Infallible>(request::serve(&server, incoming, guard).await) })
    });
    let mut connection = http.serve_connection(stream, service);
    let ended = tokio::select! {
        ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => Some(ended),
        () = server.app.shutdown.closing() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            // An idle connection ends at once, a busy one after its request.
            Pin::new(&mut connection).graceful_shutdown();
            tokio::select! {
                ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => ended,
                () = wait_for_last_request(&activity) => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "a connection ended early");
    }
    if let Some(parts) = connection.try_into_parts() {
        closing::lingering_close(parts.io).await;
    }
}

/// Waits until a connection has had time to begin a last request and has none in flight.
async fn wait_for_last_request(activity: &Activity) {
    loop {
        tokio::time::sleep(LAST_REQUEST_TIMEOUT).await;
        if !activity.is_busy() {
            return;
        }
    }
}
