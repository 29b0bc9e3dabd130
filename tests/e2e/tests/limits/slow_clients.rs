//! Clients that send slowly, or not at all.

use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Raw, RawReply, TestApp, order};

/// For what is bounded by half a second on a machine that is busy.
const SOON: Duration = Duration::from_secs(3);

/// Sends a byte every 50 ms until the connection refuses it: how long that took, and what was answered.
fn drip(raw: &mut Raw, bytes: &[u8]) -> (Duration, Option<RawReply>) {
    let started = Instant::now();
    for byte in bytes.iter().cycle() {
        if started.elapsed() > SOON + SOON || raw.is_closed() {
            break;
        }
        raw.send([*byte]);
        thread::sleep(Duration::from_millis(50));
    }
    let took = started.elapsed();
    (took, raw.reply())
}

#[test]
fn a_head_that_drips_in_is_cut_off() {
    let app = TestApp::spawn_with(&[("HEADER_TIMEOUT", "500ms")]);
    let mut raw = app.raw();
    raw.send("GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    let (took, reply) = drip(&mut raw, b"a");
    assert!(took <= SOON, "cut off after {took:?}");
    // There may be an answer: 408 says why.
    assert!(reply.is_none_or(|reply| reply.status == 408));
    app.get("/health").expect(200);
}

#[test]
fn three_hundred_dripping_clients_hold_nobody_up() {
    let app = TestApp::spawn_with(&[("HEADER_TIMEOUT", "1s")]);
    app.post("/create_order", order(1)).expect_done();
    let started = Instant::now();
    let mut slow: Vec<Raw> = (0..300).map(|_| app.raw()).collect();
    while started.elapsed() < Duration::from_millis(2_500) {
        for raw in &mut slow {
            raw.send("G");
        }
        let asked = Instant::now();
        app.get("/orders/1").expect(200);
        assert!(asked.elapsed() < Duration::from_millis(500), "an answer took {:?}", asked.elapsed());
    }
    for raw in &mut slow {
        raw.closed_within(SOON);
    }
}

#[test]
fn a_body_that_drips_in_is_408() {
    let app = TestApp::spawn_with(&[("BODY_TIMEOUT", "500ms")]);
    for framing in ["Content-Length: 1000", "Transfer-Encoding: chunked"] {
        let mut raw = app.raw();
        raw.send(format!("POST /create_order HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n"));
        let bytes: &[u8] = if framing.starts_with("Transfer") { b"1\r\n \r\n" } else { b" " };
        let (took, reply) = drip(&mut raw, bytes);
        assert!(took <= SOON, "cut off after {took:?}");
        reply.expect("an answer").expect_problem(408, "request-timeout");
        raw.closed_within(SOON);
    }
    app.post("/create_order", order(1)).expect_done();
}

#[test]
fn a_body_that_stops_coming_is_408() {
    let app = TestApp::spawn_with(&[("BODY_TIMEOUT", "500ms")]);
    for path in ["/create_order", "/create_orders", "/update_order", "/orders"] {
        let mut raw = app.raw();
        raw.send(format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{"));
        let started = Instant::now();
        raw.must_reply().expect_problem(408, "request-timeout");
        assert!(started.elapsed() <= SOON);
        raw.closed_within(SOON);
    }
    assert_eq!(app.stored(), 0);
}

#[test]
fn an_echo_that_stops_coming_is_cut_off() {
    let app = TestApp::spawn_with(&[("BODY_TIMEOUT", "500ms")]);
    let mut raw = app.raw();
    raw.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhello");
    raw.closed_within(SOON);
    app.post("/echo", "whole").expect(200);
}

#[test]
fn a_silent_connection_is_closed() {
    let app = TestApp::spawn_with(&[("IDLE_TIMEOUT", "500ms"), ("HEADER_TIMEOUT", "500ms")]);
    let mut never_spoke = app.raw();
    let mut spoke = app.raw();
    spoke.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(spoke.must_reply().status, 200);
    spoke.closed_within(SOON);
    never_spoke.closed_within(SOON);
}

#[test]
fn a_connection_within_the_idle_bound_is_kept() {
    let app = TestApp::spawn_with(&[("IDLE_TIMEOUT", "2s"), ("HEADER_TIMEOUT", "500ms")]);
    let mut raw = app.raw();
    for _ in 0..4 {
        raw.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(raw.must_reply().status, 200, "kept between requests");
        thread::sleep(Duration::from_millis(700));
    }
}

#[test]
fn idle_connections_go_and_their_descriptors_with_them() {
    let app = TestApp::spawn_with(&[("IDLE_TIMEOUT", "2s"), ("HEADER_TIMEOUT", "2s")]);
    app.get("/health").expect(200);
    let before = app.service().open_fds().unwrap();
    let mut idle: Vec<Raw> = (0..200).map(|_| app.raw()).collect();
    crate::support::eventually("the connections to be accepted", || {
        (app.service().open_fds().unwrap() >= before + 200).then_some(())
    });
    for raw in &mut idle {
        raw.closed_within(SOON + SOON);
    }
    crate::support::eventually("the descriptors to be given back", || {
        (app.service().open_fds().unwrap() <= before + 10).then_some(())
    });
}

#[test]
fn a_request_that_takes_longer_than_the_idle_bound_is_not_idle() {
    let app = TestApp::setup().through_proxy().env(&[("IDLE_TIMEOUT", "300ms"), ("HEADER_TIMEOUT", "300ms")]).start();
    app.post("/create_order", order(1)).expect_done();
    let delay = Duration::from_secs(1);
    app.proxy().set(testkit::Fault::Delay { to_server: Duration::ZERO, to_client: delay }).unwrap();
    let started = Instant::now();
    app.new_client().get("/orders/1").expect(200);
    assert!(started.elapsed() >= delay);
}

#[test]
fn a_half_closed_client_gets_its_answer_and_costs_nothing_meanwhile() {
    let app = TestApp::setup().through_proxy().start();
    app.post("/create_order", order(1)).expect_done();
    app.proxy().set(testkit::Fault::Delay { to_server: Duration::ZERO, to_client: Duration::from_secs(2) }).unwrap();
    let mut waiting: Vec<Raw> = (0..5).map(|_| app.raw()).collect();
    for raw in &mut waiting {
        raw.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").finish();
    }
    let mut raw = app.raw();
    raw.send("GET /orders/1 HTTP/1.1\r\nHost: x\r\n\r\n").finish();
    let before = app.service().cpu_time().unwrap();
    assert_eq!(raw.must_reply().status, 200);
    let spent = app.service().cpu_time().unwrap().saturating_sub(before);
    assert!(spent < Duration::from_millis(500), "{spent:?} of processor time while waiting for the database");
    for raw in &mut waiting {
        assert_eq!(raw.must_reply().status, 200);
        raw.closed_within(SOON);
    }
}
