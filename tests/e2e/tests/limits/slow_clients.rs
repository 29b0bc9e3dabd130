//! Clients that send slowly or not at all.

use std::thread;
use std::time::{Duration, Instant};

use e2e::{RawConnection, RawResponse, TestApp, observe_for, order};

/// The bound of an event that is due after half a second, on a busy machine.
const MAX_CLOSE_TIME: Duration = Duration::from_secs(3);

/// The pause of a slow sender.
const SEND_INTERVAL: Duration = Duration::from_millis(50);

/// Sends a byte every 50 ms until the service closes the connection. Returns the time and the response.
fn send_slowly_until_closed(connection: &mut RawConnection, bytes: &[u8]) -> (Duration, Option<RawResponse>) {
    let started = Instant::now();
    for byte in bytes.iter().cycle() {
        if started.elapsed() > MAX_CLOSE_TIME + MAX_CLOSE_TIME || connection.is_closed() {
            break;
        }
        connection.send([*byte]);
        thread::sleep(SEND_INTERVAL);
    }
    let took = started.elapsed();
    (took, connection.response())
}

#[test]
fn a_request_head_sent_slowly_is_cut_off() {
    let app = TestApp::spawn_with(&[("HEADER_TIMEOUT", "500ms")]);
    let mut connection = app.connect();
    connection.send("GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    let (took, response) = send_slowly_until_closed(&mut connection, b"a");
    assert!(took <= MAX_CLOSE_TIME, "cut off after {took:?}");
    // The response, if there is one, is 408.
    assert!(response.is_none_or(|response| response.status == 408));
    app.get("/health").expect(200);
}

#[test]
fn a_body_sent_slowly_is_408() {
    let app = TestApp::spawn_with(&[("BODY_TIMEOUT", "500ms")]);
    for framing in ["Content-Length: 1000", "Transfer-Encoding: chunked"] {
        let mut connection = app.connect();
        connection.send(format!("POST /create_order HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n"));
        let bytes: &[u8] = if framing.starts_with("Transfer") { b"1\r\n \r\n" } else { b" " };
        let (took, response) = send_slowly_until_closed(&mut connection, bytes);
        assert!(took <= MAX_CLOSE_TIME, "cut off after {took:?}");
        response.expect("a response").expect_problem(408, "request-timeout");
        connection.expect_close_within(MAX_CLOSE_TIME);
    }
    app.post("/create_order", order(1)).expect_done();
}

#[test]
fn an_echo_whose_body_stops_is_cut_off() {
    let app = TestApp::spawn_with(&[("BODY_TIMEOUT", "500ms")]);
    let mut connection = app.connect();
    connection.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhello");
    connection.expect_close_within(MAX_CLOSE_TIME);
    app.post("/echo", "whole").expect(200);
}

#[test]
fn a_silent_connection_is_closed() {
    let app = TestApp::spawn_with(&[("IDLE_TIMEOUT", "500ms"), ("HEADER_TIMEOUT", "500ms")]);
    let mut never_spoke = app.connect();
    let mut spoke = app.connect();
    spoke.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(spoke.expect_response().status, 200);
    spoke.expect_close_within(MAX_CLOSE_TIME);
    never_spoke.expect_close_within(MAX_CLOSE_TIME);
}

/// Waits for timeouts.
mod slow {
    use super::*;

    #[test]
    fn a_connection_within_the_idle_timeout_is_kept() {
        let app = TestApp::spawn_with(&[("IDLE_TIMEOUT", "2s"), ("HEADER_TIMEOUT", "500ms")]);
        let mut connection = app.connect();
        for _ in 0..4 {
            connection.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
            assert_eq!(connection.expect_response().status, 200, "kept between requests");
            observe_for(Duration::from_millis(700), "the connection is open", || !connection.is_closed());
        }
    }

    #[test]
    fn idle_connections_are_closed_and_free_their_descriptors() {
        let app = TestApp::spawn_with(&[("IDLE_TIMEOUT", "2s"), ("HEADER_TIMEOUT", "2s")]);
        app.get("/health").expect(200);
        let before = app.service().open_fds().unwrap();
        let mut idle: Vec<RawConnection> = (0..200).map(|_| app.connect()).collect();
        e2e::wait_until("the connections to be accepted", || app.service().open_fds().unwrap() >= before + 200);
        for connection in &mut idle {
            connection.expect_close_within(MAX_CLOSE_TIME + MAX_CLOSE_TIME);
        }
        e2e::wait_until("the descriptors to be given back", || app.service().open_fds().unwrap() <= before + 10);
    }

    #[test]
    fn a_request_longer_than_the_idle_timeout_is_not_idle() {
        let app =
            TestApp::setup().through_proxy().env(&[("IDLE_TIMEOUT", "300ms"), ("HEADER_TIMEOUT", "300ms")]).start();
        app.post("/create_order", order(1)).expect_done();
        let delay = Duration::from_secs(1);
        app.proxy().set(testkit::Fault::Delay { to_server: Duration::ZERO, to_client: delay }).unwrap();
        let started = Instant::now();
        app.new_client().get("/orders/1").expect(200);
        assert!(started.elapsed() >= delay);
    }

    #[test]
    fn a_body_that_stops_is_408() {
        let app = TestApp::spawn_with(&[("BODY_TIMEOUT", "500ms")]);
        for path in ["/create_order", "/create_orders", "/update_order", "/orders"] {
            let mut connection = app.connect();
            connection.send(format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{"));
            let started = Instant::now();
            connection.expect_response().expect_problem(408, "request-timeout");
            assert!(started.elapsed() <= MAX_CLOSE_TIME);
            connection.expect_close_within(MAX_CLOSE_TIME);
        }
        assert_eq!(app.count_orders(), 0);
    }
}
