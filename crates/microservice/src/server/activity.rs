//! Whether a connection has a request in flight. Such a connection may be silent for longer.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll};

use hyper::body::{Bytes, HttpBody, SizeHint};
use hyper::{Body, HeaderMap};

/// The activity of a connection, shared by its stream and its requests.
#[derive(Debug, Clone, Default)]
pub(super) struct Activity(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    busy: AtomicBool,
    requests: AtomicU32,
}

impl Activity {
    /// True from the end of a request's head until its whole response is handed over.
    pub(super) fn is_busy(&self) -> bool {
        self.0.busy.load(Ordering::Relaxed)
    }

    /// The number of requests so far.
    pub(super) fn request_count(&self) -> u32 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// Counts a request. The connection is busy until the guard is dropped.
    pub(super) fn begin_request(&self) -> RequestGuard {
        self.0.busy.store(true, Ordering::Relaxed);
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        RequestGuard(self.clone())
    }
}

/// Marks a connection as busy.
#[derive(Debug)]
pub(super) struct RequestGuard(Activity);

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.0.0.busy.store(false, Ordering::Relaxed);
    }
}

/// A response's body that keeps its connection busy until the body is sent or dropped.
pub(super) struct TrackedBody {
    body: Body,
    _guard: RequestGuard,
}

impl TrackedBody {
    pub(super) fn new(body: Body, guard: RequestGuard) -> Self {
        Self { body, _guard: guard }
    }
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_data(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, hyper::Error>>> {
        Pin::new(&mut self.body).poll_data(cx)
    }

    fn poll_trailers(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Option<HeaderMap>, hyper::Error>> {
        Pin::new(&mut self.body).poll_trailers(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
