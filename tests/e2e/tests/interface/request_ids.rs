//! `X-Request-Id` on every response; a safe id of the client is kept.

use std::collections::HashSet;

use e2e::{TestApp, order};

#[test]
fn every_response_has_its_own_request_id() {
    let app = TestApp::spawn();
    let responses = [
        app.get("/"),
        app.get("/orders"),
        app.get("/nowhere"),
        app.get("/health"),
        app.get("/ready"),
        app.post("/create_order", order(1)),
        app.post("/create_order", order(1)),
        app.post("/create_order", "{"),
        app.delete("/orders/1"),
        app.options("/orders", &[]),
        app.post("/echo", "x"),
        app.send("PATCH", "/orders", &[], None),
    ];
    let ids: HashSet<&str> = responses.iter().map(|response| response.header("x-request-id").expect("an id")).collect();
    assert_eq!(ids.len(), responses.len(), "ids are not repeated: {ids:?}");
}

#[test]
fn a_clients_request_id_is_kept() {
    let app = TestApp::spawn();
    let longest = "x".repeat(64);
    for id in ["a", "3f2c-9.B_z", longest.as_str()] {
        let response = app.send("GET", "/nowhere", &[("x-request-id", id)], None);
        assert_eq!(response.header("x-request-id"), Some(id));
        assert_eq!(response.expect_problem(404, "not-found").request_id, id);
    }
}

#[test]
fn an_unsafe_request_id_is_replaced() {
    let app = TestApp::spawn();
    let long = "x".repeat(65);
    for id in ["", "a b", "a\"b", "<script>", "a;b", "a,b", "\u{e4}", "{}", long.as_str()] {
        let response = app.send("GET", "/health", &[("x-request-id", id)], None).expect(200);
        let given = response.headers.get("x-request-id").expect("an id").to_str().expect("a safe id");
        assert_ne!(given, id);
        assert!(!given.is_empty());
    }
}

#[test]
fn two_request_ids_are_reduced_to_one() {
    let app = TestApp::spawn();
    let response = app.send("GET", "/health", &[("x-request-id", "one"), ("x-request-id", "two")], None).expect(200);
    assert_eq!(response.headers.get_all("x-request-id").iter().count(), 1, "one id goes out");
}
