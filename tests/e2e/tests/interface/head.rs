//! `HEAD` wherever `GET` is supported: the same headers, no body and no effect.

use e2e::{RawConnection, TestApp, order, orders};

#[test]
fn head_is_supported_wherever_get_is() {
    let app = TestApp::spawn();
    app.post("/create_orders", orders(1..=3)).expect_done();
    for path in ["/", "/orders", "/orders?limit=2", "/orders/1", "/health", "/ready", "/init", "/delete_order?id=2"] {
        let response = app.head(path).expect(200);
        assert!(response.body.is_empty(), "HEAD {path} has a body");
        assert!(response.header("x-request-id").is_some(), "HEAD {path}");
    }
    for path in ["/orders/99", "/nowhere"] {
        assert!(app.head(path).expect(404).body.is_empty());
    }
}

#[test]
fn head_returns_the_headers_of_get() {
    let app = TestApp::spawn();
    app.post("/create_orders", orders(1..=3)).expect_done();
    for path in ["/", "/orders/1", "/orders?limit=2", "/health"] {
        let (get, head) = (app.get(path), app.head(path));
        for name in ["content-type", "etag", "link"] {
            assert_eq!(get.header(name), head.header(name), "{name} of {path}");
        }
        if let Some(length) = head.header("content-length") {
            assert_eq!(length, get.body.len().to_string(), "the length of {path}");
        }
    }
}

#[test]
fn head_deletes_nothing() {
    let app = TestApp::spawn();
    app.post("/create_orders", orders(1..=3)).expect_done();
    app.head("/delete_order?id=2");
    assert_eq!(app.get("/orders").text().trim(), orders(1..=3));
}

#[test]
fn head_initialises_nothing() {
    let app = TestApp::without_tables(&[]);
    app.head("/init");
    app.get("/orders").expect_problem(503, "not-initialised");
    app.get("/init").expect_done();
}

#[test]
fn head_resets_nothing() {
    let app = TestApp::spawn_with(&[("ALLOW_RESET", "true")]);
    app.post("/create_order", order(1)).expect_done();
    app.head("/init?reset=true");
    assert_eq!(app.get("/orders").text().trim(), orders([1]));
}

#[test]
fn a_connection_is_usable_after_head() {
    let app = TestApp::spawn();
    app.post("/create_orders", orders(1..=50)).expect_done();
    let mut connection: RawConnection = app.connect();
    for path in ["/orders", "/", "/nowhere", "/orders/1"] {
        connection.send(format!("HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n"));
        connection.response_to("HEAD").expect("a response to HEAD");
        assert_eq!(connection.expect_response().status, 200, "after HEAD {path}");
    }
}
