//! Shutdown: the admin listener and `/drain`.

mod background;

use std::net::TcpStream;
use std::ops::Deref;
use std::thread;
use std::time::{Duration, Instant};

use testkit::{Action, Fault, Timing, ports};

use e2e::{Client, DatabaseLock, RawConnection, TestApp, observe_for, order, orders, wait_until};

/// A service with an admin listener. Dereferences to the [`TestApp`].
struct DrainableApp {
    app: TestApp,
    admin: Client,
}

impl DrainableApp {
    fn spawn(delay: &str, timeout: &str) -> Self {
        Self::spawn_with(&[("DRAIN_DELAY", delay), ("DRAIN_TIMEOUT", timeout)])
    }

    fn spawn_with(variables: &[(&str, &str)]) -> Self {
        let port = ports::free().expect("a free port");
        let address = format!("127.0.0.1:{port}");
        let app = TestApp::setup().through_proxy().env(&[("ADMIN_ADDR", &address)]).env(variables).start();
        Self { app, admin: Client::operators(&format!("http://{address}")) }
    }

    #[track_caller]
    fn drain(&self) {
        let response = self.admin.send("POST", "/drain", &[], None);
        assert_eq!((response.status, response.text().as_str()), (200, r#"{"status":"draining"}"#));
    }

    /// Waits until the process exits with status 0. Returns the time that it took.
    #[track_caller]
    fn expect_clean_exit(&self) -> Duration {
        let started = Instant::now();
        let status = self.service().wait(Duration::from_secs(20)).unwrap_or_else(|error| panic!("{error:#}"));
        assert_eq!(status.code(), Some(0), "{}", self.service().log());
        started.elapsed()
    }
}

impl Deref for DrainableApp {
    type Target = TestApp;

    fn deref(&self) -> &TestApp {
        &self.app
    }
}

#[test]
fn admin_endpoints_are_not_on_the_public_listener() {
    let service = DrainableApp::spawn("3s", "20s");
    for path in ["/drain", "/metrics"] {
        assert_eq!(service.get(path).status, 404, "{path}");
        assert_eq!(service.post(path, "").status, 404, "{path}");
    }
    for path in ["/", "/orders", "/init", "/delete_order?id=1"] {
        assert_eq!(service.admin.get(path).status, 404, "{path} on the admin listener");
    }
    assert_eq!(service.admin.get("/health").status, 200);
    assert_eq!(service.admin.get("/ready").status, 200);
}

#[test]
fn a_draining_service_reports_unready_and_still_serves_requests() {
    let service = DrainableApp::spawn("2s", "20s");
    assert_eq!(service.admin.head("/drain").status, 200);
    assert_eq!(service.get("/ready").status, 200, "HEAD changes nothing");
    service.drain();
    let again = service.admin.get("/drain");
    assert_eq!((again.status, again.text().as_str()), (200, r#"{"status":"draining already"}"#));
    for client in [&service.admin, &service.new_client()] {
        client.get("/ready").expect_problem(503, "draining");
    }
    assert_eq!(service.get("/health").status, 200);
    let created = service.post("/create_order", order(7));
    assert_eq!((created.status, created.header("connection")), (200, Some("close")));
    assert!(service.has_order(7));
    service.expect_clean_exit();
}

#[test]
fn a_drained_service_exits_although_clients_hold_idle_connections() {
    let service = DrainableApp::spawn("300ms", "20s");
    let idle: Vec<_> = (0..20).map(|_| service.connect()).collect();
    assert_eq!(service.get("/orders").status, 200);
    service.drain();
    let elapsed = service.expect_clean_exit();
    assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
    drop(idle);
}

#[test]
fn requests_in_flight_get_their_responses_before_the_shutdown() {
    let service = DrainableApp::spawn("0s", "20s");
    assert_eq!(service.post("/create_orders", orders(1..=5)).status, 200);
    let lock = DatabaseLock::table(&service);
    thread::scope(|scope| {
        let writer = scope.spawn(|| service.post("/create_order", order(50)));
        let reader = scope.spawn(|| service.new_client().get("/orders"));
        wait_until("a write in flight", || service.count_statements("INSERT INTO orders") == 1);
        wait_until("a read in flight", || service.count_statements("SELECT order_id") == 1);
        service.drain();
        lock.release();
        assert_eq!(writer.join().expect("a client").status, 200);
        assert_eq!(reader.join().expect("a client").status, 200);
    });
    service.expect_clean_exit();
    assert!(service.has_order(50));
}

#[test]
fn a_commit_in_flight_is_completed_after_the_drain_timeout() {
    let service = DrainableApp::spawn("0s", "100ms");
    assert_eq!(service.post("/create_order", order(1)).status, 200);
    service.proxy().set(Fault::on_pattern("COMMIT", Timing::AfterResponse, Action::Hold)).expect("a fault");
    let response = thread::scope(|scope| {
        let writer = scope.spawn(|| service.post("/create_order", order(2)));
        wait_until("the COMMIT", || service.proxy().triggered() == 1);
        service.drain();
        // Past DRAIN_TIMEOUT.
        observe_for(Duration::from_millis(300), "the service waits for its COMMIT", || service.service().is_running());
        service.proxy().set(Fault::Pass).expect("no fault");
        writer.join().expect("a client")
    });
    assert_eq!(response.status, 200, "{}", response.text());
    service.expect_clean_exit();
    assert!(service.has_order(2));
}

#[test]
fn a_request_longer_than_the_drain_timeout_is_cut_off_and_writes_nothing() {
    let service = DrainableApp::spawn("0s", "200ms");
    assert_eq!(service.post("/create_order", order(1)).status, 200);
    let lock = DatabaseLock::table(&service);
    thread::scope(|scope| {
        let client = service.new_client();
        let body = order(2);
        let writer = scope.spawn(move || client.try_send("POST", "/create_order", &[], Some(body.as_bytes())));
        wait_until("a write in flight", || service.count_statements("INSERT INTO orders") == 1);
        service.drain();
        let elapsed = service.expect_clean_exit();
        assert!(elapsed < Duration::from_secs(4), "{elapsed:?}");
        assert!(writer.join().expect("a client").is_err(), "a response to a request that was cut off");
    });
    lock.release();
    wait_until("the end of the write", || service.count_statements("INSERT INTO orders") == 0);
    assert!(!service.has_order(2));
}

#[test]
fn a_slow_reader_gets_its_whole_response_after_drain() {
    let service = DrainableApp::spawn("0s", "20s");
    let address = format!("\"{}\"", "🏠".repeat(255));
    let orders: Vec<String> = (1..=600).map(|id| e2e::with(id, "shipping_address", Some(&address))).collect();
    service.post("/create_orders", format!("[{}]", orders.join(","))).expect_done();
    let page = service.get("/orders?limit=1000").expect(200).body.clone();
    let mut buffer = [0; 16 * 1024];
    let mut readers = ["/orders?limit=1000", "/orders"].map(|path| {
        let mut connection = RawConnection::connect_with_small_buffer(service.address());
        // In HTTP/1.0 nothing but the body follows the head.
        connection.send(format!("GET {path} HTTP/1.0\r\nHost: x\r\n\r\n"));
        let count = connection.read(&mut buffer).expect("the response begins");
        (connection, buffer[..count].to_vec())
    });
    service.drain();
    for (connection, received) in &mut readers {
        while let Ok(count @ 1..) = connection.read(&mut buffer) {
            received.extend_from_slice(&buffer[..count]);
            // A slow reader, but never silent for WRITE_TIMEOUT.
            thread::sleep(Duration::from_millis(40));
        }
        let log = service.service().log();
        assert!(received.ends_with(&page), "{} bytes of {}: {log}", received.len(), page.len());
    }
    service.expect_clean_exit();
}

/// A body of an echo in which each part differs from the others.
fn echo_body() -> Vec<u8> {
    (0..500_000_u32).flat_map(u32::to_le_bytes).collect()
}

/// A connection with the head of an echo request, whose response has begun. Returns what has been received so far, too.
fn begin_echo(service: &DrainableApp, body: &[u8], first: usize) -> (RawConnection, Vec<u8>) {
    let mut connection = RawConnection::connect_with_small_buffer(service.address());
    // In HTTP/1.0 nothing but the body follows the head.
    connection.send(format!("POST /echo HTTP/1.0\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len()));
    connection.send(&body[..first]);
    let mut buffer = [0; 4 * 1024];
    let count = connection.read(&mut buffer).expect("the response begins");
    (connection, buffer[..count].to_vec())
}

/// Drains the service, and waits until it accepts no further connection.
fn drain_until_closed(service: &DrainableApp) {
    service.drain();
    wait_until("the listener to be closed", || TcpStream::connect(service.address()).is_err());
}

#[test]
fn an_echo_that_is_read_slowly_gets_its_last_byte_after_drain() {
    let service = DrainableApp::spawn("0s", "20s");
    let body = echo_body();
    let first = 16 * 1024;
    let (mut connection, mut received) = begin_echo(&service, &body, first);
    let mut sender = connection.writer();
    thread::scope(|scope| {
        let rest = &body[first..];
        scope.spawn(move || drop(sender.try_send(rest)));
        drain_until_closed(&service);
        let mut buffer = [0; 32 * 1024];
        while let Ok(count @ 1..) = connection.read(&mut buffer) {
            received.extend_from_slice(&buffer[..count]);
            // A slow reader, but never silent for WRITE_TIMEOUT.
            thread::sleep(Duration::from_millis(20));
        }
    });
    assert!(received.ends_with(&body), "{} bytes of {}: {}", received.len(), body.len(), service.service().log());
    service.expect_clean_exit();
}

#[test]
fn an_echo_that_is_still_being_sent_gets_its_last_byte_after_drain() {
    let service = DrainableApp::spawn("0s", "20s");
    let body = &echo_body()[..64 * 1024];
    let (half, mut buffer) = (body.len() / 2, [0; 4 * 1024]);
    let (mut connection, mut received) = begin_echo(&service, body, half);
    while !received.ends_with(&body[..half]) {
        let count = connection.read(&mut buffer).expect("the first half");
        assert!(count > 0, "closed after {} bytes", received.len());
        received.extend_from_slice(&buffer[..count]);
    }
    drain_until_closed(&service);
    for piece in body[half..].chunks(4 * 1024) {
        assert!(service.service().is_running());
        connection.send(piece);
        // Each piece comes back before the next one is sent.
        let end = received.len() + piece.len();
        while received.len() < end {
            let count = connection.read(&mut buffer).expect("a piece");
            assert!(count > 0, "closed after {} bytes: {}", received.len(), service.service().log());
            received.extend_from_slice(&buffer[..count]);
        }
    }
    assert!(received.ends_with(body), "other bytes came back");
    service.expect_clean_exit();
}
