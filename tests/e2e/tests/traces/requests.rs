//! The span of a request, and the trace that it belongs to.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use e2e::{TestApp, order, orders, wait_for, wait_until};
use serde_json::Value;
use testkit::collector::Collector;
use testkit::{Fault, ports};

use super::{CALLER, TRACE, Traced, only, send_traced, spans_with};

#[test]
fn a_request_joins_its_callers_trace() {
    let traced = Traced::spawn(&[("OTEL_SERVICE_NAME", "shop"), ("OTEL_RESOURCE_ATTRIBUTES", "site=harbour%20lane")]);
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    let headers = [
        ("traceparent", traceparent.as_str()),
        ("tracestate", "vendor=value"),
        ("x-request-id", "request-7"),
        ("content-type", "application/json"),
    ];
    let before = SystemTime::now();
    traced.app.post("/orders", order(7)).expect(201);
    traced.app.send("PUT", "/orders/7", &headers, Some(order(7).as_bytes())).expect(200);
    let spans = traced.spans_with(TRACE, "PUT /orders/{id}");
    let request = only(&spans, "PUT /orders/{id}");
    assert_eq!(request.text("parentSpanId"), CALLER);
    assert_eq!(request.text("traceState"), "vendor=value");
    assert_eq!(request.json["kind"], 2);
    for (name, value) in [
        ("http.request.method", "PUT"),
        ("http.route", "/orders/{id}"),
        ("http.response.status_code", "200"),
        ("url.path", "/orders/7"),
        ("url.scheme", "http"),
        ("network.protocol.version", "1.1"),
    ] {
        assert_eq!(request.attribute(name).as_deref(), Some(value), "{name} of {request:?}");
    }
    let id = request.attribute("http.response.header.x-request-id").unwrap_or_default();
    assert!(id.contains("\"request-7\""), "{id}");
    assert!(!request.has_failed());
    assert!(request.resource_attribute("service.instance.id").is_some_and(|id| id.len() == 32), "{request:?}");
    for (name, value) in
        [("service.name", "shop"), ("site", "harbour lane"), ("service.version", env!("CARGO_PKG_VERSION"))]
    {
        // The tests have a version of their own.
        let is_version = name == "service.version";
        let found = request.resource_attribute(name).unwrap_or_default();
        assert!(found == value || (is_version && !found.is_empty()), "{name}: {found}");
    }
    let nanos = |time: SystemTime| u64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap();
    let (start, end) = request.times();
    let margin = Duration::from_millis(5).as_nanos() as u64;
    assert!(start + margin >= nanos(before) && start <= end && end <= nanos(SystemTime::now()), "{start} {end}");
}

#[test]
fn a_request_without_a_trace_begins_one_that_its_log_lines_name() {
    let traced = Traced::spawn(&[("LOG_FORMAT", "json")]);
    traced.app.send("GET", "/orders/1", &[("x-request-id", "first-of-its-trace")], None).expect(404);
    let log = || traced.app.service().log();
    let line: Value = wait_for("the request's line", || {
        log().lines().find(|line| line.contains("first-of-its-trace")).map(|line| serde_json::from_str(line).unwrap())
    });
    let trace = line["trace_id"].as_str().expect("a trace").to_owned();
    assert_eq!(trace.len(), 32, "{line}");
    let spans = traced.spans_with(&trace, "GET /orders/{id}");
    let request = only(&spans, "GET /orders/{id}");
    assert_eq!(request.text("parentSpanId"), "");
    assert_eq!(request.attribute("http.response.status_code").as_deref(), Some("404"));
    // A client's error is none of the server's.
    assert!(!request.has_failed());
}

#[test]
fn log_lines_have_the_callers_trace_without_a_collector_too() {
    let app = TestApp::spawn_with(&[("LOG_FORMAT", "json")]);
    assert_eq!(send_traced(&app, "GET", "/orders/1", TRACE, None), 404);
    wait_until("the line", || app.service().log().lines().any(|line| line.contains(TRACE)));
    // An invalid one is replaced by a new one.
    let invalid = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
    app.send("GET", "/orders/2", &[("traceparent", invalid), ("x-request-id", "replaced")], None).expect(404);
    let line: Value = wait_for("the line", || {
        let log = app.service().log();
        log.lines().find(|line| line.contains("replaced")).map(|line| serde_json::from_str(line).unwrap())
    });
    let trace = line["trace_id"].as_str().unwrap();
    assert!(trace.len() == 32 && trace.bytes().any(|byte| byte != b'0'), "{line}");
}

