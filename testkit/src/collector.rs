//! A real OpenTelemetry Collector that receives spans and shows them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::engine::run;
use crate::{Process, TempDir, artifacts, ports, wait_until};

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A collector that receives OTLP/HTTP. It ends on drop.
#[derive(Debug)]
pub struct Collector {
    port: u16,
    directory: TempDir,
    process: Process,
}

/// A span as the collector has written it.
#[derive(Debug, Clone)]
pub struct Span {
    /// The span's own fields, as OTLP has them in JSON.
    pub json: Value,
    /// The attributes of the process that it is of.
    pub resource: Value,
}

impl Collector {
    /// Starts one on a free port. `scripts/collector.sh` compiles it where it is not there yet.
    ///
    /// # Errors
    /// When it does not compile or start.
    pub fn start() -> Result<Self> {
        Self::start_on(ports::free()?)
    }

    /// Starts one on this port.
    ///
    /// # Errors
    /// As [`Collector::start`].
    pub fn start_on(port: u16) -> Result<Self> {
        let program = run(&mut Command::new(artifacts::root().join("scripts/collector.sh")))?;
        let directory = TempDir::new()?;
        let file = directory.path().join("collector.yaml");
        let spans = directory.path().join("spans.json");
        let configuration = format!(
            "receivers: {{otlp: {{protocols: {{http: {{endpoint: \"127.0.0.1:{port}\"}}}}}}}}\n\
             exporters: {{file: {{path: {}, flush_interval: 50ms}}}}\n\
             service:\n  telemetry: {{metrics: {{level: none}}, logs: {{level: warn}}}}\n\
             \x20 pipelines: {{traces: {{receivers: [otlp], exporters: [file]}}}}\n",
            spans.display()
        );
        fs::write(&file, configuration)?;
        let mut command = Command::new(program.trim());
        command.arg("--config").arg(&file);
        let process = Process::start(&command, &directory.path().join("log"))?;
        wait_until("the collector", START_TIMEOUT, || !process.is_running() || !ports::is_free(port))?;
        ensure!(process.is_running(), "the collector ended:\n{}", process.log());
        Ok(Self { port, directory, process })
    }

    /// The value of `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All spans that it has received so far.
    ///
    /// # Errors
    /// When it has written something else.
    pub fn spans(&self) -> Result<Vec<Span>> {
        let text = fs::read_to_string(self.spans_file()).unwrap_or_default();
        let complete = text.lines().take(text.matches('\n').count());
        let batches = complete.map(serde_json::from_str).collect::<Result<Vec<Value>, _>>();
        let mut spans = Vec::new();
        for batch in batches.context("the collector's file")? {
            for of_resource in list(&batch, "resourceSpans") {
                let resource = of_resource.pointer("/resource/attributes").cloned().unwrap_or_default();
                let of_scopes = list(of_resource, "scopeSpans").iter().flat_map(|scope| list(scope, "spans"));
                spans.extend(of_scopes.map(|json| Span { json: json.clone(), resource: resource.clone() }));
            }
        }
        Ok(spans)
    }

    /// The number of requests with spans that it has received.
    #[must_use]
    pub fn batches(&self) -> usize {
        fs::read_to_string(self.spans_file()).unwrap_or_default().lines().count()
    }

    /// What it logged: warnings and errors.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    fn spans_file(&self) -> PathBuf {
        self.directory.path().join("spans.json")
    }
}

impl Span {
    /// A text field; empty where there is none.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.json.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// An attribute's value, as text.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<String> {
        attribute(self.json.get("attributes")?, name)
    }

    /// An attribute of the process, as text.
    #[must_use]
    pub fn resource_attribute(&self, name: &str) -> Option<String> {
        attribute(&self.resource, name)
    }

    /// The beginning and the end, in nanoseconds since 1970.
    #[must_use]
    pub fn times(&self) -> (u64, u64) {
        let time = |name| self.text(name).parse().unwrap_or_default();
        (time("startTimeUnixNano"), time("endTimeUnixNano"))
    }

    /// True where the work has failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.json.pointer("/status/code").and_then(Value::as_u64) == Some(2)
    }
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn attribute(attributes: &Value, name: &str) -> Option<String> {
    let found = attributes.as_array()?.iter().find(|attribute| attribute.get("key").is_some_and(|key| key == name))?;
    let value = found.get("value")?.as_object()?.values().next()?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}
