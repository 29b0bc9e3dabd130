//! `/health`, `/ready`, unknown paths and unsupported methods.

use e2e::{TestApp, order, wait_for};

#[test]
fn a_running_service_is_alive_and_ready() {
    let app = TestApp::spawn();
    app.get("/health").expect(200);
    app.get("/ready").expect(200);
}

#[test]
fn readiness_needs_the_table() {
    let app = TestApp::spawn();
    app.get("/ready").expect(200);
    app.sql("RENAME TABLE orders TO elsewhere");
    // A result is shared for up to half a second: the longer, the longer the check took.
    wait_for("503 from /ready", || (app.get("/ready").status == 503).then_some(()));
    app.get("/health").expect(200);
    app.sql("RENAME TABLE elsewhere TO orders");
    wait_for("200 from /ready", || (app.get("/ready").status == 200).then_some(()));
}

#[test]
fn an_unknown_path_is_404_with_any_method() {
    let app = TestApp::spawn();
    for path in [
        "/nowhere",
        "/orders/1/items",
        "/Orders",
        "/create_order/",
        "//orders",
        "/orders.json",
        "/admin",
        "/metrics",
        "/drain",
    ] {
        for method in ["GET", "DELETE"] {
            app.send(method, path, &[], None).expect_problem(404, "not-found");
        }
        app.post(path, order(1)).expect_problem(404, "not-found");
    }
}

#[test]
fn an_unsupported_method_is_405_with_the_supported_ones() {
    let app = TestApp::spawn();
    let table: [(&str, &str, &[&str]); 11] = [
        ("/", "GET, HEAD", &["POST", "PUT", "DELETE", "PATCH"]),
        ("/echo", "POST", &["GET", "HEAD", "PUT"]),
        ("/init", "GET, HEAD", &["POST", "DELETE"]),
        ("/create_order", "POST", &["GET", "PUT", "DELETE"]),
        ("/create_orders", "POST", &["GET", "PUT"]),
        ("/update_order", "POST", &["GET", "PUT", "DELETE"]),
        ("/delete_order?id=1", "GET, HEAD, DELETE", &["POST", "PUT"]),
        ("/orders", "GET, HEAD, POST", &["PUT", "DELETE", "PATCH"]),
        ("/orders/1", "GET, HEAD, PUT, DELETE", &["POST", "PATCH"]),
        ("/health", "GET, HEAD", &["POST", "DELETE"]),
        ("/ready", "GET, HEAD", &["PUT"]),
    ];
    for (path, allowed, methods) in table {
        for method in methods {
            let response = app.send(method, path, &[], None);
            if *method == "HEAD" {
                assert_eq!(response.status, 405, "{method} {path}");
            } else {
                response.expect_problem(405, "method-not-allowed");
            }
            let allow = response.header("allow").unwrap_or_else(|| panic!("{method} {path} has no Allow"));
            for one in allowed.split(", ") {
                assert!(allow.split(", ").any(|have| have == one), "{method} {path}: {one} is not in {allow:?}");
            }
            assert!(!allow.split(", ").any(|have| have == *method), "{method} {path}: {allow:?}");
        }
    }
}

#[test]
fn an_unknown_method_is_405() {
    let app = TestApp::spawn();
    let mut connection = app.connect();
    for method in ["BREW", "get", "PROPFIND", "X-Y_Z"] {
        connection.send(format!("{method} /orders HTTP/1.1\r\nHost: x\r\n\r\n"));
        let response = connection.expect_response();
        response.expect_problem(405, "method-not-allowed");
        assert!(response.header("allow").is_some_and(|allow| allow.contains("POST")), "{method}");
    }
}

#[test]
fn responses_do_not_name_the_server_software() {
    let app = TestApp::spawn();
    for path in ["/orders", "/health", "/"] {
        let response = app.get(path);
        assert_eq!(response.header("server"), None, "{path}");
        assert_eq!(response.header("x-powered-by"), None, "{path}");
    }
}

#[test]
fn readiness_is_not_shed_with_other_requests() {
    let app = TestApp::spawn_with(&[("MAX_IN_FLIGHT", "1")]);
    app.post("/create_order", order(1)).expect_done();
    let lock = e2e::DatabaseLock::rows(&app, "order_id = 1");
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| app.new_client().post("/update_order", order(1)).status);
        e2e::wait_until("a request in flight", || app.count_statements("UPDATE orders") == 1);
        app.get("/orders").expect_problem(503, "overloaded");
        app.get("/ready").expect(200);
        lock.release();
        assert_eq!(writer.join().expect("a client"), 200);
    });
}

#[test]
fn many_readiness_requests_are_few_checks() {
    let app = TestApp::setup().through_proxy().start();
    let delay = std::time::Duration::from_millis(100);
    app.proxy().set(testkit::Fault::Delay { to_server: std::time::Duration::ZERO, to_client: delay }).unwrap();
    // One check is two statements. One after the other, 100 checks would take 20 s.
    let started = std::time::Instant::now();
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..100).map(|_| scope.spawn(|| app.new_client().get("/ready").status)).collect();
        for one in all {
            assert_eq!(one.join().expect("a client"), 200);
        }
    });
    assert!(started.elapsed() < std::time::Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn the_service_is_not_ready_before_the_migrations_at_its_start_are_over() {
    let first = TestApp::spawn();
    // As another replica that is migrating does.
    let lock = e2e::DatabaseLock::migrations(&first);
    let second = TestApp::setup().database(first.database()).without_waiting().start();
    first.get("/ready").expect(200);
    second.get("/ready").expect_problem(503, "not-initialised");
    lock.release();
    e2e::wait_until("readiness", || second.get("/ready").status == 200);
}
