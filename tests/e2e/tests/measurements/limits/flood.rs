//! The latency beside more connections than the service accepts.

use std::time::{Duration, Instant};

use e2e::{RawConnection, TestApp, order, wait_until};

const HEALTH: &str = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";

/// Whether the service accepts and serves a new connection.
fn is_served(app: &TestApp) -> bool {
    app.connect().send(HEALTH).response().is_some_and(|response| response.status == 200)
}

#[test]
fn a_flood_of_excess_connections_does_not_disturb_open_ones() {
    let _alone = e2e::run_alone();
    let app = TestApp::spawn_with(&[("MAX_CONNECTIONS", "50")]);
    app.post("/create_order", order(1)).expect_done();
    let flood: Vec<RawConnection> = (0..1_000).map(|_| app.connect()).collect();
    for _ in 0..10 {
        let started = Instant::now();
        app.get("/orders/1").expect(200);
        assert!(started.elapsed() < Duration::from_secs(2), "the kept connection waited {:?}", started.elapsed());
    }
    drop(flood);
    wait_until("places to be free", || is_served(&app));
    assert!(app.service().open_fds().unwrap() < 200);
}
