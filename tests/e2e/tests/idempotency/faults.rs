//! A client that does not know what became of its write repeats it under the same key.

use testkit::{Action, Fault, Timing};

use super::{KEY, Write, all_writes, count_keys, expect_replay, send};
use e2e::{TestApp, orders, wait_until};

/// Sends each write with a fault at its COMMIT, and again with the same key until there is a response without an error.
fn assert_settled(timing: Timing, action: Action, was_written: bool) {
    let env =
        [("STATEMENT_TIMEOUT", "1s"), ("CONNECT_TIMEOUT", "1s"), ("REQUEST_TIMEOUT", "3s"), ("BATCH_TIMEOUT", "2s")];
    let app = TestApp::setup().env(&env).through_proxy().start();
    for write in &all_writes() {
        app.sql("DELETE FROM orders; DELETE FROM order_service_idempotency");
        app.post("/create_orders", orders(1..=3)).expect_done();
        app.proxy().set_once(Fault::on_pattern("COMMIT", timing, action)).unwrap();
        send(&app, write, KEY).expect_problem(503, "outcome-unknown");
        app.proxy().set(Fault::Pass).unwrap();
        let settled = settle(&app, write);
        let is_replay = settled.header("idempotency-replayed").is_some();
        assert_eq!(is_replay, was_written, "{write:?} with {timing:?}, {action:?}");
        let orders = app.get("/orders").text();
        let again = send(&app, write, KEY);
        assert_eq!((again.status, &again.body), (settled.status, &settled.body));
        assert_eq!(app.get("/orders").text(), orders, "{write:?}");
        assert_eq!(count_keys(&app), "1");
    }
}

/// Repeats the write while the service says that it may be repeated.
fn settle(app: &TestApp, write: &Write) -> e2e::Response {
    let mut last = None;
    wait_until("a response without an error", || {
        let response = send(app, write, KEY);
        assert!(matches!(response.status, 200..=204 | 409 | 503 | 504), "{}", response.summary());
        let is_settled = response.status < 300;
        last = Some(response);
        is_settled
    });
    last.expect("a response")
}

#[test]
fn a_write_whose_commit_did_not_arrive_is_written_by_its_repeat() {
    assert_settled(Timing::BeforeServer, Action::Reset, false);
}

#[test]
fn a_write_whose_commit_got_no_response_is_replayed_by_its_repeat() {
    assert_settled(Timing::AfterResponse, Action::Reset, true);
}

#[test]
fn a_repeat_while_the_commit_is_under_way_waits_for_it() {
    let first = TestApp::setup().through_proxy().start();
    let other = TestApp::setup().database(first.database()).env(&[("STATEMENT_TIMEOUT", "2s")]).start();
    let write = ("POST", "/orders", Some(e2e::order(1)));
    first.proxy().set(Fault::on_pattern("COMMIT", Timing::BeforeServer, Action::Hold)).unwrap();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| send(&first.new_client(), &write, KEY));
        wait_until("the COMMIT", || first.proxy().triggered() == 1);
        send(&other, &write, KEY).expect_problem(409, "request-in-progress");
        first.proxy().set(Fault::Pass).unwrap();
        let done = running.join().expect("a response").expect(201);
        expect_replay(&done, &send(&other, &write, KEY));
    });
    assert_eq!((first.count_orders(), count_keys(&first)), (1, "1".to_owned()));
}

#[test]
fn a_key_that_got_no_response_leaves_nothing_behind() {
    let app = TestApp::setup().through_proxy().start();
    let write = ("POST", "/orders", Some(e2e::order(1)));
    for pattern in ["INSERT INTO order_service_idempotency", "UPDATE order_service_idempotency"] {
        app.sql("DELETE FROM orders; DELETE FROM order_service_idempotency");
        app.proxy().set_once(Fault::on_pattern(pattern, Timing::AfterResponse, Action::Reset)).unwrap();
        // The connection broke before the COMMIT: the work is repeated once, as a whole.
        let first = send(&app, &write, KEY).expect(201);
        app.proxy().set(Fault::Pass).unwrap();
        assert_eq!(first.header("idempotency-replayed"), None, "{pattern}");
        expect_replay(&first, &send(&app, &write, KEY));
        assert_eq!((app.count_orders(), count_keys(&app)), (1, "1".to_owned()), "{pattern}");
    }
}

#[test]
fn a_killed_service_leaves_no_key_without_its_write() {
    let app = TestApp::spawn();
    let write = ("POST", "/orders", Some(e2e::order(1)));
    let lock = e2e::DatabaseLock::table(&app);
    let client = app.new_client();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let headers = [("content-type", "application/json"), ("idempotency-key", KEY)];
            let body = write.2.as_ref().map(String::as_bytes);
            assert!(client.try_send("POST", "/orders", &headers, body).is_err(), "the service was killed");
        });
        wait_until("the write to wait for the table", || app.count_statements("INSERT INTO orders") == 1);
        app.service().kill();
    });
    lock.release();
    wait_until("the database to end the session", || app.count_statements("INSERT INTO orders") == 0);
    let app = app.start_again();
    assert_eq!((app.count_orders(), count_keys(&app)), (0, "0".to_owned()));
    let first = send(&app, &write, KEY).expect(201);
    expect_replay(&first, &send(&app, &write, KEY));
}

/// Waits for timeouts.
mod slow {
    use super::*;

    #[test]
    fn a_write_whose_commit_is_met_by_silence_is_settled_by_its_repeat() {
        assert_settled(Timing::AfterResponse, Action::BlackHole, true);
        assert_settled(Timing::BeforeServer, Action::BlackHole, false);
    }
}
