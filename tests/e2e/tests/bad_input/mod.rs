//! Tables of invalid inputs, each with a service of its own. Every input gets the expected response and changes
//! nothing, and the next valid request succeeds.

mod fields;
mod framing;
mod heads;
mod json;
mod pipelines;
mod queries;
mod resource_use;
mod sizes;

use e2e::{RawResponse, TestApp, order};

/// A service with order 1 in its table.
fn spawn_with_order() -> TestApp {
    spawn_with_order_and(&[])
}

fn spawn_with_order_and(env: &[(&str, &str)]) -> TestApp {
    let app = TestApp::spawn_with(env);
    app.post("/create_order", order(1)).expect_done();
    app
}

/// Checks that the service still serves on a kept and on a new connection, and that its only order is unchanged.
#[track_caller]
fn assert_still_serves(app: &TestApp, after: &str) {
    let kept = app.get("/orders");
    assert_eq!((kept.status, kept.text().trim()), (200, format!("[{}]", order(1)).as_str()), "after {after}");
    let mut connection = app.connect();
    connection.send("GET /orders/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let fresh = connection.response().unwrap_or_else(|| panic!("a new connection got no response after {after}"));
    assert_eq!((fresh.status, fresh.text().trim()), (200, order(1).as_str()), "after {after}");
}

/// The expected response to malformed bytes.
#[derive(Clone, Copy)]
enum Expected {
    /// This problem.
    Problem(u16, &'static str),
    /// Any problem with a 4xx status, or the end of the connection: the bytes may be an incomplete request.
    Rejected,
    /// A response with this status, and no problem.
    Status(u16),
}

/// Sends bytes and checks the first response. If they must be rejected, it closes the sending half: they may be
/// incomplete.
#[track_caller]
fn send_and_check(app: &TestApp, what: &str, bytes: &[u8], expected: Expected) {
    let mut connection = app.connect();
    connection.send(bytes);
    if matches!(expected, Expected::Rejected) {
        connection.shutdown_write();
    }
    let response: Option<RawResponse> = connection.response();
    match (expected, response) {
        (Expected::Problem(status, slug), Some(response)) => {
            assert_eq!(response.status, status, "{what}: {} {}", response.head, response.text());
            response.expect_problem(status, slug);
        }
        (Expected::Rejected, None) => {}
        (Expected::Rejected, Some(response)) => {
            assert!((400..500).contains(&response.status), "{what}: {} {}", response.head, response.text());
            response.expect_any_problem();
        }
        (Expected::Status(status), Some(response)) => {
            assert_eq!(response.status, status, "{what}: {} {}", response.head, response.text());
        }
        (_, None) => panic!("{what}: the connection ended without a response"),
    }
}
