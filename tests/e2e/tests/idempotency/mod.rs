//! `Idempotency-Key`: a write that is sent again is written once, and gets the first response.

mod expiry;
mod faults;
mod keys;
mod repeats;
mod simultaneous;

use e2e::{Client, Response, TestApp, order, orders, with};

/// A write: method, path, body.
type Write = (&'static str, &'static str, Option<String>);

const KEY: &str = "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"";

/// Every route that writes, for a table with the orders 1 to 3, each for another order.
fn all_writes() -> [Write; 10] {
    [
        ("POST", "/create_order", Some(order(10))),
        ("POST", "/create_orders", Some(orders(20..=25))),
        ("POST", "/create_orders", Some("[]".to_owned())),
        ("POST", "/update_order", Some(with(1, "quantity", Some("7")))),
        ("GET", "/delete_order?id=2", None),
        ("DELETE", "/delete_order?id=3", None),
        ("POST", "/orders", Some(with(1, "order_id", None))),
        ("POST", "/orders", Some(order(40))),
        ("PUT", "/orders/1", Some(with(1, "quantity", Some("9")))),
        ("DELETE", "/orders/1", None),
    ]
}

/// A service with the orders 1 to 3.
fn with_orders(app: TestApp) -> TestApp {
    app.post("/create_orders", orders(1..=3)).expect_done();
    app
}

#[track_caller]
fn send(client: &Client, (method, path, body): &Write, key: &str) -> Response {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    client.send(method, path, &headers, body.as_ref().map(String::as_bytes))
}

/// The responses' status, body and fields are the same, and only the second one is marked.
#[track_caller]
fn expect_replay(first: &Response, second: &Response) {
    assert!(first.status < 300, "{}", first.summary());
    assert_eq!(first.header("idempotency-replayed"), None);
    assert_eq!(second.header("idempotency-replayed"), Some("true"), "{}", second.summary());
    assert_eq!((first.status, &first.body), (second.status, &second.body));
    for name in ["content-type", "etag", "location"] {
        assert_eq!(first.header(name), second.header(name), "{name}");
    }
}

/// The number of keys in the table.
fn count_keys(app: &TestApp) -> String {
    app.sql("SELECT COUNT(*) FROM order_service_idempotency")
}
