//! Connections that are reset before they are accepted, or in their first bytes, like those of load balancers and port
//! scanners.
//!
//! With the published crate `accept` fails for each of the former, because the peer's address is missing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::{Guest, RawConnection, TestApp, wait_until};

/// Sends requests on one connection until `stop` is set. Returns the response times.
fn request_until_stopped(app: &TestApp, stop: &AtomicBool) -> Vec<Duration> {
    let mut kept = app.connect();
    let mut took = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let asked = Instant::now();
        kept.send("GET /health HTTP/1.1\r\nhost: test\r\n\r\n");
        assert_eq!(kept.response().expect("a response").status, 200);
        took.push(asked.elapsed());
    }
    took
}

/// The 99th percentile.
fn p99(mut took: Vec<Duration>) -> Duration {
    took.sort();
    took.get(took.len() * 99 / 100).copied().expect("responses meanwhile")
}

/// The 99th percentile over a second without other clients.
fn p99_without_load(app: &TestApp) -> Duration {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let client = scope.spawn(|| request_until_stopped(app, &stop));
        thread::sleep(Duration::from_secs(1));
        stop.store(true, Ordering::Relaxed);
        p99(client.join().expect("the client"))
    })
}

#[test]
fn ten_thousand_resets_delay_neither_open_nor_new_connections() {
    let _alone = e2e::run_alone();
    let app = TestApp::spawn();
    let descriptors = app.service().open_fds().expect("descriptors");
    let usual = p99_without_load(&app);
    let stop = AtomicBool::new(false);
    let late = thread::scope(|scope| {
        let client = scope.spawn(|| request_until_stopped(&app, &stop));
        for number in 0..10_000 {
            let mut connection = app.connect();
            if number % 2 == 0 {
                connection.send("GET /orders HT");
            }
            connection.reset();
            if number % 1_000 == 999 {
                let asked = Instant::now();
                assert_eq!(app.new_client().get("/health").status, 200);
                assert!(asked.elapsed() < Duration::from_millis(900), "a new connection waited {:?}", asked.elapsed());
            }
        }
        stop.store(true, Ordering::Relaxed);
        p99(client.join().expect("the client"))
    });
    println!("one response of a hundred takes {usual:?} without load, {late:?} meanwhile");
    // Twice the usual time, plus a margin, because the clients and the service share the processors.
    assert!(late < usual * 2 + Duration::from_millis(20), "one response of a hundred took {late:?}, {usual:?} before");
    wait_until("the descriptors of all the reset connections to be closed", || {
        app.service().open_fds().is_ok_and(|open| open <= descriptors + 10)
    });
}

#[test]
fn connections_reset_during_a_freeze_are_skipped_at_once() {
    let _alone = e2e::run_alone();
    let app = TestApp::spawn();
    app.service().pause();
    for _ in 0..100 {
        app.connect().reset();
    }
    let mut waiting = app.connect();
    waiting.send("GET /health HTTP/1.1\r\nhost: test\r\n\r\n");
    let resumed = Instant::now();
    app.service().resume();
    assert_eq!(waiting.expect_response().status, 200);
    // With the published crate and hyper's accept loop this takes one second for each of the hundred.
    assert!(resumed.elapsed() < Duration::from_millis(900), "it waited {:?}", resumed.elapsed());
    let _: RawConnection = app.connect();
}

#[test]
fn hypers_accept_loop_skips_connections_that_were_reset_while_it_was_busy() {
    let _alone = e2e::run_alone();
    let server = Guest::serve();
    let mut busy = server.connect();
    // It blocks the single thread for half a second; no connection is accepted in that time.
    busy.send("GET /block HTTP/1.1\r\nhost: test\r\n\r\n");
    wait_until("the server to block", || server.process().log().contains("blocking"));
    for _ in 0..20 {
        server.connect().reset();
    }
    let mut waiting = server.connect();
    waiting.send("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
    assert_eq!(busy.expect_response().status, 200);
    let free = Instant::now();
    let response = waiting.read_until(b"HTTP/1.1 200", Duration::from_secs(5));
    // With the published crate this takes one second for each of the twenty.
    assert!(response.is_some(), "a new connection still waits after {:?}", free.elapsed());
    assert!(free.elapsed() < Duration::from_millis(900), "a new connection waited {:?}", free.elapsed());
}
