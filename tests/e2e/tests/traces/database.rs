//! Spans of statements, and the comments that the database sees.

use std::sync::Arc;

use e2e::{TestApp, order};
use testkit::collector::Collector;
use testkit::{Fault, MariaDb};

use super::{CALLER, TRACE, Traced, only, send_traced, spans_with};

#[test]
fn statements_and_the_wait_for_a_connection_are_children_of_the_request() {
    let traced = Traced::spawn(&[]);
    assert_eq!(send_traced(&traced.app, "POST", "/orders", TRACE, Some(&order(7))), 201);
    let spans = traced.spans_with(TRACE, "POST /orders");
    let request = only(&spans, "POST /orders");
    let names: Vec<&str> = spans.iter().map(|span| span.text("name")).collect();
    let database = traced.app.database();
    for operation in ["wait for a connection", "START", "INSERT", "COMMIT"] {
        let is_wait = operation.starts_with("wait");
        let name = if is_wait { operation.to_owned() } else { format!("{operation} {database}") };
        let span = only(&spans, &name);
        assert_eq!(span.text("parentSpanId"), request.text("spanId"), "{name} in {names:?}");
        assert_eq!(span.json["kind"], if is_wait { 1 } else { 3 }, "{name}");
        let ((start, end), (first, last)) = (span.times(), request.times());
        assert!(first <= start && start <= end && end <= last, "{name}: {start}–{end} in {first}–{last}");
        for (attribute, value) in
            [("db.system.name", "mariadb"), ("db.namespace", traced.app.database()), ("server.address", "127.0.0.1")]
        {
            assert_eq!(span.attribute(attribute).as_deref(), Some(value), "{attribute} of {name}");
        }
        assert!(!span.has_failed(), "{span:?}");
    }
    let insert = only(&spans, &format!("INSERT {database}"));
    assert_eq!(insert.attribute("db.operation.name").as_deref(), Some("INSERT"));
    let text = insert.attribute("db.query.text").expect("the statement");
    assert!(text.contains("INTO orders") && text.contains('?'), "{text}");
    let all = format!("{spans:?}");
    assert!(!all.contains("Harbour Lane") && !all.contains("56.00"), "a value is in {all}");
}

#[test]
fn an_unavailable_database_is_a_failed_wait_and_a_failed_request() {
    let collector = Collector::start().unwrap();
    let endpoint = collector.endpoint();
    let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "50")];
    let app = TestApp::setup().through_proxy().env(&env).start();
    app.proxy().set(Fault::Refuse).unwrap();
    app.proxy().drop_connections();
    assert_eq!(send_traced(&app, "POST", "/orders", TRACE, Some(&order(7))), 503);
    let spans = spans_with(&collector, TRACE, "POST /orders");
    let request = only(&spans, "POST /orders");
    assert!(request.has_failed(), "{request:?}");
    assert_eq!(request.attribute("error.type").as_deref(), Some("503"));
    let failed = spans.iter().filter(|span| span.text("name") != "POST /orders" && span.has_failed());
    let errors: Vec<_> = failed.filter_map(|span| span.attribute("error.type")).collect();
    assert!(errors.iter().any(|error| error == "unavailable" || error == "connection_lost"), "{spans:#?}");
}

#[test]
fn a_comment_tells_the_database_the_trace_of_a_statement() {
    let server = Arc::new(MariaDb::start().unwrap());
    let app = TestApp::setup().server(&server).env(&[("DATABASE_TRACE_COMMENTS", "true")]).start();
    server.sql("", "SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON").unwrap();
    assert_eq!(send_traced(&app, "POST", "/orders", TRACE, Some(&order(7))), 201);
    assert_eq!(send_traced(&app, "GET", "/orders/7", TRACE, None), 200);
    let unsampled = [("traceparent", "00-cccccccccccccccccccccccccccccccc-00f067aa0ba902b7-00")];
    app.send("GET", "/orders/7", &unsampled, None).expect(200);
    app.get("/orders/7").expect(200);
    server.sql("", "SET GLOBAL general_log = OFF").unwrap();
    let log = server.sql("", "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log").unwrap();
    let comment = format!("/*traceparent='00-{TRACE}-{CALLER}-01'*/");
    for statement in ["START TRANSACTION", "INSERT INTO orders", "SELECT", "COMMIT"] {
        let has_comment = |line: &&str| line.contains(statement) && line.contains(&comment);
        // COMMIT is sent as it is: it says nothing that its connection does not.
        let expected = statement != "COMMIT";
        assert_eq!(log.lines().any(|line| has_comment(&line)), expected, "{statement} in {log}");
    }
    assert!(!log.contains("cccccccc"), "{log}");
    let bare = |line: &&str| line.contains("FROM orders") && !line.contains("traceparent");
    // Both SELECTs without a comment were executed by the statement that the connection had prepared.
    assert!(log.lines().filter(bare).count() >= 2, "{log}");
    // The statements with comments were closed again, those that failed too.
    let count =
        "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'PREPARED_STMT_COUNT'";
    let before: u32 = server.sql("", count).unwrap().trim().parse().unwrap();
    for id in 100..150 {
        assert_eq!(send_traced(&app, "POST", "/orders", TRACE, Some(&order(id))), 201);
        assert_eq!(send_traced(&app, "POST", "/orders", TRACE, Some(&order(id))), 409);
    }
    let after: u32 = server.sql("", count).unwrap().trim().parse().unwrap();
    assert!(after <= before + 2, "{before} before, {after} after");
}
