//! A replica that vanishes: its connections stay open at the server, and nothing comes on them any more.

use std::thread;
use std::time::Duration;

use testkit::{Action, Fault, Timing};

use e2e::{Setup, TestApp, order, wait_for_within, wait_until, with};

/// Two seconds are the shortest idle time that a transaction gets on the server.
const TIMEOUTS: [(&str, &str); 1] = [("STATEMENT_TIMEOUT", "2s")];

/// The longest time that a vanished replica may hold a lock: its idle time, and a margin for a busy machine.
const MAX_LOCK_TIME: Duration = Duration::from_secs(20);

/// A replica whose connections to the database can be cut.
fn vanishing() -> Setup {
    TestApp::setup().through_proxy().env(&TIMEOUTS)
}

#[test]
fn the_row_locks_of_a_vanished_replica_end_within_seconds() {
    let vanishing = vanishing().start();
    let other = TestApp::setup().env(&TIMEOUTS).database(vanishing.database()).start();
    vanishing.post("/create_order", order(1)).expect_done();
    vanishing.proxy().set(Fault::on_pattern("COMMIT", Timing::BeforeServer, Action::Hold)).unwrap();
    thread::scope(|scope| {
        let client = vanishing.new_client();
        let lost = scope.spawn(move || {
            let body = with(1, "quantity", Some("9"));
            let _ = client.try_send("PUT", "/orders/1", &[("content-type", "application/json")], Some(body.as_bytes()));
        });
        wait_until("a row that is locked", || vanishing.proxy().triggered() > 0 && other.has_locked_orders());
        vanishing.service().kill();
        lost.join().expect("the client of the vanished replica");
    });
    wait_for_within(MAX_LOCK_TIME, "the end of the row lock", || {
        (other.put("/orders/1", with(1, "quantity", Some("3"))).status == 200).then_some(())
    });
    assert_eq!(other.sql("SELECT quantity FROM orders"), "3");
}

#[test]
fn the_schema_lock_of_a_vanished_replica_ends_within_seconds() {
    let hold = Fault::on_pattern("CREATE TABLE", Timing::BeforeServer, Action::Hold);
    let vanishing = vanishing().fault(hold).without_waiting().start();
    wait_until("a migration", || vanishing.proxy().triggered() > 0);
    vanishing.service().kill();
    let other = TestApp::setup().env(&TIMEOUTS).database(vanishing.database()).without_waiting().start();
    wait_for_within(MAX_LOCK_TIME, "the other replica to be ready", || {
        (other.get("/ready").status == 200).then_some(())
    });
    other.post("/create_order", order(1)).expect_done();
}

#[test]
fn the_idle_connections_of_a_vanished_replica_end_within_a_minute() {
    let vanishing = vanishing().start();
    vanishing.get("/orders").expect(200);
    assert!(vanishing.count_sessions() > 0, "no connection is idle");
    vanishing.proxy().set(Fault::BlackHole).unwrap();
    // The proxy has read a statement and does not forward what follows, not even the end of the connection.
    let _ = vanishing.get("/orders");
    vanishing.service().kill();
    wait_for_within(Duration::from_secs(60), "the end of the connections", || {
        (vanishing.count_sessions() == 0).then_some(())
    });
}
