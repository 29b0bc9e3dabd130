//! Metrics: what the process does, in the OpenMetrics text format, for `GET /metrics` on the operator's listener.
//!
//! Each part of the kit counts for itself and writes its metrics when it is asked, with a [`MetricWriter`]. Names are
//! those of OpenTelemetry where it has a metric of the same meaning, as Prometheus spells them:
//!
//! - <https://opentelemetry.io/docs/specs/semconv/http/http-metrics/>, `…/database/database-metrics/`
//! - <https://prometheus.io/docs/practices/naming/>
//!
//! Labels have values from fixed lists: the table of routes, enums, constants. No client can make a new series.
//! docs/OPERATIONS.md explains each metric.

mod connections;
mod process;
mod requests;
mod shed;
mod text_format;
mod writer;

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::registry::Registry;

use connections::ConnectionMetrics;
pub(crate) use connections::CutOffReason;
use process::ProcessMetrics;
use requests::RequestMetrics;
pub(crate) use requests::{RouteLabels, method_name};
use shed::ShedMetrics;
pub(crate) use text_format::MEDIA_TYPE as PROMETHEUS_TEXT;
#[cfg(test)]
pub(crate) use writer::tests::written;
pub(crate) use writer::{DurationFamily, MetricWriter, duration_family, duration_histogram};

use crate::app::App;

/// OpenMetrics as a media type: in any version, as a scraper asks for it, and in the one that is sent.
const OPENMETRICS: &str = "application/openmetrics-text";
pub(crate) const OPENMETRICS_TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the kit counts that has no other place.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) process: ProcessMetrics,
    pub(crate) requests: RequestMetrics,
    pub(crate) connections: ConnectionMetrics,
    pub(crate) shed: ShedMetrics,
    /// The service's own metrics.
    pub(crate) service: Registry,
}

impl Metrics {
    /// The metrics of a service with these routes, whose process starts now.
    pub(crate) fn new(service: &'static str, version: &'static str, routes: Vec<RouteLabels>) -> Self {
        Self {
            process: ProcessMetrics::new(service, version),
            requests: RequestMetrics::new(routes),
            connections: ConnectionMetrics::default(),
            shed: ShedMetrics::default(),
            service: Registry::default(),
        }
    }
}

/// All metrics as text, and its media type: OpenMetrics where `accept` names it, as Prometheus does, else Prometheus'
/// own format.
///
/// # Errors
/// None: a string takes all that is written.
pub(crate) fn encode(app: &Arc<App>, accept: &str) -> Result<(String, &'static str), fmt::Error> {
    let text = encode_openmetrics(app)?;
    Ok(match accept.contains(OPENMETRICS) {
        true => (text, OPENMETRICS_TEXT),
        false => (text_format::from_openmetrics(&text), PROMETHEUS_TEXT),
    })
}

/// The metrics of the kit, and those of the service.
fn encode_openmetrics(app: &Arc<App>) -> Result<String, fmt::Error> {
    let mut kit = Registry::default();
    kit.register_collector(Box::new(AppCollector(Arc::clone(app))));
    let mut text = String::new();
    encode_registry(&mut text, &kit)?;
    encode_registry(&mut text, &app.metrics.service)?;
    encode_eof(&mut text)?;
    Ok(text)
}

/// Asks each part of the kit for its metrics.
#[derive(Debug)]
struct AppCollector(Arc<App>);

impl Collector for AppCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.write_metrics(&mut MetricWriter::new(encoder))
    }
}
