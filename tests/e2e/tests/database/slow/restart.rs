//! The database goes and comes back while the service serves.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use testkit::{Fault, MariaDb};

use crate::database::{
    BOUND, SHORT_TIMEOUTS, call_every_endpoint, expect_database_problem, wait_until_serving, with_short_timeouts,
};
use e2e::{Client, Order, TestApp, order, orders, wait_for, wait_until};

/// A server of the test's own whose commits survive its own end: the log reaches the kernel with each.
fn own_server() -> Arc<MariaDb> {
    Arc::new(MariaDb::builder().option("--innodb-flush-log-at-trx-commit=2").start().expect("a MariaDB"))
}

#[test]
fn a_stopped_database_is_503_in_time_and_its_return_is_found() {
    let server = own_server();
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

/// Creates orders until told to stop: those that were acknowledged, and those whose fate is unknown.
fn create(client: &Client, ids: &AtomicU32, stop: &AtomicBool) -> (BTreeSet<u32>, BTreeSet<u32>) {
    let (mut acknowledged, mut unknown) = (BTreeSet::new(), BTreeSet::new());
    while !stop.load(Ordering::Relaxed) {
        let id = ids.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let response = client.post("/create_order", order(id));
        assert!(started.elapsed() <= BOUND, "an answer took {:?}", started.elapsed());
        if response.status == 200 {
            acknowledged.insert(id);
        } else if expect_database_problem("POST /create_order", &response) == "outcome-unknown" {
            unknown.insert(id);
        }
    }
    (acknowledged, unknown)
}

/// Under load: what was acknowledged is there, and what is there was acknowledged or is of unknown outcome.
fn under_load(app: &TestApp, disturb: impl FnOnce()) {
    let (ids, stop) = (AtomicU32::new(1), AtomicBool::new(false));
    let books: Vec<_> = thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let (client, ids, stop) = (app.new_client(), &ids, &stop);
                scope.spawn(move || create(&client, ids, stop))
            })
            .collect();
        let alive = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let started = Instant::now();
                app.get("/health").expect(200);
                assert!(started.elapsed() < Duration::from_secs(1), "/health took {:?}", started.elapsed());
                thread::sleep(Duration::from_millis(20));
            }
        });
        disturb();
        wait_until_serving(app);
        // What was under way when the database returned has to end as well.
        let so_far = ids.load(Ordering::Relaxed);
        wait_until("work to go on", || ids.load(Ordering::Relaxed) > so_far + 50);
        stop.store(true, Ordering::Relaxed);
        alive.join().expect("/health");
        clients.into_iter().map(|client| client.join().expect("a client")).collect()
    });
    let acknowledged: BTreeSet<u32> = books.iter().flat_map(|(acknowledged, _)| acknowledged).copied().collect();
    let unknown: BTreeSet<u32> = books.iter().flat_map(|(_, unknown)| unknown).copied().collect();
    let stored: BTreeSet<u32> =
        Order::read_all(&app.get("/orders").expect(200).text()).iter().map(|order| order.order_id).collect();
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let surplus: Vec<_> = stored.iter().filter(|id| !acknowledged.contains(id) && !unknown.contains(id)).collect();
    assert!(surplus.is_empty(), "refused and written all the same: {surplus:?}");
}

#[test]
fn a_restart_under_load_loses_nothing_that_was_acknowledged() {
    let server = own_server();
    let app = TestApp::setup().env(&SHORT_TIMEOUTS).server(&server).start();
    under_load(&app, || {
        server.stop().unwrap();
        server.start_again().unwrap();
    });
}

#[test]
fn a_crash_under_load_loses_nothing_that_was_acknowledged() {
    let server = own_server();
    let app = TestApp::setup().env(&SHORT_TIMEOUTS).server(&server).start();
    under_load(&app, || {
        thread::sleep(Duration::from_millis(200));
        server.kill();
        server.start_again().unwrap();
    });
}

#[test]
fn connections_lost_under_load_lose_nothing_that_was_acknowledged() {
    let app = with_short_timeouts().start();
    under_load(&app, || {
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(50));
            app.proxy().drop_connections();
        }
    });
}

/// Waits until the database has seen the end of all of the service's connections.
fn all_are_gone(app: &TestApp) {
    let sessions =
        "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()";
    wait_until("the connections to end", || app.sql(sessions) == "0");
}

#[test]
fn connections_that_died_while_idle_are_not_noticed_by_clients() {
    let app = with_short_timeouts().start();
    app.post("/create_orders", orders([1, 2])).expect_done();
    let die = || {
        app.proxy().drop_connections();
        all_are_gone(&app);
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
fn connections_that_the_server_ends_for_idleness_are_not_noticed_by_clients() {
    let server = Arc::new(MariaDb::builder().option("--wait-timeout=1").start().expect("a MariaDB"));
    let app = TestApp::setup().env(&SHORT_TIMEOUTS).server(&server).start();
    app.post("/create_order", order(1)).expect_done();
    for id in 2..4 {
        all_are_gone(&app);
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
        // Eleven: ten, and the one that is kept for the all-powerful user. Each tries until it has one.
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
