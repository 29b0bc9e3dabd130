//! Who may do what: hosts, other sites, tokens, scopes, rate limits.

mod cross_site;
mod hosts;
mod issuer;
mod jwt;
mod jwt_limits;
mod operator;
mod rate_limits;
mod reload;
mod response_fields;
mod secrets;
mod start;
pub(crate) mod token_file;
mod tokens;

use e2e::{Response, TestApp};

/// A call that writes, with its body.
type Write = (&'static str, &'static str, Option<&'static str>);

/// Calls that write, on a table with the order 1.
const WRITES: [Write; 9] = [
    ("GET", "/init", None),
    ("GET", "/delete_order?id=1", None),
    ("DELETE", "/delete_order?id=1", None),
    ("POST", "/create_order", Some(ORDER_2)),
    ("POST", "/create_orders", Some("[]")),
    ("POST", "/update_order", Some(ORDER_1)),
    ("POST", "/orders", Some(ORDER_2)),
    ("PUT", "/orders/1", Some(ORDER_1)),
    ("DELETE", "/orders/1", None),
];

const ORDER_1: &str =
    r#"{"order_id":1,"product_id":2,"quantity":3,"amount":4,"shipping":5,"tax":6,"shipping_address":"x"}"#;
const ORDER_2: &str =
    r#"{"order_id":2,"product_id":2,"quantity":3,"amount":4,"shipping":5,"tax":6,"shipping_address":"x"}"#;

/// Sends a call with these headers.
#[track_caller]
fn send(app: &TestApp, (method, path, body): Write, headers: &[(&str, &str)]) -> Response {
    app.send(method, path, headers, body.map(str::as_bytes))
}

/// Sends a request with a bearer token.
#[track_caller]
fn send_with_token(app: &TestApp, (method, path, body): Write, token: &str) -> Response {
    send(app, (method, path, body), &[("authorization", &format!("Bearer {token}"))])
}
