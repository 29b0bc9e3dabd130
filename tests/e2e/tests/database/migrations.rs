//! Services that start and initialise at the same moment.

use std::thread;

use e2e::{TestApp, order, orders, wait_until};

/// Checks that the schema is complete and each migration was applied once.
fn check_schema(app: &TestApp) {
    assert_eq!(
        app.sql(
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'orders'"
        ),
        "1"
    );
    let versions = app.sql("SELECT version, COUNT(*) FROM order_service_migrations GROUP BY version ORDER BY version");
    assert!(!versions.is_empty(), "no migration is on record");
    for line in versions.lines() {
        assert!(line.ends_with("\t1"), "a migration is on record more than once: {versions:?}");
    }
}

#[test]
fn four_services_starting_at_once_make_one_schema_and_all_serve() {
    for _ in 0..3 {
        let database = TestApp::without_tables(&[]).database().to_owned();
        let apps: Vec<TestApp> = thread::scope(|scope| {
            let starts: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| TestApp::setup().database(&database).without_waiting().start()))
                .collect();
            starts.into_iter().map(|start| start.join().expect("a start")).collect()
        });
        for (id, app) in (1..).zip(&apps) {
            wait_until("each service to be ready", || app.get("/ready").status == 200);
            app.post("/create_order", order(id)).expect_done();
        }
        for app in &apps {
            assert_eq!(app.get("/orders").text().trim(), orders(1..=4), "all see the same orders");
            assert!(app.service().is_running());
        }
        check_schema(&apps[0]);
    }
}

#[test]
fn four_services_asked_to_initialise_at_once_make_one_schema() {
    let first = TestApp::without_tables(&[]);
    let others: Vec<TestApp> = (0..3)
        .map(|_| TestApp::setup().env(&[("AUTO_INIT", "false")]).database(first.database()).without_waiting().start())
        .collect();
    thread::scope(|scope| {
        for app in others.iter().chain([&first]) {
            for _ in 0..4 {
                let client = app.new_client();
                scope.spawn(move || client.get("/init").expect_done());
            }
        }
    });
    check_schema(&first);
    first.post("/create_order", order(1)).expect_done();
    others[0].get("/orders/1").expect(200);
}

#[test]
fn an_existing_schema_is_not_changed() {
    let app = TestApp::spawn();
    app.post("/create_orders", orders(1..=3)).expect_done();
    let again = TestApp::setup().database(app.database()).start();
    assert_eq!(again.get("/orders").text().trim(), orders(1..=3));
    check_schema(&again);
}

#[test]
fn an_interrupted_migration_is_completed_by_the_next_start() {
    let app = TestApp::spawn();
    // The state after a crash between the creation of the table and its record.
    app.sql("DELETE FROM order_service_migrations");
    let again = TestApp::setup().database(app.database()).start();
    again.post("/create_order", order(1)).expect_done();
    check_schema(&again);
}
