//! The connections of the public listener, and what goes over them.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::registry::Unit;

use super::MetricWriter;

/// Counts of connections and bytes.
#[derive(Debug, Default)]
pub(crate) struct ConnectionMetrics {
    accepted: AtomicU64,
    closed: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
    cut_off: [AtomicU64; CutOffReason::ALL.len()],
}

/// Why the service ended a connection in the middle of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CutOffReason {
    /// Its memory, or its place among the connections, was needed for others.
    Room,
    /// The rest of a head took longer than `HEADER_TIMEOUT`.
    Head,
    /// A body came more slowly than `MIN_RATE`.
    Body,
    /// A response was taken more slowly than `MIN_RATE`.
    Response,
}

impl CutOffReason {
    /// All reasons, in the order of their numbers.
    const ALL: [Self; 4] = [Self::Room, Self::Head, Self::Body, Self::Response];

    /// The reason as a metric's label.
    fn name(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Head => "head",
            Self::Body => "body",
            Self::Response => "response",
        }
    }
}

impl ConnectionMetrics {
    /// A connection was accepted. It is open until the result is dropped.
    pub(crate) fn open(&self) -> OpenConnection<'_> {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        OpenConnection(self)
    }

    /// Counts bytes from clients.
    pub(crate) fn received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts bytes to clients.
    pub(crate) fn sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// A client was too slow, or chosen to make room for others.
    pub(crate) fn cut_off(&self, reason: CutOffReason) {
        if let Some(count) = self.cut_off.get(reason as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn write_metrics(&self, max: usize, writer: &mut MetricWriter<'_>) -> fmt::Result {
        let [accepted, closed, received, sent] =
            [&self.accepted, &self.closed, &self.received, &self.sent].map(|count| count.load(Ordering::Relaxed));
        let (open, bytes) = (accepted.saturating_sub(closed), Some(&Unit::Bytes));
        writer.gauge("http_server_open_connections", None, "Connections of clients", &open)?;
        writer.gauge("http_server_open_connections_limit", None, "MAX_CONNECTIONS", &max)?;
        writer.counter("http_server_accepted_connections", None, "Connections that were accepted", &accepted)?;
        writer.counter("http_server_received", bytes, "Bytes from clients, heads included", &received)?;
        writer.counter("http_server_sent", bytes, "Bytes to clients, heads included", &sent)?;
        let cut_off = CutOffReason::ALL.iter().zip(&self.cut_off);
        writer.counters(
            "http_server_cut_off_connections",
            "Connections that the service ended in the middle of a request",
            "reason",
            cut_off.map(|(reason, count)| (reason.name(), count.load(Ordering::Relaxed))),
        )
    }
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct OpenConnection<'m>(&'m ConnectionMetrics);

impl Drop for OpenConnection<'_> {
    fn drop(&mut self) {
        self.0.closed.fetch_add(1, Ordering::Relaxed);
    }
}
