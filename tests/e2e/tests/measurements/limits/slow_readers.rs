//! The latency beside clients that do not read their responses.

use std::time::{Duration, Instant};

use e2e::{RawConnection, TestApp, orders};

const GET: &str = "GET /orders HTTP/1.1\r\nHost: x\r\n\r\n";

/// A service with a table of several megabytes.
fn spawn_with_large_table(env: &[(&str, &str)]) -> TestApp {
    let app = TestApp::spawn_with(env);
    app.post("/create_orders", orders(1..=40_000)).expect_done();
    app
}

/// A client that has requested the whole table and does not read any further.
fn open_stalled_reader(app: &TestApp) -> RawConnection {
    let mut connection = RawConnection::connect_with_small_buffer(app.address());
    connection.send(GET);
    connection.read(&mut [0; 64]).expect("the response begins");
    connection
}

#[test]
fn stalled_readers_hold_no_database_connection() {
    let _alone = e2e::run_alone();
    let app = spawn_with_large_table(&[("WRITE_TIMEOUT", "60s"), ("POOL_MAX", "2")]);
    let _held: Vec<RawConnection> = (0..20).map(|_| open_stalled_reader(&app)).collect();
    for _ in 0..20 {
        let started = Instant::now();
        app.get("/orders/7").expect(200);
        assert!(started.elapsed() < Duration::from_secs(1), "a response took {:?}", started.elapsed());
    }
}
