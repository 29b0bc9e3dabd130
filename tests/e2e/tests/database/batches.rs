//! Batches beside single orders: they get some of the connections only, and their COMMIT may take long.

use std::thread;
use std::time::Duration;

use testkit::{Action, Fault, Timing};

use e2e::{DatabaseLock, TestApp, observe_for, order, orders, wait_for, wait_until};

#[test]
fn batches_that_wait_for_locks_keep_no_single_order_waiting() {
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect_done();
    let lock = DatabaseLock::rows(&app, "order_id = 1");
    thread::scope(|scope| {
        // Each batch waits for the locked order, is rolled back after a while, and begins again.
        let batches: Vec<_> = (0..12)
            .map(|number| {
                let client = app.new_client();
                scope.spawn(move || client.post("/create_orders", orders([1, 1_000 + number])))
            })
            .collect();
        wait_until("batches at the lock", || app.count_statements("INSERT INTO orders") >= 3);
        for id in 2..=30 {
            app.post("/create_order", order(id)).expect_done();
            app.get("/ready").expect(200);
            assert_eq!(app.get(&format!("/orders/{id}")).expect(200).text().trim(), order(id));
        }
        assert!(app.count_statements("INSERT INTO orders") <= 3, "more than a third of the connections");
        lock.release();
        for batch in batches {
            let response = batch.join().expect("a batch");
            let slug = if response.status == 409 { "duplicate-order" } else { "overloaded" };
            response.expect_problem(response.status, slug);
        }
    });
    assert_eq!(app.count_orders(), 30);
}

#[test]
fn the_commit_of_a_batch_may_take_longer_than_a_statement() {
    let app = TestApp::setup().through_proxy().env(&[("STATEMENT_TIMEOUT", "1s"), ("BATCH_TIMEOUT", "20s")]).start();
    app.proxy().set(Fault::on_pattern("COMMIT", Timing::AfterResponse, Action::Hold)).unwrap();
    thread::scope(|scope| {
        let batch = scope.spawn(|| app.post("/create_orders", orders(1..=100)));
        wait_for("the COMMIT", || (app.proxy().triggered() > 0).then_some(()));
        // Longer than STATEMENT_TIMEOUT.
        observe_for(Duration::from_millis(2_500), "no response before the COMMIT's", || !batch.is_finished());
        app.proxy().set(Fault::Pass).unwrap();
        batch.join().expect("a batch").expect_done();
    });
    assert_eq!(app.count_orders(), 100);
}
