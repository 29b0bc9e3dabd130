//! The connection ends during COMMIT: the outcome is unknown, and nothing may be retried.

use testkit::{Action, Fault, Timing};

use super::{wait_until_serving, with_short_timeouts, within_deadline};
use e2e::{Client, Response, TestApp, order, orders, wait_for, with};

/// A write, and a check whether it has taken effect.
struct Write {
    name: &'static str,
    act: fn(&Client) -> Response,
    is_done: fn(&TestApp) -> bool,
}

const WRITES: [Write; 7] = [
    Write {
        name: "POST /create_order",
        act: |client| client.post("/create_order", order(50)),
        is_done: |app| app.has_order(50),
    },
    Write { name: "POST /orders", act: |client| client.post("/orders", order(50)), is_done: |app| app.has_order(50) },
    Write {
        name: "POST /create_orders",
        act: |client| client.post("/create_orders", orders(50..=60)),
        is_done: |app| {
            let count = app.sql("SELECT COUNT(*) FROM orders WHERE order_id BETWEEN 50 AND 60");
            assert!(count == "0" || count == "11", "all or nothing, not {count}");
            count == "11"
        },
    },
    Write {
        name: "POST /update_order",
        act: |client| client.post("/update_order", with(1, "quantity", Some("9"))),
        is_done: updated,
    },
    Write {
        name: "PUT /orders/1",
        act: |client| client.put("/orders/1", with(1, "quantity", Some("9"))),
        is_done: updated,
    },
    Write {
        name: "GET /delete_order?id=1",
        act: |client| client.get("/delete_order?id=1"),
        is_done: |app| !app.has_order(1),
    },
    Write { name: "DELETE /orders/1", act: |client| client.delete("/orders/1"), is_done: |app| !app.has_order(1) },
];

fn updated(app: &TestApp) -> bool {
    app.sql("SELECT quantity FROM orders WHERE order_id = 1") == "9"
}

fn prepare(app: &TestApp) {
    app.sql(
        "DELETE FROM orders; INSERT INTO orders (order_id, product_id, quantity, amount, shipping, tax, shipping_address) \
         VALUES (1, 12, 2, 56, 15, 2, '1 Harbour Lane')",
    );
}

/// Sends each write with a fault at its COMMIT. Afterwards it must have taken effect, or must not.
fn assert_unknown_outcome_at_commit(timing: Timing, action: Action, must_be_done: bool) {
    let app = with_short_timeouts().start();
    for write in &WRITES {
        prepare(&app);
        let triggered = app.proxy().triggered();
        app.proxy().set_once(Fault::on_pattern("COMMIT", timing, action)).unwrap();
        let response = within_deadline(write.name, || (write.act)(&app));
        assert_eq!(app.proxy().triggered(), triggered + 1, "{}: its COMMIT was met, once", write.name);
        let problem = response.expect_problem(503, "outcome-unknown");
        assert_eq!(response.header("retry-after"), None, "{}: a retry is not suggested", write.name);
        assert!(problem.errors.is_empty());
        app.proxy().set(Fault::Pass).unwrap();
        wait_until_serving(&app);
        assert_eq!((write.is_done)(&app), must_be_done, "{} with {timing:?}, {action:?}", write.name);
        app.get("/health").expect(200);
    }
}

#[test]
fn a_reset_before_the_commit_is_outcome_unknown_and_not_written() {
    assert_unknown_outcome_at_commit(Timing::BeforeServer, Action::Reset, false);
}

#[test]
fn a_close_before_the_commit_is_outcome_unknown_and_not_written() {
    assert_unknown_outcome_at_commit(Timing::BeforeServer, Action::Close, false);
}

#[test]
fn a_reset_after_the_commit_is_outcome_unknown_and_written_once() {
    assert_unknown_outcome_at_commit(Timing::AfterResponse, Action::Reset, true);
}

#[test]
fn a_close_after_the_commit_is_outcome_unknown_and_written_once() {
    assert_unknown_outcome_at_commit(Timing::AfterResponse, Action::Close, true);
}

#[test]
fn an_unknown_outcome_can_be_looked_up() {
    let app = with_short_timeouts().start();
    app.proxy().set_once(Fault::on_pattern("COMMIT", Timing::AfterResponse, Action::Reset)).unwrap();
    app.post("/create_order", order(7)).expect_problem(503, "outcome-unknown");
    app.get("/orders/7").expect(200);
    app.post("/create_order", order(7)).expect_problem(409, "duplicate-order");
    app.proxy().set_once(Fault::on_pattern("COMMIT", Timing::BeforeServer, Action::Reset)).unwrap();
    app.post("/create_order", order(8)).expect_problem(503, "outcome-unknown");
    app.get("/orders/8").expect_problem(404, "order-not-found");
    app.post("/create_order", order(8)).expect_done();
}

#[test]
fn the_log_reports_an_unknown_outcome_with_its_request_id() {
    let app = with_short_timeouts().start();
    app.proxy().set_once(Fault::on_pattern("COMMIT", Timing::AfterResponse, Action::Reset)).unwrap();
    let headers = [("x-request-id", "lost-commit-1"), ("content-type", "application/json")];
    app.send("POST", "/create_order", &headers, Some(order(7).as_bytes())).expect_problem(503, "outcome-unknown");
    wait_for("a log line with the request id", || {
        app.service()
            .log()
            .lines()
            .any(|line| line.contains("lost-commit-1") && line.contains("a COMMIT got no response"))
            .then_some(())
    });
}

/// Waits for timeouts.
mod slow {
    use super::*;

    #[test]
    fn silence_after_the_commit_is_outcome_unknown_in_time_and_written_once() {
        assert_unknown_outcome_at_commit(Timing::AfterResponse, Action::BlackHole, true);
    }

    #[test]
    fn silence_before_the_commit_is_outcome_unknown_in_time_and_not_written() {
        assert_unknown_outcome_at_commit(Timing::BeforeServer, Action::BlackHole, false);
    }
}
