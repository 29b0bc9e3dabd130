//! Spans that wait for their export: bounded, and never waited for.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

use super::span::Span;
use crate::metrics::MetricWriter;
use crate::sync::lock;

/// Ended spans, in the order of their ends.
#[derive(Debug)]
pub(super) struct SpanQueue {
    spans: Mutex<VecDeque<Span>>,
    max: usize,
    max_batch: usize,
    /// There are enough spans for a batch.
    full_batch: Notify,
    is_closing: AtomicBool,
    closing: Notify,
    closed: Notify,
    exported: AtomicU64,
    /// Lost because the queue was full.
    overflowed: AtomicU64,
    /// Lost because the collector did not take them.
    rejected: AtomicU64,
}

impl SpanQueue {
    /// An empty queue for up to `max` spans, which are exported `max_batch` at a time.
    pub(super) fn new(max: usize, max_batch: usize) -> Self {
        let [exported, overflowed, rejected] = [const { AtomicU64::new(0) }; 3];
        let [full_batch, closing, closed] = std::array::from_fn(|_| Notify::new());
        let (spans, is_closing) = (Mutex::default(), AtomicBool::new(false));
        Self { spans, max, max_batch, full_batch, is_closing, closing, closed, exported, overflowed, rejected }
    }

    /// Adds a span, unless the queue is full.
    pub(super) fn push(&self, span: Span) {
        let mut spans = lock(&self.spans);
        if spans.len() >= self.max {
            self.overflowed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        spans.push_back(span);
        if spans.len() == self.max_batch {
            self.full_batch.notify_one();
        }
    }

    /// The oldest spans, as many as a batch has. Empty where there are none.
    pub(super) fn take_batch(&self) -> Vec<Span> {
        let mut spans = lock(&self.spans);
        let count = spans.len().min(self.max_batch);
        spans.drain(..count).collect()
    }

    /// Whether there are enough spans for a batch.
    pub(super) fn has_full_batch(&self) -> bool {
        lock(&self.spans).len() >= self.max_batch
    }

    /// Waits until there are enough spans for a batch.
    pub(super) async fn full_batch(&self) {
        self.full_batch.notified().await;
    }

    /// The process ends: asks for the last spans to be exported, and waits until that is done.
    pub(super) async fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
        self.closing.notify_one();
        self.closed.notified().await;
    }

    /// Waits until the process ends.
    pub(super) async fn closing(&self) {
        if !self.is_closing() {
            self.closing.notified().await;
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }

    /// The last spans are exported, or lost.
    pub(super) fn set_closed(&self) {
        self.closed.notify_one();
    }

    /// The collector has taken this many spans.
    pub(super) fn count_exported(&self, spans: usize) {
        self.exported.fetch_add(spans as u64, Ordering::Relaxed);
    }

    /// The collector has not taken this many spans.
    pub(super) fn count_rejected(&self, spans: usize) {
        self.rejected.fetch_add(spans as u64, Ordering::Relaxed);
    }

    pub(super) fn write_metrics(&self, writer: &mut MetricWriter<'_>) -> fmt::Result {
        let [exported, overflowed, rejected] =
            [&self.exported, &self.overflowed, &self.rejected].map(|count| count.load(Ordering::Relaxed));
        writer.counter("trace_spans_exported", None, "Spans that the collector has taken", &exported)?;
        let reasons = [("queue_full", overflowed), ("export_failed", rejected)];
        writer.counters("trace_spans_lost", "Spans that no collector has taken", "reason", reasons)
    }
}
