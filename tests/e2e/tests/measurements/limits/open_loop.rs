//! Five times the load that the service can serve: the short form of `make bench-overload`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use testkit::{open_loop, ports};

use e2e::{Client, TestApp, orders};

/// Costs enough that a generator on the same machine can send five times as many as the service can serve.
const GET: &str = "GET /orders?limit=500 HTTP/1.1\r\nHost: x\r\n\r\n";

const PEAK_TIME: Duration = Duration::from_secs(2);
const OVERLOAD_TIME: Duration = Duration::from_secs(4);

/// Generous: the generator and other processes share the processors. The bounds of a quiet machine are in
/// docs/BENCHMARKS.md.
const MIN_GOODPUT: f64 = 0.5;
const MAX_SHED_MEDIAN: Duration = Duration::from_millis(500);
/// The default REQUEST_TIMEOUT.
const MAX_SERVED_P99: Duration = Duration::from_secs(10);
const MAX_OPERATOR_DELAY: Duration = Duration::from_secs(1);
const MAX_RECOVERY: Duration = Duration::from_secs(2);

#[test]
fn at_five_times_its_capacity_the_service_serves_sheds_and_recovers() {
    let _alone = e2e::run_alone();
    let admin = format!("127.0.0.1:{}", ports::free().expect("a free port"));
    let app = TestApp::spawn_with(&[("ADMIN_ADDR", &admin), ("LOG_LEVEL", "warn")]);
    app.post("/create_orders", orders(1..=600)).expect_done();
    // As many as are served at one time, each sent when the one before is served.
    let peak = open_loop::run(app.address(), GET, 100_000.0, 8, PEAK_TIME).expect("a load");
    let peak = open_loop::summarize(&peak, PEAK_TIME);
    let overload = AtomicBool::new(true);
    let (samples, operator) = thread::scope(|scope| {
        let operator = scope.spawn(|| longest_delay(&Client::operators(&format!("http://{admin}")), &overload));
        let samples = open_loop::run(app.address(), GET, peak.goodput * 5.0, 400, OVERLOAD_TIME).expect("a load");
        overload.store(false, Ordering::Relaxed);
        (samples, operator.join().expect("an operator"))
    });
    let ended = Instant::now();
    e2e::wait_until("a served request", || app.get("/orders?limit=500").status == 200);
    let recovery = ended.elapsed();
    let summary = open_loop::summarize(&samples, OVERLOAD_TIME);
    println!(
        "peak {peak:?}\noverload {summary:?}\nlongest response to the operator {operator:?}, recovery {recovery:?}"
    );
    assert!(summary.goodput >= peak.goodput * MIN_GOODPUT, "{summary:?} at a peak of {peak:?}");
    // Without an overload the bounds below would mean nothing.
    assert!(summary.shed > summary.served, "{summary:?} at a peak of {peak:?}");
    assert!(summary.shed_median <= MAX_SHED_MEDIAN, "{summary:?}");
    assert!(summary.served_p99 <= MAX_SERVED_P99, "{summary:?}");
    assert!(operator < MAX_OPERATOR_DELAY, "the operator waited {operator:?}");
    assert!(recovery < MAX_RECOVERY, "served again after {recovery:?}");
}

/// The longest time of `/health` and `/ready` on the operator's listener. Each must be 200.
fn longest_delay(operator: &Client, while_true: &AtomicBool) -> Duration {
    let mut longest = Duration::ZERO;
    while while_true.load(Ordering::Relaxed) {
        for path in ["/health", "/ready"] {
            let started = Instant::now();
            operator.get(path).expect(200);
            longest = longest.max(started.elapsed());
        }
        // Samples without adding a load of their own.
        thread::sleep(Duration::from_millis(20));
    }
    longest
}
