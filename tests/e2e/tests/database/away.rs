//! No database at the start.

use testkit::Fault;

use super::{every_call, expect_no_database, quick, serves_again};
use crate::support::{TestApp, eventually, order, orders};

fn starts_without(fault: Fault) {
    let app = quick().fault(fault).not_ready().start();
    app.get("/health").expect(200);
    for (call, reply) in every_call(&app, 10) {
        expect_no_database(call, &reply);
    }
    app.get("/health").expect(200);
    app.proxy().set(Fault::Pass).unwrap();
    serves_again(&app);
    // AUTO_INIT is made up for: nobody has called /init.
    app.post("/create_order", order(1)).expect_done();
    assert_eq!(app.get("/orders").text().trim(), orders([1]));
}

#[test]
fn a_service_whose_database_refuses_connections_starts_and_serves_as_soon_as_it_is_there() {
    starts_without(Fault::Refuse);
}

#[test]
fn a_service_whose_database_resets_connections_starts_and_serves_as_soon_as_it_is_there() {
    starts_without(Fault::Reset);
}

#[test]
fn a_service_whose_database_is_silent_starts_and_serves_as_soon_as_it_is_there() {
    starts_without(Fault::BlackHole);
}

#[test]
fn a_database_that_does_not_exist_yet_is_waited_for() {
    let app = TestApp::setup().env(&super::QUICK).database("not_there_yet").not_ready().start();
    app.get("/health").expect(200);
    let reply = app.get("/ready");
    assert_eq!(reply.status, 503, "{}", reply.summary());
    app.server().create_database("not_there_yet").unwrap();
    serves_again(&app);
    app.post("/create_order", order(1)).expect_done();
}

#[test]
fn a_wrong_password_is_not_ready_and_not_told() {
    let server = TestApp::spawn();
    let url = format!("mysql://nobody:hunter2@127.0.0.1:{}/{}", server.server().port(), server.database());
    let app = TestApp::setup().env(&super::QUICK).env(&[("DATABASE_URL", &url)]).not_ready().start();
    app.get("/health").expect(200);
    for path in ["/ready", "/orders"] {
        let reply = app.get(path);
        assert_eq!(reply.status, 503, "{}", reply.summary());
        assert!(!reply.text().contains("nobody") && !reply.text().contains("hunter2"), "{}", reply.text());
    }
    let log = eventually("the operator to be told why", || {
        Some(app.service().log()).filter(|log| log.contains("Access denied"))
    });
    assert!(!log.contains("hunter2"), "the log holds the password:\n{log}");
}

#[test]
fn a_host_name_that_does_not_resolve_is_not_ready() {
    let app = TestApp::setup()
        .env(&super::QUICK)
        .env(&[("DATABASE_URL", "mysql://root@database.invalid:3306/orders")])
        .not_ready()
        .start();
    app.get("/health").expect(200);
    let reply = app.get("/orders");
    assert_eq!(reply.status, 503, "{}", reply.summary());
    app.get("/health").expect(200);
}
