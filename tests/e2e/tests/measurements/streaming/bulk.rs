//! The latency beside a large batch.

use std::time::{Duration, Instant};

use e2e::{TestApp, order, orders};

/// The maximum number of orders in one body.
const MAX_ORDERS: u32 = 100_000;

#[test]
fn a_large_batch_does_not_delay_other_requests() {
    let _alone = e2e::run_alone();
    let app = TestApp::spawn();
    app.post("/create_order", order(500_000)).expect_done();
    let slowest = std::thread::scope(|scope| {
        let client = app.new_client();
        let batch = scope.spawn(move || client.post("/create_orders", orders(1..=MAX_ORDERS)));
        let mut slowest = Duration::ZERO;
        while !batch.is_finished() {
            let started = Instant::now();
            app.get("/orders/500000").expect(200);
            slowest = slowest.max(started.elapsed());
        }
        batch.join().unwrap().expect_done();
        slowest
    });
    println!("the slowest response beside a batch of 100,000: {slowest:?}");
    assert!(slowest < Duration::from_secs(2), "a response took {slowest:?} beside a batch");
}
