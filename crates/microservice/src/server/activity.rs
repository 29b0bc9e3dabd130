//! Whether a connection has a request in flight. Such a connection may be silent for longer.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use hyper::body::{Bytes, HttpBody, SizeHint};
use hyper::{Body, HeaderMap};

use crate::memory::{Holder, Reservation};
use crate::sync::lock;

/// The activity of a connection, shared by its stream and its requests.
#[derive(Debug, Clone)]
pub(super) struct Activity(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    phase: AtomicU8,
    requests: AtomicU32,
    holder: Arc<Holder>,
    /// The memory of the response that the socket has not taken yet.
    response: Mutex<Option<Reservation>>,
}

/// No request is in flight.
const IDLE: u8 = 0;
/// From the end of a request's head until the end of its response is handed to hyper.
const HANDLING: u8 = 1;
/// Until the socket has taken the last byte of the response.
const FLUSHING: u8 = 2;

impl Activity {
    /// A connection without a request.
    pub(super) fn new(holder: Arc<Holder>) -> Self {
        let (phase, requests, response) = (AtomicU8::new(IDLE), AtomicU32::new(0), Mutex::new(None));
        Self(Arc::new(Shared { phase, requests, holder, response }))
    }

    /// True from the end of a request's head until the socket has taken the whole response.
    pub(super) fn is_busy(&self) -> bool {
        self.0.phase.load(Ordering::Relaxed) != IDLE
    }

    /// True while only the socket keeps the response.
    pub(super) fn is_flushing(&self) -> bool {
        self.0.phase.load(Ordering::Relaxed) == FLUSHING
    }

    /// The number of requests so far.
    pub(super) fn request_count(&self) -> u32 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// The connection as a holder of memory.
    pub(super) fn holder(&self) -> &Arc<Holder> {
        &self.0.holder
    }

    /// Counts a request. The connection is busy until the guard is dropped and the response is flushed.
    pub(super) fn begin_request(&self) -> RequestGuard {
        self.0.phase.store(HANDLING, Ordering::Relaxed);
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        RequestGuard(self.clone())
    }

    /// Keeps a response's memory reserved until the response is flushed.
    pub(super) fn hold_response(&self, reservation: Reservation) {
        *lock(&self.0.response) = Some(reservation);
    }

    /// The socket has taken everything so far. True where that was the end of a response.
    pub(super) fn flushed(&self) -> bool {
        let is_end = self.0.phase.load(Ordering::Relaxed) == FLUSHING;
        if is_end {
            self.0.phase.store(IDLE, Ordering::Relaxed);
            *lock(&self.0.response) = None;
        }
        is_end
    }
}

/// Marks a connection as busy.
#[derive(Debug)]
pub(super) struct RequestGuard(Activity);

impl RequestGuard {
    /// The connection's activity.
    pub(super) fn activity(&self) -> &Activity {
        &self.0
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.0.0.phase.store(FLUSHING, Ordering::Relaxed);
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
