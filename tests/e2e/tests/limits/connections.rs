//! Connections over the limit, and idle ones.

use std::time::{Duration, Instant};

use e2e::{RawConnection, TestApp, order, wait_until};

const HEALTH: &str = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";

/// Whether the service accepts and serves a new connection.
fn is_served(app: &TestApp) -> bool {
    app.connect().send(HEALTH).response().is_some_and(|response| response.status == 200)
}

#[test]
fn a_connection_over_the_limit_gets_503_and_the_others_are_served() {
    let app = TestApp::spawn_with(&[("MAX_CONNECTIONS", "20")]);
    // The app's own client holds one connection.
    let mut held: Vec<RawConnection> = (0..19).map(|_| app.connect()).collect();
    for connection in &mut held {
        assert_eq!(connection.send(HEALTH).expect_response().status, 200);
    }
    for _ in 0..5 {
        let started = Instant::now();
        let mut connection = app.connect();
        connection.send(HEALTH);
        let response = connection.expect_response();
        response.expect_problem(503, "overloaded");
        assert!(response.header("retry-after").is_some());
        assert!(started.elapsed() < Duration::from_secs(1));
        connection.expect_close_within(Duration::from_secs(3));
    }
    for connection in &mut held {
        assert_eq!(connection.send(HEALTH).expect_response().status, 200, "a held connection is served on");
    }
    drop(held);
    wait_until("a free permit", || is_served(&app));
}

#[test]
fn five_hundred_idle_connections_stay_open_while_requests_are_served() {
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect_done();
    let mut idle: Vec<RawConnection> = (0..500).map(|_| app.connect()).collect();
    for _ in 0..100 {
        app.get("/orders/1").expect(200);
    }
    for connection in &mut idle {
        assert_eq!(
            connection.send(HEALTH).expect_response().status,
            200,
            "an idle connection is served when it speaks"
        );
    }
}
