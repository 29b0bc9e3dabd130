//! One client connection.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::Http;
use hyper::service::service_fn;
use tokio::net::TcpStream;

use super::activity::Activity;
use super::head_stream::HeadStream;
use super::parser_errors::ParserErrorStream;
use super::timed_stream::TimedStream;
use super::{Server, closing, request};
use crate::access::ClientConnection;
use crate::memory::HolderGuard;

/// The parser's buffer is larger than `MAX_HEADER_BYTES` by this, so that a head which is only a little too large gets
/// a problem of ours. Separators and line ends are not counted in `MAX_HEADER_BYTES`.
const EXTRA_BUFFER_BYTES: usize = 8 * 1024;

/// The time in which a connected client may begin a last request when the process shuts down.
const LAST_REQUEST_TIMEOUT: Duration = Duration::from_millis(500);

/// The time that a client may take.
pub(super) struct Timeouts {
    /// From a request's first byte to the end of its head.
    pub(super) header: Duration,
    /// Without a request.
    pub(super) idle: Duration,
    /// How far a client may lag behind the minimum rate with a body.
    pub(super) body: Duration,
    /// How far a client may lag behind the minimum rate with a response.
    pub(super) write: Duration,
}

/// Serves a connection from this address until the client closes it, fails or is too slow, or the process shuts down.
///
/// A connection has a parser only while it is in use. An idle one is parked without it: the parser and its buffer cost
/// more than everything else.
pub(super) async fn serve(server: Arc<Server>, stream: TcpStream, peer: IpAddr, guard: HolderGuard) {
    let activity = Activity::new(Arc::clone(&guard.holder));
    let client = Arc::new(ClientConnection::new(peer));
    let mut stream = TimedStream::new(stream, Arc::clone(&server), activity.clone());
    let mut first = Vec::new();
    loop {
        if !first.is_empty() {
            stream.begin_head();
        } else if !wait_unparked(&server, &mut stream, &activity).await {
            return closing::lingering_close(stream).await;
        }
        // Boxed, so that a parked connection does not keep the space.
        match Box::pin(parse(&server, stream, &client, first, &activity)).await {
            Some((parked, rest)) => (stream, first) = (parked, rest),
            None => return,
        }
    }
}

/// Waits until a parked connection has something to read. False where it is over.
async fn wait_unparked(server: &Server, stream: &mut TimedStream, activity: &Activity) -> bool {
    tokio::select! {
        biased;
        readable = poll_fn(|cx| stream.poll_unparked(cx)) => readable.is_ok(),
        // A new connection may still begin a request.
        () = server.app.shutdown.closing() => activity.request_count() == 0,
    }
}

/// Serves requests. `first` was read already. Returns the stream, and what was read but not parsed, when the connection
/// is idle; None when it is over.
async fn parse(
    server: &Arc<Server>,
    stream: TimedStream,
    client: &Arc<ClientConnection>,
    first: Vec<u8>,
    activity: &Activity,
) -> Option<(TimedStream, Vec<u8>)> {
    let mut stream = HeadStream::new(stream, activity.clone(), first);
    if !stream.reserve_parser().await {
        closing::reject_stream(stream, server).await;
        return None;
    }
    let stream = ParserErrorStream::new(stream, Arc::clone(server), activity.clone());
    let mut http = Http::new();
    // A client may close its side after its last request and wait for the response.
    http.http1_only(true).http1_half_close(true);
    http.max_buf_size(server.app.limits.max_header_bytes + EXTRA_BUFFER_BYTES);
    let service = service_fn(|incoming| {
        let (server, client, guard) = (Arc::clone(server), Arc::clone(client), activity.begin_request());
        // hyper_wasi needs a future that can be moved while the connection is polled.
        Box::pin(async move { Ok::<_, Infallible>(request::serve(&server, &client, incoming, guard).await) })
    });
    let mut connection = http.serve_connection(stream, service);
    let ended = tokio::select! {
        ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => Some(ended),
        () = server.app.shutdown.closing() => None,
    };
    // hyper's graceful shutdown gives up a last response that it has only to flush, so that is flushed first.
    let ended = match ended {
        None => {
            poll_fn(|cx| match connection.poll_without_shutdown(cx) {
                Poll::Ready(ended) => Poll::Ready(Some(ended)),
                Poll::Pending if activity.is_flushing() => Poll::Pending,
                Poll::Pending => Poll::Ready(None),
            })
            .await
        }
        ended => ended,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            // An idle connection ends at once, a busy one after its request.
            Pin::new(&mut connection).graceful_shutdown();
            tokio::select! {
                ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => ended,
                () = wait_for_last_request(activity) => Ok(()),
            }
        }
    };
    let parts = connection.try_into_parts()?;
    let stream = parts.io.into_inner().into_inner();
    if stream.is_parked() && !activity.is_busy() {
        return Some((stream, parts.read_buf.to_vec()));
    }
    if let Err(error) = ended {
        tracing::debug!(error = %error, "a connection ended early");
    }
    if !activity.holder().is_cut_off() {
        closing::lingering_close(stream).await;
    }
    None
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
