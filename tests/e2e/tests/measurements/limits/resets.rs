//! The latency beside clients that reset their connections.

use std::thread;
use std::time::{Duration, Instant};

use e2e::{TestApp, order};

#[test]
fn connections_reset_before_they_are_accepted_delay_no_request() {
    let _alone = e2e::run_alone();
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect_done();
    let slowest = thread::scope(|scope| {
        let resets = scope.spawn(|| (0..2_000).for_each(|_| app.connect().reset()));
        let mut slowest = Duration::ZERO;
        while !resets.is_finished() {
            let started = Instant::now();
            // A new connection each time, to measure `accept`, too.
            app.new_client().get("/orders/1").expect(200);
            slowest = slowest.max(started.elapsed());
        }
        slowest
    });
    println!("the slowest response beside 2,000 resets: {slowest:?}");
    assert!(slowest < Duration::from_millis(900), "a response took {slowest:?}");
}
