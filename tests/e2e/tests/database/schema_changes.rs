//! The connection ends while tables are dropped or created: nobody knows what was done, and nothing says otherwise.

use std::thread;

use testkit::{Action, Fault, Timing};

use super::SHORT_TIMEOUTS;
use e2e::{DatabaseLock, Response, TestApp, order, orders, wait_until};

/// A service that may reset its tables, through a proxy.
fn start(timeouts: &[(&str, &str)]) -> TestApp {
    TestApp::setup().through_proxy().env(timeouts).env(&[("ALLOW_RESET", "true")]).start()
}

#[track_caller]
fn expect_unknown_outcome(response: &Response) {
    let problem = response.expect_problem(503, "outcome-unknown");
    assert!(problem.detail.contains("GET /init"), "{}", problem.detail);
    assert!(!problem.detail.contains("Nothing was written"), "{}", problem.detail);
}

/// Interrupts a reset at the statement with this text. Afterwards `/init` makes the tables whole.
fn assert_unknown_outcome_at(statement: &str, timing: Timing, action: Action) {
    // Only silence needs timeouts to end.
    let app = start(if action == Action::BlackHole { &SHORT_TIMEOUTS } else { &[] });
    app.post("/create_orders", orders(1..=3)).expect_done();
    app.proxy().set_once(Fault::on_pattern(statement, timing, action)).unwrap();
    let response = app.get("/init?reset=true");
    assert_eq!(app.proxy().triggered(), 1, "{statement}");
    expect_unknown_outcome(&response);
    app.proxy().set(Fault::Pass).unwrap();
    wait_until("the tables to be whole again", || app.get("/init").status == 200);
    wait_until("an order", || matches!(app.put("/orders/9", order(9)).status, 200 | 404));
}

#[test]
fn a_reset_lost_at_its_drop_is_outcome_unknown() {
    assert_unknown_outcome_at("DROP TABLE", Timing::BeforeServer, Action::Reset);
    assert_unknown_outcome_at("DROP TABLE", Timing::AfterResponse, Action::Close);
}

#[test]
fn a_reset_lost_after_its_drop_is_outcome_unknown() {
    assert_unknown_outcome_at("CREATE TABLE", Timing::BeforeServer, Action::Reset);
    assert_unknown_outcome_at("INSERT IGNORE", Timing::AfterResponse, Action::Reset);
}

#[test]
fn an_init_lost_at_its_create_is_outcome_unknown() {
    let app = TestApp::setup().through_proxy().env(&[("AUTO_INIT", "false")]).without_waiting().start();
    app.proxy().set_once(Fault::on_pattern("CREATE TABLE", Timing::AfterResponse, Action::Reset)).unwrap();
    expect_unknown_outcome(&app.get("/init"));
    app.get("/init").expect_done();
    app.post("/create_order", order(1)).expect_done();
}

#[test]
fn a_lost_release_of_the_lock_is_no_error_because_all_is_done() {
    let app = start(&[]);
    app.proxy().set_once(Fault::on_pattern("RELEASE_LOCK", Timing::BeforeServer, Action::Reset)).unwrap();
    app.get("/init?reset=true").expect_done();
    assert_eq!(app.proxy().triggered(), 1);
    app.get("/init").expect_done();
}

/// Waits for timeouts.
mod slow {
    use super::*;

    #[test]
    fn a_reset_whose_drop_gets_no_response_is_outcome_unknown() {
        assert_unknown_outcome_at("DROP TABLE", Timing::AfterResponse, Action::BlackHole);
        assert_unknown_outcome_at("CREATE TABLE", Timing::BeforeServer, Action::BlackHole);
    }
}

#[test]
fn calls_of_init_that_wait_for_another_replica_leave_the_connections_to_requests() {
    let app = TestApp::spawn();
    let lock = DatabaseLock::migrations(&app);
    let statuses: Vec<u16> = thread::scope(|scope| {
        let calls: Vec<_> = (0..20).map(|_| scope.spawn(|| app.new_client().get("/init").status)).collect();
        wait_until("one of them to wait for the lock", || app.service().log().contains("waiting for another replica"));
        for id in 1..=20 {
            app.post("/create_order", order(id)).expect_done();
        }
        lock.release();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(statuses, [200; 20]);
}
