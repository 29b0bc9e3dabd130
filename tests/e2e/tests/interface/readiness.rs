//! `/ready` belongs to no caller: checks outlive clients that disconnect, and a failure is logged once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use e2e::{Client, RawConnection, TestApp, wait_until};
use testkit::{Action, Fault, Timing, ports};

/// A service behind a proxy, and a client of its operator's listener.
fn spawn() -> (TestApp, Client) {
    let operator = format!("127.0.0.1:{}", ports::free().unwrap());
    let app = TestApp::setup().through_proxy().env(&[("ADMIN_ADDR", &operator)]).start();
    (app, Client::operators(&format!("http://{operator}")))
}

/// Sends `GET /ready` until `is_begun` says that a check has begun, and resets the connections. At first the result of
/// an earlier check may be shared.
fn ask_and_reset(app: &TestApp, is_begun: impl Fn() -> bool) {
    let mut connections = Vec::new();
    wait_until("the check to begin", || {
        let mut connection = app.connect();
        connection.send("GET /ready HTTP/1.1\r\nHost: x\r\n\r\n");
        connections.push(connection);
        is_begun()
    });
    connections.into_iter().for_each(RawConnection::reset);
}

#[test]
fn a_check_goes_on_when_its_first_caller_resets_the_connection() {
    let (app, operator) = spawn();
    // A new connection: on an old one the statement is prepared already.
    app.proxy().drop_connections();
    app.proxy().set(Fault::on_pattern("SELECT 1 FROM", Timing::BeforeServer, Action::Hold)).unwrap();
    ask_and_reset(&app, || app.proxy().triggered() == 1);
    let connections = app.proxy().accepted();
    // So the service has noticed the reset. The check has READY_TIMEOUT in all.
    app.get("/health").expect(200);
    thread::scope(|scope| {
        let probe = scope.spawn(|| operator.get("/ready").status);
        app.proxy().set(Fault::Pass).unwrap();
        assert_eq!(probe.join().unwrap(), 200);
    });
    // An abandoned check closes its connection, and the next one opens another.
    assert_eq!(app.proxy().accepted(), connections);
}

#[test]
fn resets_on_ready_keep_no_probe_of_the_operator_from_a_database_that_is_slow() {
    let (app, operator) = spawn();
    let is_over = AtomicBool::new(false);
    let connections = app.proxy().accepted();
    let delay = Duration::from_millis(40);
    app.proxy().set(Fault::Delay { to_server: Duration::ZERO, to_client: delay }).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let mut connection = app.connect();
                    connection.send("GET /ready HTTP/1.1\r\nHost: x\r\n\r\n");
                    thread::sleep(delay / 2);
                    connection.reset();
                }
            });
        }
        let statuses: Vec<u16> = (0..5).map(|_| operator.get("/ready").status).collect();
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(statuses, [200; 5]);
    });
    assert!(app.proxy().accepted() <= connections + 1, "{} connections", app.proxy().accepted() - connections);
}

#[test]
fn a_database_that_is_away_is_logged_once_and_not_for_each_probe() {
    let (app, operator) = spawn();
    let count = |text: &str| app.service().log().matches(text).count();
    assert_eq!(count("\"level\":\"error\""), 0, "{}", app.service().log());
    app.proxy().set(Fault::Refuse).unwrap();
    app.proxy().drop_connections();
    wait_until("503 from /ready", || app.get("/ready").status == 503);
    for _ in 0..100 {
        app.get("/ready").expect_problem(503, "database-unavailable");
        operator.get("/ready").expect_problem(503, "database-unavailable");
    }
    wait_until("the log to have the requests", || count("\"path\":\"/ready\",\"status\":503") > 200);
    // The first failure may be the end of the connection, the second one that there is no other.
    let failures = count("\"level\":\"error\"");
    assert!((1..=2).contains(&failures), "{failures} errors:\n{}", app.service().log());
    assert!(count("the service is not ready") == failures && count("not available") >= 1, "{}", app.service().log());
    app.proxy().set(Fault::Pass).unwrap();
    wait_until("200 from /ready", || operator.get("/ready").status == 200);
    wait_until("the log to say so", || count("the service is ready again") == 1);
}

#[test]
fn resets_on_ready_beside_a_silent_database_do_not_hide_its_return() {
    let (app, operator) = spawn();
    app.proxy().set(Fault::BlackHole).unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let mut connection = app.connect();
                connection.send("GET /ready HTTP/1.1\r\nHost: x\r\n\r\n");
                thread::sleep(Duration::from_millis(20));
                connection.reset();
            }
        });
        // A result from before is shared for a moment.
        let is_noticed =
            testkit::wait_until("a failed check", Duration::from_secs(10), || operator.get("/ready").status != 200);
        // Each gets a response, also if another one has begun the check.
        let statuses = [(); 2].map(|()| operator.get("/ready").status);
        let is_logged = testkit::wait_until("the failure in the log", Duration::from_secs(10), || {
            app.service().log().contains("the service is not ready")
        });
        app.proxy().set(Fault::Pass).unwrap();
        let is_back =
            testkit::wait_until("readiness", Duration::from_secs(10), || operator.get("/ready").status == 200);
        is_over.store(true, Ordering::Relaxed);
        assert!(statuses.iter().all(|status| [503, 504].contains(status)), "{statuses:?}");
        is_noticed.unwrap();
        is_logged.unwrap();
        is_back.unwrap();
    });
}
