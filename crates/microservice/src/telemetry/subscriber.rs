//! Turns `tracing` events into log lines. There are no spans: each line stands alone.

use std::sync::Arc;

use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use super::format::Line;
use super::sink::Sink;

/// This crate's own events have targets that begin with its name.
const KIT_CRATE: &str = env!("CARGO_CRATE_NAME");

/// The subscriber for events of this crate and of the service.
pub(super) struct LogSubscriber {
    sink: Arc<Sink>,
    level: Level,
    json: bool,
    service_crate: &'static str,
}

impl LogSubscriber {
    pub(super) fn new(sink: Arc<Sink>, level: Level, json: bool, service_crate: &'static str) -> Self {
        Self { sink, level, json, service_crate }
    }
}

impl Subscriber for LogSubscriber {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // Libraries trace each step. After `never`, tracing skips their events at no cost.
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let crate_name = metadata.target().split("::").next().unwrap_or_default();
        metadata.is_event()
            && *metadata.level() <= self.level
            && (crate_name == KIT_CRATE || crate_name == self.service_crate)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::start(*event.metadata().level(), self.json);
        event.record(&mut line);
        self.sink.push(&line.end());
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
