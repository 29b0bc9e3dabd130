//! Turns `tracing` events into log lines.

use std::sync::Arc;

use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use super::format::Line;
use super::level::CurrentLevel;
use super::sink::Sink;
use crate::trace;

/// This crate's own events have targets that begin with its name.
const KIT_CRATE: &str = env!("CARGO_CRATE_NAME");

/// Writes the events of this crate and of the service's crate to the sink.
pub(super) struct LogLayer {
    sink: Arc<Sink>,
    level: &'static CurrentLevel,
    json: bool,
    service_crate: &'static str,
}

impl LogLayer {
    pub(super) fn new(sink: Arc<Sink>, level: &'static CurrentLevel, json: bool, service_crate: &'static str) -> Self {
        Self { sink, level, json, service_crate }
    }

    fn is_logged(&self, metadata: &Metadata<'_>) -> bool {
        let crate_name = metadata.target().split("::").next().unwrap_or_default();
        *metadata.level() <= self.level.get() && (crate_name == KIT_CRATE || crate_name == self.service_crate)
    }
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // Libraries trace each step. After `never`, tracing skips their events at no cost. A changed level asks again.
        if self.is_logged(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.is_logged(metadata)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::start(*event.metadata().level(), self.json);
        event.record(&mut line);
        trace::with_current(|request| line.request(&request.id, request.context.trace_id));
        self.sink.push(&line.end());
    }
}
