//! Traces, as a real OpenTelemetry Collector receives them.

mod database;
mod export;
mod requests;

use std::time::Duration;

use e2e::{Client, TestApp, wait_for_within};
use testkit::collector::{Collector, Span};

/// A caller's span, of a trace that is sampled.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

const TIMEOUT: Duration = Duration::from_secs(30);

/// A service that sends its spans to a collector every 50 ms.
struct Traced {
    app: TestApp,
    collector: Collector,
}

impl Traced {
    fn spawn(env: &[(&str, &str)]) -> Self {
        let collector = Collector::start().unwrap();
        let endpoint = collector.endpoint();
        let own = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "50")];
        Self { app: TestApp::spawn_with(&[&own, env].concat()), collector }
    }

    /// The spans of a trace, once the collector has one of this name.
    #[track_caller]
    fn spans_with(&self, trace: &str, name: &str) -> Vec<Span> {
        spans_with(&self.collector, trace, name)
    }
}

#[track_caller]
fn spans_with(collector: &Collector, trace: &str, name: &str) -> Vec<Span> {
    wait_for_within(TIMEOUT, &format!("the span {name}"), || {
        let mut spans = collector.spans().unwrap();
        spans.retain(|span| span.text("traceId") == trace);
        spans.iter().any(|span| span.text("name") == name).then_some(spans)
    })
}

/// The only span of this name.
#[track_caller]
fn only<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    let found: Vec<_> = spans.iter().filter(|span| span.text("name") == name).collect();
    assert_eq!(found.len(), 1, "spans {name} in {spans:#?}");
    found[0]
}

/// Sends a request with a `traceparent`; the status.
fn send_traced(client: &Client, method: &str, path: &str, trace: &str, body: Option<&str>) -> u16 {
    let traceparent = format!("00-{trace}-{CALLER}-01");
    let headers = [("traceparent", traceparent.as_str()), ("content-type", "application/json")];
    client.send(method, path, &headers, body.map(str::as_bytes)).status
}
