//! Logs: one line an event on standard output, JSON for machines and text for a terminal.
//!
//! Code says `tracing::info!(field, "what happened")`; [`install`] decides what becomes of it. A log that nobody reads, or
//! that cannot be written, never ends the process and never makes it wait: lines go through a bounded buffer, and what does
//! not fit is counted and dropped.

mod format;
mod sink;
mod subscriber;
mod time;

use std::io::IsTerminal as _;
use std::sync::{Arc, OnceLock};

pub use tracing::Level;

use sink::Sink;
use subscriber::Lines;

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text where a terminal reads it, JSON elsewhere.
    Auto,
    /// One JSON object.
    Json,
    /// Words, for people.
    Text,
}

/// What is logged, and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How a line looks.
    pub format: Format,
    /// The least severe level that is logged.
    pub level: Level,
}

static SINK: OnceLock<Arc<Sink>> = OnceLock::new();

/// Sends the service's own events to standard output from now on. Takes effect once a process.
pub fn install(settings: &Settings) {
    let sink = Arc::clone(SINK.get_or_init(Arc::default));
    let json = match settings.format {
        Format::Auto => !std::io::stdout().is_terminal(),
        Format::Json => true,
        Format::Text => false,
    };
    // An error means that one is installed already, which then goes on.
    let _ = tracing::subscriber::set_global_default(Lines::new(sink, settings.level, json));
}

/// Writes lines out as they come; never ends. To be spawned beside the work.
pub async fn write_out() {
    if let Some(sink) = SINK.get() {
        sink.drain().await;
    }
}

/// Writes out what is still held, as far as that is possible without waiting: before the process ends.
pub fn flush() {
    if let Some(sink) = SINK.get() {
        sink.flush();
    }
}
