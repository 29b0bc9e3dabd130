//! The request that a task works for: its id and its trace, for log lines, spans and calls to others.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use hyper::HeaderMap;
use hyper::header::HeaderValue;

use super::context::{SpanId, TraceContext};
use super::queue::SpanQueue;
use super::span::{Span, Work};

tokio::task_local! {
    static CURRENT: Arc<CurrentRequest>;
}

/// A request, as far as its log lines and its trace go.
pub(crate) struct CurrentRequest {
    /// The request's id, as in `X-Request-Id`.
    pub(crate) id: String,
    /// What those who are called get: the trace, and the span that they are children of.
    pub(crate) context: TraceContext,
    /// The sampler has chosen the trace, and this process or its caller records it.
    pub(crate) is_known_to_others: bool,
    pub(super) caller: Option<SpanId>,
    pub(super) trace_state: Option<HeaderValue>,
    pub(super) recording: Option<Recording>,
}

/// Where the spans of a request go.
pub(super) struct Recording {
    queue: Arc<SpanQueue>,
    /// The same moment on both clocks: spans are measured by the one that never jumps.
    began: Instant,
    began_at: Duration,
}

impl Recording {
    pub(super) fn new(queue: Arc<SpanQueue>) -> Self {
        let began_at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { queue, began: Instant::now(), began_at }
    }

    /// Nanoseconds since 1970.
    fn time(&self, instant: Instant) -> u64 {
        let since = instant.saturating_duration_since(self.began);
        u64::try_from((self.began_at + since).as_nanos()).unwrap_or(u64::MAX)
    }
}

impl fmt::Debug for CurrentRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentRequest").field("id", &self.id).field("context", &self.context).finish_non_exhaustive()
    }
}

impl CurrentRequest {
    /// Whether its spans are recorded.
    pub(crate) fn is_recorded(&self) -> bool {
        self.recording.is_some()
    }

    /// Records the request's own span, from its beginning until now.
    pub(crate) fn record_request(&self, work: Work) {
        if let Some(recording) = &self.recording {
            self.push(recording, self.context.span_id, self.caller, work, recording.began);
        }
    }

    /// Records a piece of its work, from `began` until now.
    pub(crate) fn record(&self, work: Work, began: Instant) {
        if let Some(recording) = &self.recording {
            self.push(recording, SpanId::random(), Some(self.context.span_id), work, began);
        }
    }

    fn push(&self, recording: &Recording, span_id: SpanId, parent: Option<SpanId>, work: Work, began: Instant) {
        let trace_state = self.trace_state.clone();
        let (start, end) = (recording.time(began), recording.time(Instant::now()));
        recording.queue.push(Span { trace_id: self.context.trace_id, span_id, parent, trace_state, work, start, end });
    }
}

/// Runs the future for a request: its log lines have the request's id, its database statements are spans of the trace.
///
/// The future stays where it is: to move it costs more than all else here.
pub(crate) async fn scope<F: Future>(request: &Arc<CurrentRequest>, mut future: Pin<&mut F>) -> F::Output {
    poll_fn(|cx| CURRENT.sync_scope(Arc::clone(request), || future.as_mut().poll(cx))).await
}

/// Calls `read` with the request that this task works for, if there is one.
pub(crate) fn with_current<T>(read: impl FnOnce(&Arc<CurrentRequest>) -> T) -> Option<T> {
    CURRENT.try_with(read).ok()
}

/// Spawns a task that works for the same request.
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    match with_current(Arc::clone) {
        Some(request) => tokio::spawn(CURRENT.scope(request, future)),
        None => tokio::spawn(future),
    };
}

/// The headers by which a call to another service joins the trace of the request that this task works for:
/// `traceparent` and `tracestate` (<https://www.w3.org/TR/trace-context/>). Empty outside of a request.
#[must_use]
pub fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    with_current(|request| {
        if let Ok(value) = HeaderValue::from_str(&request.context.to_string()) {
            headers.insert("traceparent", value);
        }
        if let Some(state) = &request.trace_state {
            headers.insert("tracestate", state.clone());
        }
    });
    headers
}
