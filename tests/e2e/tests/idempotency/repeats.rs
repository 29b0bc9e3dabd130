//! Repeated requests, one after the other.

use e2e::{TestApp, order, with};

use super::{KEY, all_writes, count_keys, expect_replay, send, with_orders};
use crate::operator::Observed;

#[test]
fn every_write_that_is_repeated_is_written_once() {
    let app = with_orders(TestApp::spawn());
    for (number, write) in all_writes().iter().enumerate() {
        let key = format!("\"key {number}\"");
        let first = send(&app, write, &key);
        let orders = app.get("/orders").text();
        for _ in 0..2 {
            expect_replay(&first, &send(&app, write, &key));
        }
        assert_eq!(app.get("/orders").text(), orders, "{write:?}");
    }
    assert_eq!(count_keys(&app), "10");
}

#[test]
fn a_repeat_gets_the_response_of_its_time() {
    let app = TestApp::spawn();
    let post = ("POST", "/orders", Some(with(1, "order_id", None)));
    let first = send(&app, &post, KEY);
    assert_eq!(first.header("location"), Some("/orders/1"));
    app.put("/orders/1", with(1, "quantity", Some("9"))).expect(200);
    expect_replay(&first, &send(&app, &post, KEY));
    app.delete("/orders/1").expect(204);
    expect_replay(&first, &send(&app, &post, KEY));
    app.get("/orders/1").expect(404);
}

#[test]
fn without_a_key_nothing_is_stored() {
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect_done();
    app.post("/create_order", order(1)).expect_problem(409, "duplicate-order");
    assert_eq!(count_keys(&app), "0");
}

#[test]
fn what_fails_is_not_stored_and_the_same_key_can_succeed() {
    let app = with_orders(TestApp::spawn());
    let invalid = ("POST", "/orders", Some(with(9, "quantity", Some("0"))));
    send(&app, &invalid, KEY).expect_problem(400, "invalid-order");
    send(&app, &("POST", "/orders", Some("{".to_owned())), KEY).expect_problem(400, "invalid-json");
    send(&app, &("POST", "/create_order", Some(order(1))), KEY).expect_problem(409, "duplicate-order");
    send(&app, &("DELETE", "/orders/99", None), KEY).expect_problem(404, "order-not-found");
    let headers = [("idempotency-key", KEY), ("if-match", "\"other\"")];
    app.send("DELETE", "/orders/1", &headers, None).expect_problem(412, "precondition-failed");
    assert_eq!(count_keys(&app), "0");
    let valid = ("POST", "/orders", Some(order(9)));
    let first = send(&app, &valid, KEY).expect(201);
    expect_replay(&first, &send(&app, &valid, KEY));
    assert_eq!(count_keys(&app), "1");
}

#[test]
fn reads_and_calls_without_keys_ignore_one() {
    let app = with_orders(TestApp::spawn());
    let head = app.send("HEAD", "/delete_order?id=1", &[("idempotency-key", KEY)], None);
    assert_eq!((head.status, head.header("idempotency-replayed")), (200, None));
    for (method, path) in [("GET", "/orders/1"), ("GET", "/orders"), ("GET", "/init"), ("POST", "/echo")] {
        for key in [KEY, "\""] {
            let response = app.send(method, path, &[("idempotency-key", key)], None);
            assert_eq!((response.status, response.header("idempotency-replayed")), (200, None), "{method} {path}");
        }
    }
    assert_eq!(count_keys(&app), "0");
}

#[test]
fn a_reset_forgets_the_keys() {
    let app = TestApp::spawn_with(&[("ALLOW_RESET", "true")]);
    let write = ("POST", "/create_order", Some(order(1)));
    send(&app, &write, KEY).expect_done();
    app.get("/init?reset=true").expect_done();
    assert_eq!(count_keys(&app), "0");
    let again = send(&app, &write, KEY).expect_done();
    assert_eq!(again.header("idempotency-replayed"), None);
    assert!(app.has_order(1));
}

#[test]
fn the_metrics_tell_what_became_of_keys() {
    let observed = Observed::spawn(&[]);
    let app = &observed.app;
    let write = ("POST", "/create_order", Some(order(1)));
    for _ in 0..3 {
        send(app, &write, KEY).expect_done();
    }
    send(app, &("POST", "/create_order", Some(order(2))), KEY).expect_problem(422, "idempotency-key-reused");
    let metrics = observed.operator.get("/metrics").text();
    for line in [
        "idempotent_requests_total{outcome=\"first\"} 1",
        "idempotent_requests_total{outcome=\"replayed\"} 2",
        "idempotent_requests_total{outcome=\"reused\"} 1",
        "idempotent_requests_total{outcome=\"in_progress\"} 0",
        "idempotency_keys_expired_total 0",
    ] {
        assert!(metrics.lines().any(|known| known == line), "{line} in {metrics}");
    }
}
