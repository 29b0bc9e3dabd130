//! From the service to the collector: bounded, retried, and never waited for.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use e2e::{TestApp, order, wait_until};
use testkit::collector::Collector;
use testkit::ports;

use super::{TRACE, Traced, send_traced, spans_with};
use crate::operator::Observed;

/// A service with an operator's listener that sends its spans to this port.
fn spawn(port: u16, env: &[(&str, &str)]) -> Observed {
    let endpoint = format!("http://127.0.0.1:{port}");
    let own = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "50")];
    Observed::spawn(&[&own, env].concat())
}

impl Observed {
    fn metric(&self, series: &str) -> u64 {
        let text = self.operator.get("/metrics").expect(200).text();
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ').map(str::to_owned));
        value.unwrap_or_else(|| panic!("no {series} in {text}")).parse().unwrap()
    }
}

const OVERFLOWED: &str = "trace_spans_lost_total{reason=\"queue_full\"}";
const FAILED: &str = "trace_spans_lost_total{reason=\"export_failed\"}";
const EXPORTED: &str = "trace_spans_exported_total";

#[test]
fn without_the_collector_requests_are_served_and_lost_spans_are_counted() {
    let port = ports::free().unwrap();
    let observed = spawn(port, &[("OTEL_BSP_MAX_QUEUE_SIZE", "10")]);
    for id in 1..=50 {
        observed.app.post("/orders", order(id)).expect(201);
    }
    wait_until("spans that do not fit", || observed.metric(OVERFLOWED) > 100);
    assert_eq!(observed.metric(EXPORTED), 0);
    let log = || observed.app.service().log();
    wait_until("the warning", || log().contains("spans cannot be exported and are lost"));
    assert!(observed.metric(FAILED) > 0);
    assert_eq!(log().matches("spans cannot be exported").count(), 1, "once, and not for each batch");
    // The collector comes back, at the same address.
    let collector = Collector::start_on(port).unwrap();
    wait_until("a span that arrives", || {
        observed.app.get("/orders/1").expect(200);
        !collector.spans().unwrap().is_empty()
    });
    wait_until("the line", || log().contains("spans are exported again"));
}

#[test]
fn a_silent_collector_delays_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let observed = spawn(port, &[("OTEL_EXPORTER_OTLP_TIMEOUT", "200")]);
    let started = Instant::now();
    for _ in 0..100 {
        observed.app.get("/").expect(200);
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    drop(listener);
}

#[test]
fn a_collector_whose_name_does_not_resolve_is_named_in_the_log() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://no-such-collector.invalid:4318");
    let app = TestApp::spawn_with(&[endpoint, ("OTEL_BSP_SCHEDULE_DELAY", "50")]);
    app.get("/orders/1").expect(404);
    wait_until("the warning", || {
        let log = app.service().log();
        log.lines().any(|line| line.contains("spans cannot be exported") && line.contains("no-such-collector.invalid"))
    });
    app.get("/orders/1").expect(404);
}

/// A collector that is overloaded twice is asked again; the headers of the configuration are sent.
#[test]
fn an_overloaded_collector_gets_the_spans_again_with_the_configured_headers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20c2VjcmV0,x-tenant=shop");
    let observed = spawn(port, &[headers, ("OTEL_BSP_SCHEDULE_DELAY", "3600000")]);
    let requests = thread::spawn(move || {
        // One at a time; each says that it is the last of its connection.
        let statuses = ["503 Service Unavailable", "429 Too Many Requests", "200 OK"];
        statuses.map(|status| {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let request = read_request(&mut stream);
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}").unwrap();
            request
        })
    });
    // A full batch is sent at once.
    for _ in 0..256 {
        observed.app.get("/").expect(200);
    }
    wait_until("the batch", || observed.metric(EXPORTED) == 256);
    let [first, second, third] = requests.join().unwrap();
    assert!(first.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{first}");
    let head = first.split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
    for line in ["content-type: application/json", "authorization: basic c2vjcmv0", "x-tenant: shop", "content-length:"]
    {
        assert!(head.contains(line), "no {line} in {head}");
    }
    let body = |request: &str| request.split_once("\r\n\r\n").unwrap().1.to_owned();
    assert!(body(&first) == body(&second) && body(&second) == body(&third) && body(&first).contains("resourceSpans"));
    assert_eq!(observed.metric(FAILED), 0);
    assert!(!observed.app.service().log().contains("c2VjcmV0"), "a secret is logged");
}

fn read_request(stream: &mut impl Read) -> String {
    let mut received = Vec::new();
    loop {
        let mut part = [0; 16 * 1024];
        let count = stream.read(&mut part).unwrap();
        received.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&received).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.expect("a length") {
            return text;
        }
    }
}

#[test]
fn the_last_spans_are_exported_at_the_shutdown() {
    let collector = Collector::start().unwrap();
    let port = collector.endpoint().rsplit(':').next().unwrap().parse().unwrap();
    let observed = spawn(port, &[("OTEL_BSP_SCHEDULE_DELAY", "3600000"), ("DRAIN_DELAY", "0s")]);
    assert_eq!(send_traced(&observed.app, "GET", "/orders/1", TRACE, None), 404);
    assert!(collector.spans().unwrap().is_empty());
    observed.operator.post("/drain", "").expect(200);
    observed.app.service().wait(Duration::from_secs(20)).unwrap();
    spans_with(&collector, TRACE, "GET /orders/{id}");
}

/// The batch that is under way at the shutdown, and waits to be sent again, is sent once more.
#[test]
fn a_batch_in_a_pause_is_exported_at_the_shutdown_too() {
    let port = ports::free().unwrap();
    let observed = spawn(port, &[("DRAIN_DELAY", "0s")]);
    assert_eq!(send_traced(&observed.app, "GET", "/orders/1", TRACE, None), 404);
    // Refused, and sent again after one to two seconds.
    thread::sleep(Duration::from_millis(300));
    let collector = Collector::start_on(port).unwrap();
    observed.operator.post("/drain", "").expect(200);
    observed.app.service().wait(Duration::from_secs(20)).unwrap();
    spans_with(&collector, TRACE, "GET /orders/{id}");
}

#[test]
fn a_burst_of_requests_loses_no_span() {
    let traced = Traced::spawn(&[]);
    thread::scope(|scope| {
        for client in 0..4 {
            let app = &traced.app;
            scope
                .spawn(move || (0..100).for_each(|number| drop(app.post("/orders", order(1 + client * 100 + number)))));
        }
    });
    let posts = || {
        let spans = traced.collector.spans().unwrap();
        spans.iter().filter(|span| span.text("name") == "POST /orders").count()
    };
    wait_until("400 requests", || posts() == 400);
    // Some 2,000 spans, in batches and not one by one.
    let batches = traced.collector.batches();
    assert!(batches <= 100, "{batches} requests with spans");
    assert_eq!(traced.collector.log(), "");
}