#[test]
fn the_callers_decision_holds() {
    let traced = Traced::spawn(&[]);
    let unsampled = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let header = format!("00-{unsampled}-{CALLER}-00");
    traced.app.send("GET", "/orders/1", &[("traceparent", &header)], None).expect(404);
    assert_eq!(send_traced(&traced.app, "GET", "/orders/1", TRACE, None), 404);
    traced.spans_with(TRACE, "GET /orders/{id}");
    let spans = traced.collector.spans().unwrap();
    assert!(spans.iter().all(|span| span.text("traceId") != unsampled), "{spans:#?}");
}

#[test]
fn the_sampler_of_the_configuration_decides() {
    let traced =
        Traced::spawn(&[("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.5")]);
    for id in 1..=200 {
        traced.app.get(&format!("/orders/{id}")).expect(404);
    }
    assert_eq!(send_traced(&traced.app, "GET", "/", TRACE, None), 200);
    traced.spans_with(TRACE, "GET /");
    let spans = traced.collector.spans().unwrap();
    let recorded = spans.iter().filter(|span| span.text("name") == "GET /orders/{id}").count();
    // Beyond these bounds with a probability of one in 10^11.
    assert!((50..=150).contains(&recorded), "{recorded} of 200");
}

#[test]
fn probes_and_requests_of_the_operator_are_not_recorded() {
    let admin = format!("127.0.0.1:{}", ports::free().unwrap());
    let traced = Traced::spawn(&[("ADMIN_ADDR", &admin)]);
    let operator = e2e::Client::operators(&format!("http://{admin}"));
    let internal = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    for path in ["/health", "/ready", "/metrics"] {
        assert_eq!(send_traced(&operator, "GET", path, internal, None), 200);
    }
    for path in ["/health", "/ready"] {
        assert_eq!(send_traced(&traced.app, "GET", path, internal, None), 200);
    }
    assert_eq!(send_traced(&traced.app, "GET", "/", TRACE, None), 200);
    traced.spans_with(TRACE, "GET /");
    let spans = traced.collector.spans().unwrap();
    assert!(spans.iter().all(|span| span.text("traceId") != internal), "{spans:#?}");
}

#[test]
fn a_client_that_goes_away_leaves_the_span_of_its_request() {
    let collector = Collector::start().unwrap();
    let endpoint = collector.endpoint();
    let own = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "50")];
    let app = TestApp::setup().through_proxy().env(&own).env(&[("REQUEST_TIMEOUT", "1s")]).start();
    app.get("/orders/1").expect(404);
    app.proxy().set(Fault::BlackHole).unwrap();
    let mut connection = app.connect();
    connection.send(format!("GET /orders/1 HTTP/1.1\r\nHost: x\r\nTraceparent: 00-{TRACE}-{CALLER}-01\r\n\r\n"));
    // The service has the request, and waits for its database.
    app.get("/").expect(200);
    connection.reset();
    let spans = spans_with(&collector, TRACE, "GET /orders/{id}");
    assert!(only(&spans, "GET /orders/{id}").has_failed(), "{spans:#?}");
}

#[test]
fn a_method_of_a_clients_own_is_not_in_the_span() {
    let traced = Traced::spawn(&[]);
    let method = "X".repeat(8_000);
    let mut connection = traced.app.connect();
    connection.send(format!("{method} / HTTP/1.1\r\nHost: x\r\nTraceparent: 00-{TRACE}-{CALLER}-01\r\n\r\n"));
    assert_eq!(connection.expect_response().status, 405);
    let spans = traced.spans_with(TRACE, "HTTP");
    let span = only(&spans, "HTTP");
    assert_eq!(span.attribute("http.request.method").as_deref(), Some("_OTHER"));
    assert!(!format!("{span:?}").contains("XXX"), "{span:?}");
}

#[test]
fn the_parts_of_a_streamed_response_belong_to_its_trace() {
    let traced = Traced::spawn(&[]);
    traced.app.post("/create_orders", orders(1..=5_000)).expect_done();
    assert_eq!(send_traced(&traced.app, "GET", "/orders", TRACE, None), 200);
    let selects = || {
        let spans = traced.spans_with(TRACE, "GET /orders");
        spans.iter().filter(|span| span.text("name").starts_with("SELECT ")).count()
    };
    wait_until("several SELECTs", || selects() > 2);
}
