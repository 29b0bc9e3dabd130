//! One client connection, from its first byte to its last.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::Http;
use hyper::service::service_fn;
use tokio::net::TcpStream;

use super::activity::Activity;
use super::stream::TimedStream;
use super::{Server, limited, request};

/// What the parser may hold of a request's head, and what waits to be written. Above MAX_HEADER_BYTES' bound, so that a head
/// that is only a little too large is told so by us.
const BUFFER: usize = 64 * 1024;

/// How long a client that is connected when the process leaves has to begin a request.
const LAST_REQUEST: Duration = Duration::from_millis(500);

/// How long a client may keep us waiting.
pub(super) struct Timeouts {
    /// From a request's first byte to the end of its head.
    pub(super) header: Duration,
    /// Without a request.
    pub(super) idle: Duration,
    /// Without taking anything of its answer.
    pub(super) write: Duration,
}

/// Serves the client until it leaves, errs or is too slow.
pub(super) async fn serve(server: Arc<Server>, stream: TcpStream) {
    let activity = Activity::default();
    let stream = TimedStream::new(stream, Arc::clone(&server), activity.clone());
    let mut http = Http::new();
    // A client that has said all it has to may close its side and wait for the answer (RFC 9112 §9.6 speaks of the same for us).
    http.http1_only(true).http1_half_close(true).max_buf_size(BUFFER);
    let service = service_fn(|incoming| {
        let (server, busy) = (Arc::clone(&server), activity.busy());
        // hyper_wasi wants to move it while the connection is polled by hand.
        Box::pin(async move { Ok::<_, Infallible>(request::serve(&server, incoming, busy).await) })
    });
    let mut connection = http.serve_connection(stream, service);
    let ended = tokio::select! {
        ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => Some(ended),
        () = server.drain.closing() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            // Ends what is idle at once, the rest after the request at work.
            Pin::new(&mut connection).graceful_shutdown();
            tokio::select! {
                ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => ended,
                () = last_request(&activity) => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "a connection ended early");
    }
    if let Some(parts) = connection.try_into_parts() {
        limited::say_goodbye(parts.io).await;
    }
}

/// Waits until a connection that is to end has had time to begin a last request and has none at work.
async fn last_request(activity: &Activity) {
    loop {
        tokio::time::sleep(LAST_REQUEST).await;
        if !activity.is_busy() {
            return;
        }
    }
}
