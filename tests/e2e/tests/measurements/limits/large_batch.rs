//! A large batch beside small requests.

use std::time::{Duration, Instant};

use e2e::{TestApp, orders};

/// Far less than decoding the batch takes in one piece, and more than a busy machine takes for a small request.
const MAX_DELAY: Duration = Duration::from_millis(100);

#[test]
fn decoding_a_large_batch_holds_up_no_other_request() {
    let _alone = e2e::run_alone();
    let app = TestApp::spawn();
    // 32 MiB; the last order is wrong, so that nothing is written.
    let mut body = orders(1..=90_000);
    body.pop();
    let rest = (32 << 20) - body.len() - 200;
    let padded = format!("{{\"shipping_address\":{}\"x\"}}", " ".repeat(60_000));
    body.push_str(&[",", &padded].concat().repeat(rest / (padded.len() + 1)));
    body.push(']');
    let mut delays = std::thread::scope(|scope| {
        let upload = scope.spawn(|| app.new_client().post("/create_orders", body));
        let mut delays = Vec::new();
        while !upload.is_finished() {
            let started = Instant::now();
            app.get("/health").expect(200);
            delays.push(started.elapsed());
        }
        upload.join().expect("an upload").expect_problem(400, "invalid-order");
        delays
    });
    delays.sort_unstable();
    let max = delays[delays.len() - 1];
    println!("{} requests beside the batch; median {:?}, longest {max:?}", delays.len(), delays[delays.len() / 2]);
    assert!(max < MAX_DELAY, "a small request took {max:?}");
}
