//! Header fields of every response: no cache keeps it, no browser guesses its type.

use testkit::{http, ports};

use e2e::{Client, TestApp, order, wait_for};

#[track_caller]
fn check(what: &str, fields: [Option<&str>; 2]) {
    assert_eq!(fields, [Some("no-store"), Some("nosniff")], "{what}");
}

fn of_raw(response: &http::RawResponse) -> [Option<&str>; 2] {
    ["cache-control", "x-content-type-options"].map(|name| response.header(name))
}

#[test]
fn every_response_is_neither_stored_nor_sniffed() {
    let port = ports::free().expect("a free port");
    let admin = format!("127.0.0.1:{port}");
    let app = TestApp::spawn_with(&[("ADMIN_ADDR", &admin)]);
    let tag = app.post("/orders", order(1)).expect(201).etag();
    for (method, path, status) in [
        ("GET", "/", 200),
        ("GET", "/orders", 200),
        ("GET", "/orders?limit=1", 200),
        ("GET", "/orders/1", 200),
        ("HEAD", "/orders/1", 200),
        ("GET", "/orders/9", 404),
        ("GET", "/nowhere", 404),
        ("PUT", "/orders", 405),
        ("OPTIONS", "/orders", 204),
        ("POST", "/echo", 200),
        ("POST", "/create_order", 400),
        ("GET", "/health", 200),
        ("GET", "/ready", 200),
    ] {
        let response = app.send(method, path, &[], (method == "POST").then_some(b"{"));
        assert_eq!(response.status, status, "{method} {path}");
        check(path, ["cache-control", "x-content-type-options"].map(|name| response.header(name)));
    }
    let unchanged = app.send("GET", "/orders/1", &[("if-none-match", &tag)], None).expect(304);
    check("304", ["cache-control", "x-content-type-options"].map(|name| unchanged.header(name)));
    let operator = Client::operators(&format!("http://{admin}"));
    for path in ["/health", "/ready", "/nowhere"] {
        let response = operator.get(path);
        check(path, ["cache-control", "x-content-type-options"].map(|name| response.header(name)));
    }
}

#[test]
fn responses_to_malformed_heads_too() {
    let app = TestApp::spawn();
    let mut malformed = app.connect();
    malformed.send("nonsense\r\n\r\n");
    let response = malformed.expect_response();
    response.expect_problem(400, "invalid-request");
    check("400", of_raw(&response));
    let mut large = app.connect();
    large.send(format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(70 * 1024)));
    let response = large.expect_response();
    response.expect_problem(431, "headers-too-large");
    check("431", of_raw(&response));
}

#[test]
fn responses_to_excess_connections_too() {
    let app = TestApp::spawn_with(&[("MAX_CONNECTIONS", "2")]);
    let mut held = Vec::new();
    let response = wait_for("an excess connection", || {
        let mut connection = app.connect();
        connection.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
        let response = connection.expect_response();
        held.push(connection);
        (response.status == 503).then_some(response)
    });
    response.expect_problem(503, "overloaded");
    check("503", of_raw(&response));
}
