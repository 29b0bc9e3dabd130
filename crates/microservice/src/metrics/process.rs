//! The process itself: when it started, what it is, its memory.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::registry::Unit;

use super::MetricWriter;
use crate::execution::Execution;
use crate::platform;

/// What is known of the process from its start.
#[derive(Debug)]
pub(crate) struct ProcessMetrics {
    started: SystemTime,
    service: &'static str,
    version: &'static str,
}

impl ProcessMetrics {
    /// The process of this service, which starts now.
    pub(crate) fn new(service: &'static str, version: &'static str) -> Self {
        Self { started: SystemTime::now(), service, version }
    }

    pub(crate) fn write_metrics(&self, execution: Execution, writer: &mut MetricWriter<'_>) -> fmt::Result {
        let labels = [("service", self.service), ("version", self.version), ("execution", execution.as_str())];
        writer.info("build", "The service, its version, and how its code is executed", &labels)?;
        let start = self.started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        writer.gauge("process_start_time", Some(&Unit::Seconds), "When the process started, in Unix time", &start)?;
        match platform::linear_memory_bytes() {
            Some(bytes) => writer.gauge(
                "wasm_linear_memory",
                Some(&Unit::Bytes),
                "The module's memory, which never shrinks",
                &bytes,
            ),
            None => Ok(()),
        }
    }
}
