//! Leaving cleanly: the operator's listener and `/drain`.

use std::ops::Deref;
use std::time::{Duration, Instant};

use testkit::{Fault, ports};

use e2e::{Client, TestApp, order, orders};

/// A service with an operator's listener. Dereferences to the [`TestApp`].
struct Operated {
    app: TestApp,
    operator: Client,
}

impl Operated {
    fn spawn(delay: &str, timeout: &str) -> Self {
        let port = ports::free().expect("a free port");
        let address = format!("127.0.0.1:{port}");
        let env = [("ADMIN_ADDR", address.as_str()), ("DRAIN_DELAY", delay), ("DRAIN_TIMEOUT", timeout)];
        let app = TestApp::setup().through_proxy().env(&env).start();
        Self { app, operator: Client::new(&format!("http://{address}")) }
    }

    #[track_caller]
    fn drain(&self) {
        let answer = self.operator.send("POST", "/drain", &[], None);
        assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"status":"draining"}"#));
    }

    /// Waits for the end of the process, which must be a clean one; gives how long it took.
    #[track_caller]
    fn gone(&self) -> Duration {
        let began = Instant::now();
        let status = self.service().wait(Duration::from_secs(20)).unwrap_or_else(|error| panic!("{error:#}"));
        assert_eq!(status.code(), Some(0), "{}", self.service().log());
        began.elapsed()
    }

    /// Makes the database's answers late.
    fn slow_database(&self, late: Duration) {
        self.proxy().set(Fault::Delay { to_server: Duration::ZERO, to_client: late }).expect("a fault");
    }
}

impl Deref for Operated {
    type Target = TestApp;

    fn deref(&self) -> &TestApp {
        &self.app
    }
}

#[test]
fn what_ends_the_process_is_not_on_the_public_listener() {
    let service = Operated::spawn("3s", "20s");
    for path in ["/drain", "/metrics"] {
        assert_eq!(service.get(path).status, 404, "{path}");
        assert_eq!(service.post(path, "").status, 404, "{path}");
    }
    for path in ["/", "/orders", "/init", "/delete_order?id=1"] {
        assert_eq!(service.operator.get(path).status, 404, "{path} on the operator's listener");
    }
    assert_eq!(service.operator.get("/health").status, 200);
    assert_eq!(service.operator.get("/ready").status, 200);
}

#[test]
fn a_drain_is_announced_and_everything_is_still_served() {
    let service = Operated::spawn("2s", "20s");
    assert_eq!(service.operator.head("/drain").status, 200);
    assert_eq!(service.get("/ready").status, 200, "HEAD changes nothing");
    service.drain();
    let again = service.operator.get("/drain");
    assert_eq!((again.status, again.text().as_str()), (200, r#"{"status":"draining already"}"#));
    for client in [&service.operator, &service.new_client()] {
        client.get("/ready").expect_problem(503, "draining");
    }
    assert_eq!(service.get("/health").status, 200);
    let created = service.post("/create_order", order(7));
    assert_eq!((created.status, created.header("connection")), (200, Some("close")));
    assert!(service.has_order(7));
    service.gone();
}

#[test]
fn the_process_ends_by_itself_though_clients_hold_idle_connections() {
    let service = Operated::spawn("300ms", "20s");
    let idle: Vec<_> = (0..20).map(|_| service.connect()).collect();
    assert_eq!(service.get("/orders").status, 200);
    service.drain();
    let took = service.gone();
    assert!(took < Duration::from_secs(5), "{took:?}");
    drop(idle);
}

#[test]
fn a_request_in_flight_gets_its_answer() {
    let service = Operated::spawn("0s", "20s");
    assert_eq!(service.post("/create_orders", orders(1..=5)).status, 200);
    service.slow_database(Duration::from_millis(400));
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| service.post("/create_order", order(50)));
        let reader = scope.spawn(|| service.new_client().get("/orders"));
        std::thread::sleep(Duration::from_millis(200));
        service.drain();
        assert_eq!(writer.join().expect("a client").status, 200);
        assert_eq!(reader.join().expect("a client").status, 200);
    });
    service.gone();
    assert!(service.has_order(50));
}

#[test]
fn a_commit_under_way_is_not_cut_even_when_the_time_to_leave_is_over() {
    let service = Operated::spawn("0s", "100ms");
    assert_eq!(service.post("/create_order", order(1)).status, 200);
    service.slow_database(Duration::from_millis(500));
    let answer = std::thread::scope(|scope| {
        // START TRANSACTION, INSERT and COMMIT are answered 0.5, 1.0 and 1.5 s from now.
        let writer = scope.spawn(|| service.post("/create_order", order(2)));
        std::thread::sleep(Duration::from_millis(1_150));
        service.drain();
        writer.join().expect("a client")
    });
    assert_eq!(answer.status, 200, "{}", answer.text());
    service.gone();
    assert!(service.has_order(2));
}

#[test]
fn what_takes_longer_than_the_time_to_leave_is_cut_and_nothing_of_it_is_written() {
    let service = Operated::spawn("0s", "200ms");
    assert_eq!(service.post("/create_order", order(1)).status, 200);
    service.slow_database(Duration::from_secs(2));
    std::thread::scope(|scope| {
        let client = service.new_client();
        let body = order(2);
        let writer = scope.spawn(move || client.try_send("POST", "/create_order", &[], Some(body.as_bytes())));
        std::thread::sleep(Duration::from_millis(300));
        service.drain();
        let took = service.gone();
        assert!(took < Duration::from_secs(4), "{took:?}");
        assert!(writer.join().expect("a client").is_err(), "an answer to what was cut off");
    });
    assert!(!service.has_order(2));
}
