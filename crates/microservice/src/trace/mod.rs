//! Traces: what a request did, and for how long, across all services that it reached.
//!
//! A request joins the trace in its `traceparent`, or begins one. Its log lines have the trace's id, and a call to
//! another service carries [`headers`]. Where a collector is configured (`OTEL_EXPORTER_OTLP_ENDPOINT`) and the sampler
//! chooses the trace, the request, its waits for a connection and its statements are spans, which go there in batches.
//! Nothing waits for that: spans that do not fit into a bounded queue are counted and dropped.
//!
//! | module | holds |
//! |---|---|
//! | `context` | `traceparent` and `tracestate` (W3C Trace Context) |
//! | `current` | the request that a task works for |
//! | `sampler`, `settings` | the `OTEL_*` variables |
//! | `span` | a span and its attributes |
//! | `queue`, `export`, `otlp` | from the end of a span to the collector |
//!
//! Why no library of OpenTelemetry's does this: docs/decisions/0030-spans-of-our-own.md.

mod context;
mod current;
mod export;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod otlp;
mod queue;
mod sampler;
mod settings;
mod span;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::HeaderMap;
use tokio::time::timeout;

use context::{SpanId, TraceContext, TraceId, trace_state};
use current::Recording;
pub use current::headers;
pub(crate) use current::{CurrentRequest, scope, spawn, with_current};
use export::Exporter;
use queue::SpanQueue;
use sampler::Sampler;
use settings::ExportSettings;
pub(crate) use settings::{TraceSettings, VARIABLES};
pub(crate) use span::{Attribute, SpanKind, Work};

use crate::metrics::MetricWriter;

/// The time for the last spans when the process ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Decides which requests are recorded, and takes their spans.
#[derive(Debug)]
pub(crate) struct Tracer {
    sampler: Sampler,
    queue: Arc<SpanQueue>,
    export: Option<ExportSettings>,
}

impl Tracer {
    pub(crate) fn new(settings: TraceSettings) -> Self {
        let TraceSettings { sampler, export, max_queue, max_batch } = settings;
        Self { sampler, queue: Arc::new(SpanQueue::new(max_queue, max_batch)), export }
    }

    /// A request with these headers begins. It gets `id` as its own. It is recorded where the sampler chooses its
    /// trace, unless it `is_internal`: an operator's.
    pub(crate) fn begin(&self, headers: &HeaderMap, id: String, is_internal: bool) -> Arc<CurrentRequest> {
        let caller = TraceContext::of_caller(headers);
        let trace_id = caller.map_or_else(TraceId::random, |caller| caller.trace_id);
        let is_sampled = !is_internal && self.sampler.samples(caller.as_ref(), trace_id);
        let is_recorded = self.export.is_some() && is_sampled;
        let context = match caller {
            // A process that records nothing is no span: those who are called are children of the caller's.
            Some(caller) if self.export.is_none() => caller,
            _ => TraceContext { trace_id, span_id: SpanId::random(), is_sampled: is_recorded },
        };
        Arc::new(CurrentRequest {
            id,
            context,
            caller: caller.map(|caller| caller.span_id),
            is_known_to_others: is_sampled && (is_recorded || caller.is_some()),
            trace_state: caller.and_then(|_| trace_state(headers)),
            recording: is_recorded.then(|| Recording::new(Arc::clone(&self.queue))),
        })
    }

    /// Exports spans until [`Tracer::close`], where a collector is configured: spawn it as a task.
    pub(crate) async fn export(&self) {
        if let Some(settings) = &self.export {
            if let Some(protocol) = &settings.ignored_protocol {
                tracing::warn!(protocol, "OTEL_EXPORTER_OTLP_PROTOCOL is not http/json: spans are sent as http/json");
            }
            Exporter::new(settings.clone(), Arc::clone(&self.queue)).run().await;
        }
    }

    /// Exports the spans that are left, within a second: before the process ends.
    pub(crate) async fn close(&self) {
        if self.export.is_some() {
            let _ = timeout(FLUSH_TIMEOUT, self.queue.close()).await;
        }
    }

    pub(crate) fn write_metrics(&self, writer: &mut MetricWriter<'_>) -> fmt::Result {
        self.queue.write_metrics(writer)
    }
}
