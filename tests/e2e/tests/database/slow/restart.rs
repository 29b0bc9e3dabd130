//! The database stops and starts while the service runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use testkit::{Fault, Ledger, MariaDb};

use crate::database::{
    MAX_RESPONSE_TIME, SHORT_TIMEOUTS, call_every_endpoint, expect_database_problem, wait_until_serving,
    with_short_timeouts,
};
use e2e::{Client, Order, TestApp, order, orders, wait_for, wait_until};

/// The interval between two requests of `/health`.
const HEALTH_INTERVAL: Duration = Duration::from_millis(20);

/// A server whose commits survive its crash: each commit passes its log to the kernel.
fn start_server() -> Arc<MariaDb> {
    Arc::new(MariaDb::builder().option("--innodb-flush-log-at-trx-commit=2").start().expect("a MariaDB"))
}

#[test]
fn a_stopped_database_is_503_in_time_and_the_service_recovers() {
    let server = start_server();
    let app = TestApp::setup().env(&SHORT_TIMEOUTS).server(&server).start();
    app.post("/create_orders", orders([1, 2, 3])).expect_done();
    for round in 1..=3_u32 {
        server.stop().unwrap();
        for (call, response) in call_every_endpoint(&app, 100 * round) {
            expect_database_problem(call, &response);
        }
        app.get("/health").expect(200);
        server.start_again().unwrap();
        wait_until_serving(&app);
        assert_eq!(app.get("/orders").text().trim(), orders([1, 2, 3]), "round {round}");
    }
}

/// Creates orders until `stop` is set.
fn create(client: &Client, ids: &AtomicU32, stop: &AtomicBool) -> Ledger {
    let mut ledger = Ledger::new();
    while !stop.load(Ordering::Relaxed) {
        let id = ids.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        ledger.sent(id.into(), Some(()));
        let response = client.post("/create_order", order(id));
        assert!(started.elapsed() <= MAX_RESPONSE_TIME, "a response took {:?}", started.elapsed());
        if response.status == 200 {
            ledger.acknowledged(id.into());
        } else if expect_database_problem("POST /create_order", &response) != "outcome-unknown" {
            ledger.rejected(id.into());
        }
    }
    ledger
}

/// Checks that `/health` responds within a second until `stop` is set.
fn check_health(app: &TestApp, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let started = Instant::now();
        app.get("/health").expect(200);
        assert!(started.elapsed() < Duration::from_secs(1), "/health took {:?}", started.elapsed());
        thread::sleep(HEALTH_INTERVAL);
    }
}

/// Injects a fault under load. Afterwards the table holds all acknowledged orders and no rejected one. `inject` gets
/// the number of orders that were sent so far.
fn under_load(app: &TestApp, inject: impl FnOnce(&AtomicU32)) {
    let (ids, stop) = (AtomicU32::new(1), AtomicBool::new(false));
    let mut ledger = Ledger::new();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let (client, ids, stop) = (app.new_client(), &ids, &stop);
                scope.spawn(move || create(&client, ids, stop))
            })
            .collect();
        let health = scope.spawn(|| check_health(app, &stop));
        inject(&ids);
        wait_until_serving(app);
        // The requests that were in flight when the database returned must end, too.
        wait_for_more(&ids, 50);
        stop.store(true, Ordering::Relaxed);
        health.join().expect("/health");
        clients.into_iter().for_each(|client| ledger.merge(client.join().expect("a client")));
    });
    let stored = Order::read_all(&app.get("/orders").expect(200).text());
    ledger.check(stored.iter().map(|order| (u64::from(order.order_id), ()))).unwrap();
    assert!(ledger.counts().acknowledged > 0, "no order was acknowledged");
}

/// Waits until this number of further orders has been sent.
fn wait_for_more(ids: &AtomicU32, count: u32) {
    let target = ids.load(Ordering::Relaxed) + count;
    wait_until("further orders", || ids.load(Ordering::Relaxed) > target);
}

#[test]
fn a_restart_under_load_loses_nothing_that_was_acknowledged() {
    let server = start_server();
    let app = TestApp::setup().env(&SHORT_TIMEOUTS).server(&server).start();
    under_load(&app, |_| {
        server.stop().unwrap();
        server.start_again().unwrap();
    });
}

#[test]
fn a_crash_under_load_loses_nothing_that_was_acknowledged() {
    let server = start_server();
    let app = TestApp::setup().env(&SHORT_TIMEOUTS).server(&server).start();
    under_load(&app, |ids| {
        wait_for_more(ids, 50);
        server.kill();
        server.start_again().unwrap();
    });
}

#[test]
fn connections_lost_under_load_lose_nothing_that_was_acknowledged() {
    let app = with_short_timeouts().start();
    under_load(&app, |ids| {
        for _ in 0..20 {
            wait_for_more(ids, 10);
            app.proxy().drop_connections();
        }
    });
}

/// Waits until the database has closed all of the service's connections.
fn wait_until_disconnected(app: &TestApp) {
    wait_until("the end of the connections", || app.count_sessions() == 0);
}

#[test]
fn idle_database_connections_that_were_reset_cause_no_error() {
    let app = with_short_timeouts().start();
    // The table answers before the migrations are over. Their connection, if it breaks, comes back a second later.
    wait_until("the end of the migrations", || app.service().log().contains("the database is ready"));
    app.post("/create_orders", orders([1, 2])).expect_done();
    let die = || {
        app.proxy().drop_connections();
        wait_until_disconnected(&app);
    };
    for id in 10..20 {
        die();
        app.get("/orders/1").expect(200);
        die();
        app.get("/orders").expect(200);
        die();
        app.post("/create_order", order(id)).expect_done();
    }
    assert_eq!(app.count_orders(), 12);
}

#[test]
fn idle_database_connections_that_the_server_closed_cause_no_error() {
    let server = Arc::new(MariaDb::builder().option("--wait-timeout=1").start().expect("a MariaDB"));
    let app = TestApp::setup().env(&SHORT_TIMEOUTS).server(&server).start();
    app.post("/create_order", order(1)).expect_done();
    for id in 2..4 {
        wait_until_disconnected(&app);
        app.get("/orders/1").expect(200);
        app.post("/create_order", order(id)).expect_done();
    }
    assert_eq!(app.count_orders(), 3);
}

#[test]
fn a_database_without_free_connections_is_503_and_then_served() {
    let server = Arc::new(MariaDb::builder().option("--max-connections=10").start().expect("a MariaDB"));
    let app = TestApp::setup().env(&SHORT_TIMEOUTS).server(&server).through_proxy().start();
    app.proxy().drop_connections();
    thread::scope(|scope| {
        // Eleven: ten, and the one that is reserved for the administrator. Each client retries until it has one.
        for _ in 0..11 {
            scope.spawn(|| while server.sql("", "SELECT SLEEP(3)").is_err() {});
        }
        let refused = wait_for("connections to run out", || {
            app.proxy().drop_connections();
            let response = app.get("/orders/1");
            (response.status != 404).then_some(response)
        });
        expect_database_problem("GET /orders/1", &refused);
        app.get("/health").expect(200);
    });
    wait_until_serving(&app);
    app.proxy().set(Fault::Pass).unwrap();
}
