//! A database that is not available at the service's start.

use testkit::Fault;

use super::{call_every_endpoint, expect_database_problem, wait_until_serving, with_short_timeouts};
use e2e::{TestApp, order, orders, wait_for};

fn assert_starts_without_database(fault: Fault) {
    let app = with_short_timeouts().fault(fault).without_waiting().start();
    app.get("/health").expect(200);
    for (call, response) in call_every_endpoint(&app, 10) {
        expect_database_problem(call, &response);
    }
    app.get("/health").expect(200);
    app.proxy().set(Fault::Pass).unwrap();
    wait_until_serving(&app);
    // AUTO_INIT is completed later, without a call of /init.
    app.post("/create_order", order(1)).expect_done();
    assert_eq!(app.get("/orders").text().trim(), orders([1]));
}

#[test]
fn a_service_starts_without_a_database_that_refuses_and_recovers() {
    assert_starts_without_database(Fault::Refuse);
}

#[test]
fn a_service_starts_without_a_database_that_resets_and_recovers() {
    assert_starts_without_database(Fault::Reset);
}

#[test]
fn a_service_waits_for_a_database_that_does_not_exist_yet() {
    let app = TestApp::setup().env(&super::SHORT_TIMEOUTS).database("not_there_yet").without_waiting().start();
    app.get("/health").expect(200);
    let response = app.get("/ready");
    assert_eq!(response.status, 503, "{}", response.summary());
    app.server().create_database("not_there_yet").unwrap();
    wait_until_serving(&app);
    app.post("/create_order", order(1)).expect_done();
}

#[test]
fn a_wrong_password_means_not_ready_and_is_not_disclosed() {
    let server = TestApp::spawn();
    let url = format!("mysql://nobody:hunter2@127.0.0.1:{}/{}", server.server().port(), server.database());
    let app = TestApp::setup().env(&super::SHORT_TIMEOUTS).env(&[("DATABASE_URL", &url)]).without_waiting().start();
    app.get("/health").expect(200);
    for path in ["/ready", "/orders"] {
        let response = app.get(path);
        assert_eq!(response.status, 503, "{}", response.summary());
        assert!(!response.text().contains("nobody") && !response.text().contains("hunter2"), "{}", response.text());
    }
    let log =
        wait_for("the reason in the log", || Some(app.service().log()).filter(|log| log.contains("Access denied")));
    assert!(!log.contains("hunter2"), "the log holds the password:\n{log}");
}

#[test]
fn an_unresolvable_database_host_means_not_ready() {
    let app = TestApp::setup()
        .env(&super::SHORT_TIMEOUTS)
        .env(&[("DATABASE_URL", "mysql://root@database.invalid:3306/orders")])
        .without_waiting()
        .start();
    app.get("/health").expect(200);
    let response = app.get("/orders");
    assert_eq!(response.status, 503, "{}", response.summary());
    app.get("/health").expect(200);
}

/// Waits for timeouts.
mod slow {
    use super::*;

    #[test]
    fn a_service_starts_without_a_database_that_is_silent_and_recovers() {
        assert_starts_without_database(Fault::BlackHole);
    }
}
