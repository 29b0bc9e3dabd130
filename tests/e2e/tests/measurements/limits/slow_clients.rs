//! The cost of slow and half-closed clients for the service and the other clients.

use std::time::{Duration, Instant};

use e2e::{RawConnection, TestApp, order, with};

/// The bound of an event that is due after half a second, on a busy machine.
const MAX_CLOSE_TIME: Duration = Duration::from_secs(3);

/// A small request beside slow clients may take this long, on a busy machine.
const MAX_DELAY: Duration = Duration::from_millis(500);

/// Lets each of the slow clients take a step, again and again, while an honest client reads an order. Then the slow
/// ones must be cut off.
fn serve_beside(app: &TestApp, mut slow: Vec<RawConnection>, step: impl Fn(&mut RawConnection)) {
    let (started, mut delays) = (Instant::now(), Vec::new());
    while started.elapsed() < Duration::from_millis(2_500) {
        slow.iter_mut().for_each(&step);
        let asked = Instant::now();
        app.get("/orders/1").expect(200);
        delays.push(asked.elapsed());
    }
    delays.sort_unstable();
    let max = delays[delays.len() - 1];
    println!(
        "{} slow clients: {} requests, median {:?}, longest {max:?}",
        slow.len(),
        delays.len(),
        delays[delays.len() / 2]
    );
    assert!(max < MAX_DELAY, "a response took {max:?}");
    for connection in &mut slow {
        connection.expect_close_within(MAX_CLOSE_TIME);
    }
}

#[test]
fn three_hundred_slow_heads_delay_no_request() {
    let _alone = e2e::run_alone();
    let app = TestApp::spawn_with(&[("HEADER_TIMEOUT", "1s")]);
    app.post("/create_order", order(1)).expect_done();
    let slow = (0..300).map(|_| app.connect()).collect();
    serve_beside(&app, slow, |connection| {
        connection.send("G");
    });
}

#[test]
fn three_hundred_slow_bodies_delay_no_request() {
    let _alone = e2e::run_alone();
    let app = TestApp::spawn_with(&[("BODY_TIMEOUT", "1s")]);
    app.post("/create_order", order(1)).expect_done();
    let slow = (0..300).map(|_| {
        let mut connection = app.connect();
        connection.send("POST /create_order HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n");
        connection
    });
    serve_beside(&app, slow.collect(), |connection| {
        connection.send(" ");
    });
    assert_eq!(app.count_orders(), 1);
}

#[test]
fn a_hundred_slow_readers_delay_no_request() {
    let _alone = e2e::run_alone();
    let variables = [("WRITE_TIMEOUT", "1s"), ("MIN_RATE", "64KiB"), ("MAX_BUFFERED_BYTES", "128MiB")];
    let app = TestApp::spawn_with(&variables);
    let address = format!("\"{}\"", "🏠".repeat(255));
    let orders: Vec<String> = (1..=400).map(|id| with(id, "shipping_address", Some(&address))).collect();
    app.post("/create_orders", format!("[{}]", orders.join(","))).expect_done();
    let slow: Vec<RawConnection> = (0..100)
        .map(|_| {
            let mut connection = RawConnection::connect_with_small_buffer(app.address());
            connection.send("GET /orders?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n");
            assert_eq!(connection.read_exact(12).expect("a response"), b"HTTP/1.1 200", "a reader was rejected");
            connection
        })
        .collect();
    serve_beside(&app, slow, |connection| {
        // The service closes the connection in the end.
        let _ = connection.read(&mut [0; 16]);
    });
}

#[test]
fn a_half_closed_client_gets_its_response_and_costs_no_cpu_time() {
    let _alone = e2e::run_alone();
    let app = TestApp::setup().through_proxy().start();
    app.post("/create_order", order(1)).expect_done();
    app.proxy().set(testkit::Fault::Delay { to_server: Duration::ZERO, to_client: Duration::from_secs(2) }).unwrap();
    let mut waiting: Vec<RawConnection> = (0..5).map(|_| app.connect()).collect();
    for connection in &mut waiting {
        connection.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").shutdown_write();
    }
    let mut connection = app.connect();
    connection.send("GET /orders/1 HTTP/1.1\r\nHost: x\r\n\r\n").shutdown_write();
    let before = app.service().cpu_time().unwrap();
    assert_eq!(connection.expect_response().status, 200);
    let spent = app.service().cpu_time().unwrap().saturating_sub(before);
    assert!(spent < Duration::from_millis(500), "{spent:?} of processor time while waiting for the database");
    for connection in &mut waiting {
        assert_eq!(connection.expect_response().status, 200);
        connection.expect_close_within(MAX_CLOSE_TIME);
    }
}

#[test]
fn a_head_that_drips_in_costs_no_more_than_a_body_that_does() {
    let _alone = e2e::run_alone();
    let app = TestApp::spawn_with(&[("MAX_HEADER_BYTES", "48KiB"), ("HEADER_TIMEOUT", "60s")]);
    app.get("/health").expect(200);
    let cost = |start: &str| {
        let mut connection = app.connect();
        connection.stream().set_nodelay(true).expect("an option");
        connection.send(start);
        let before = app.service().cpu_time().expect("a running service");
        // Small pieces, each of which the service reads before the next one comes.
        for _ in 0..3_000 {
            connection.send("v".repeat(13));
            std::thread::sleep(Duration::from_micros(200));
        }
        // The service has read everything when it has served another client.
        app.get("/health").expect(200);
        app.service().cpu_time().expect("a running service").saturating_sub(before)
    };
    let body = cost("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    let head = cost("GET /");
    println!("3,000 pieces of 13 bytes: {head:?} in a head, {body:?} in a body");
    assert!(head < body * 2, "{head:?} for a head, {body:?} for a body");
}
