//! Whether a connection has a request at work: it may then be silent for longer.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll};

use hyper::body::{Bytes, HttpBody, SizeHint};
use hyper::{Body, HeaderMap};

/// Shared by a connection's stream and its requests.
#[derive(Debug, Clone, Default)]
pub(super) struct Activity(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    busy: AtomicBool,
    requests: AtomicU32,
}

impl Activity {
    /// True from the end of a request's head until its answer is handed over whole.
    pub(super) fn is_busy(&self) -> bool {
        self.0.busy.load(Ordering::Relaxed)
    }

    /// How many requests there have been.
    pub(super) fn requests(&self) -> u32 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// Counts a request; busy until the value is dropped.
    pub(super) fn busy(&self) -> Busy {
        self.0.busy.store(true, Ordering::Relaxed);
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }
}

/// Keeps a connection busy.
#[derive(Debug)]
pub(super) struct Busy(Activity);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.busy.store(false, Ordering::Relaxed);
    }
}

/// An answer's body that keeps its connection busy until it is sent or given up.
pub(super) struct TrackedBody {
    body: Body,
    _busy: Busy,
}

impl TrackedBody {
    pub(super) fn new(body: Body, busy: Busy) -> Self {
        Self { body, _busy: busy }
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
