//! Takes the service's own `tracing` events and makes lines of them. There are no spans: each line says all it has to.

use std::sync::Arc;

use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use super::format::Line;
use super::sink::Sink;

/// The subscriber.
pub(super) struct Lines {
    sink: Arc<Sink>,
    level: Level,
    json: bool,
}

impl Lines {
    pub(super) fn new(sink: Arc<Sink>, level: Level, json: bool) -> Self {
        Self { sink, level, json }
    }
}

impl Subscriber for Lines {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // Libraries trace each step they take; asked once and refused here, that costs them nothing afterwards.
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= self.level && metadata.target().starts_with("order_service")
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
