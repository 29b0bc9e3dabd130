//! Pipelined requests on one connection.

use super::{assert_still_serves, spawn_with_order};
use e2e::{order, with};

const GET: &str = "GET /orders/1 HTTP/1.1\r\nHost: x\r\n\r\n";

fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn pipelined_requests_get_their_responses_in_order() {
    let app = spawn_with_order();
    let mut connection = app.connect();
    let paths = ["/orders/1", "/health", "/nowhere", "/orders/2", "/orders?limit=0"];
    let all: String =
        paths.iter().cycle().take(100).map(|path| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).collect();
    connection.send(all);
    let statuses: Vec<u16> = (0..100).map(|_| connection.expect_response().status).collect();
    assert_eq!(statuses, [200, 200, 404, 404, 400].repeat(20));
    assert_still_serves(&app, "a pipeline");
}

#[test]
fn pipelined_reads_see_the_writes_before_them() {
    let app = spawn_with_order();
    let mut connection = app.connect();
    let changed = with(1, "quantity", Some("9"));
    connection.send(format!("{}{GET}{}{GET}", post("/update_order", &changed), post("/update_order", &order(1))));
    let responses: Vec<String> = (0..4).map(|_| connection.expect_response().text().trim().to_owned()).collect();
    assert_eq!(responses, [r#"{"status":true}"#, &changed, r#"{"status":true}"#, &order(1)]);
    assert_still_serves(&app, "pipelined writes");
}

#[test]
fn a_request_after_a_malformed_one_is_not_executed() {
    let app = spawn_with_order();
    for broken in [
        "NONSENSE\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost x\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
    ] {
        let mut connection = app.connect();
        connection.send(format!("{GET}{broken}GET /delete_order?id=1 HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!(connection.expect_response().status, 200, "the good request before {broken:?} is answered");
        if let Some(response) = connection.response() {
            assert!((400..500).contains(&response.status), "{broken:?}: {}", response.head);
            assert!(connection.response().is_none(), "a response came after {broken:?}");
        }
        assert_still_serves(&app, broken);
    }
}

#[test]
fn an_unread_body_is_not_parsed_as_a_request() {
    let app = spawn_with_order();
    // A body that the service does not read must not be parsed as the next request.
    let body = "GET /delete_order?id=1 HTTP/1.1\r\nHost: x\r\n\r\n".repeat(3);
    for (method, path, kind) in [
        ("POST", "/nowhere", "application/json"),
        ("POST", "/orders", "text/plain"),
        ("PATCH", "/orders", "application/json"),
        ("GET", "/health", "text/plain"),
    ] {
        let mut connection = app.connect();
        let length = body.len();
        connection.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}{GET}"
        ));
        connection.expect_response();
        if let Some(second) = connection.response() {
            assert_eq!((second.status, second.text().trim().to_owned()), (200, order(1)), "after {method} {path}");
        }
        assert_still_serves(&app, path);
    }
}

#[test]
fn a_request_sent_byte_by_byte_is_served() {
    let app = spawn_with_order();
    let mut connection = app.connect();
    for byte in GET.bytes() {
        connection.send([byte]);
    }
    assert_eq!(connection.expect_response().status, 200);
    assert_still_serves(&app, "single bytes");
}

#[test]
fn connection_close_closes_the_connection_after_the_response() {
    let app = spawn_with_order();
    let mut connection = app.connect();
    connection.send(format!("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n{GET}"));
    assert_eq!(connection.expect_response().status, 200);
    assert!(connection.response().is_none(), "a second response on a closed connection");
}

#[test]
fn a_thousand_requests_share_one_connection() {
    let app = spawn_with_order();
    let mut connection = app.connect();
    for _ in 0..1_000 {
        connection.send(GET);
        assert_eq!(connection.expect_response().status, 200);
    }
}
