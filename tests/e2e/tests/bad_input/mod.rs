//! Bad inputs, in tables, one service for each table: every one gets its answer, changes nothing, and the next good request
//! on the same service succeeds.

mod fields;
mod framing;
mod greedy;
mod heads;
mod json;
mod pipelines;
mod queries;
mod sizes;

use e2e::{RawResponse, TestApp, order};

/// A service with order 1 in it, for a table to be thrown at.
fn target() -> TestApp {
    target_with(&[])
}

fn target_with(env: &[(&str, &str)]) -> TestApp {
    let app = TestApp::spawn_with(env);
    app.post("/create_order", order(1)).expect_done();
    app
}

/// Fails unless the service still serves, on a kept connection and on a new one, and its only order is untouched.
#[track_caller]
fn assert_still_serves(app: &TestApp, after: &str) {
    let kept = app.get("/orders");
    assert_eq!((kept.status, kept.text().trim()), (200, format!("[{}]", order(1)).as_str()), "after {after}");
    let mut connection = app.connect();
    connection.send("GET /orders/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let fresh = connection.response().unwrap_or_else(|| panic!("a new connection got no answer after {after}"));
    assert_eq!((fresh.status, fresh.text().trim()), (200, order(1).as_str()), "after {after}");
}

/// What the service must do with bytes that are hardly a request.
#[derive(Clone, Copy)]
enum Answer {
    /// This problem.
    Problem(u16, &'static str),
    /// Some problem with a 4xx, or the end of the connection: the client may not have sent enough to be answered.
    Refused,
    /// Not an error at all.
    Fine(u16),
}

/// Sends bytes and checks the first answer. What is to be refused may be less than a request: then nothing more comes.
#[track_caller]
fn throw(app: &TestApp, what: &str, bytes: &[u8], answer: Answer) {
    let mut connection = app.connect();
    connection.send(bytes);
    if matches!(answer, Answer::Refused) {
        connection.shutdown_write();
    }
    let response: Option<RawResponse> = connection.response();
    match (answer, response) {
        (Answer::Problem(status, slug), Some(response)) => {
            assert_eq!(response.status, status, "{what}: {} {}", response.head, response.text());
            response.expect_problem(status, slug);
        }
        (Answer::Refused, None) => {}
        (Answer::Refused, Some(response)) => {
            assert!((400..500).contains(&response.status), "{what}: {} {}", response.head, response.text());
            response.expect_any_problem();
        }
        (Answer::Fine(status), Some(response)) => {
            assert_eq!(response.status, status, "{what}: {} {}", response.head, response.text());
        }
        (_, None) => panic!("{what}: the connection ended without an answer"),
    }
}
