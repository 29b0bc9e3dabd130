//! Work that belongs to no request does not delay the end.

use std::time::Duration;

use testkit::{Action, Fault, Timing};

use super::DrainableApp;
use e2e::{DatabaseLock, wait_until};

/// Far less than `MIGRATION_TIMEOUT`, and a margin for a busy machine.
const MAX_DURATION: Duration = Duration::from_secs(10);

#[test]
fn a_check_of_readiness_that_gets_no_response_does_not_delay_the_end() {
    let service = DrainableApp::spawn("0s", "20s");
    service.proxy().drop_connections();
    service.proxy().set(Fault::on_pattern("SELECT 1 FROM", Timing::BeforeServer, Action::Hold)).unwrap();
    let mut connections = Vec::new();
    // At first the result of an earlier check may be shared.
    wait_until("a check", || {
        let mut connection = service.connect();
        connection.send("GET /ready HTTP/1.1\r\nHost: x\r\n\r\n");
        connections.push(connection);
        service.proxy().triggered() == 1
    });
    service.drain();
    assert!(service.expect_clean_exit() < MAX_DURATION);
}

#[test]
fn a_migration_under_way_does_not_delay_the_end() {
    let service = DrainableApp::spawn_with(&[("DRAIN_DELAY", "0s"), ("REQUEST_TIMEOUT", "1s")]);
    service.sql("DROP TABLE orders; DELETE FROM order_service_migrations");
    let lock = DatabaseLock::schema(&service);
    service.get("/init").expect_problem(503, "not-initialised");
    assert_eq!(service.count_statements("CREATE TABLE IF NOT EXISTS orders"), 1);
    service.drain();
    assert!(service.expect_clean_exit() < MAX_DURATION);
    lock.release();
}
