//! Logs: one line for each event on standard output, JSON for machines and text for a terminal.
//!
//! Code calls `tracing::info!(field, "what happened")`; [`install`] decides where the line goes. Logging never ends the
//! process and never makes it wait: lines go through a bounded buffer. Lines that do not fit are counted and dropped.

mod format;
mod layer;
pub(crate) mod level;
mod sink;

use std::fmt;
use std::io::IsTerminal as _;
use std::sync::{Arc, OnceLock};

use tracing::Level;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::config::{AnyVariable, ConfigError, Environment, Type, Variable};
use crate::metrics::MetricWriter;
use layer::LogLayer;
use level::LEVEL;
use sink::Sink;

const LOG_FORMAT: Variable<Format> = Variable::new(
    "LOG_FORMAT",
    Type { name: "choice", parse: parse_format },
    "auto",
    "`json`, `text`, or `auto`: text where standard output is a terminal",
);

const LOG_LEVEL: Variable<Level> = Variable::new(
    "LOG_LEVEL",
    Type { name: "choice", parse: level::parse },
    "info",
    "`error`, `warn`, `info` (a line for each request; probes and scrapes only where they fail) or `debug`",
);

/// The variables of this module.
pub(crate) const VARIABLES: &[&dyn AnyVariable] = &[&LOG_FORMAT, &LOG_LEVEL];

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// Text where standard output is a terminal, JSON elsewhere.
    Auto,
    /// One JSON object.
    Json,
    /// Text, for people.
    Text,
}

/// Which events are logged, and how.
#[derive(Debug, Clone)]
pub(crate) struct LogSettings {
    format: Format,
    /// The least severe level that is logged.
    level: Level,
}

impl LogSettings {
    pub(crate) fn read(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Self { format: environment.get(&LOG_FORMAT)?, level: environment.get(&LOG_LEVEL)? })
    }
}

static SINK: OnceLock<Arc<Sink>> = OnceLock::new();

/// Sends the events of this crate and of the service's crate to standard output from now on. Later calls have no
/// effect.
pub(crate) fn install(settings: &LogSettings, service_crate: &'static str) {
    let sink = Arc::clone(SINK.get_or_init(Arc::default));
    let json = match settings.format {
        Format::Auto => !std::io::stdout().is_terminal(),
        Format::Json => true,
        Format::Text => false,
    };
    LEVEL.configure(settings.level);
    let log = LogLayer::new(sink, &LEVEL, json, service_crate);
    // An error means that a subscriber is installed already. It stays.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(log));
}

/// Writes lines out as they come. Never ends: spawn it as a task.
pub(crate) async fn write_out() {
    if let Some(sink) = SINK.get() {
        sink.write_out().await;
    }
}

/// Writes out what is buffered, as far as that is possible without waiting: before the process ends.
pub(crate) fn flush() {
    if let Some(sink) = SINK.get() {
        sink.flush();
    }
}

/// Writes the metrics of the log.
pub(crate) fn write_metrics(writer: &mut MetricWriter<'_>) -> fmt::Result {
    let lost = SINK.get().map_or(0, |sink| sink.lost());
    writer.counter("log_lines_lost", None, "Log lines that were dropped", &lost)
}

fn parse_format(text: &str) -> Result<Format, String> {
    match text {
        "auto" => Ok(Format::Auto),
        "json" => Ok(Format::Json),
        "text" => Ok(Format::Text),
        _ => Err("must be auto, json or text".into()),
    }
}
