//! Host names that a listener accepts: a page whose name resolves to this machine is no page of the service.

use testkit::ports;

use e2e::{Client, TestApp, order, wait_until};

/// The status of a GET under this host name.
fn status(app: &TestApp, host: &str, path: &str) -> u16 {
    app.connect().send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")).expect_response().status
}

#[test]
fn on_a_loopback_address_only_loopback_names_are_served() {
    let app = TestApp::spawn_with(&[("ALLOWED_HOSTS", "")]);
    app.post("/create_order", order(1)).expect_done();
    let port = app.address().port();
    for host in ["localhost", "LOCALHOST", "127.0.0.1", "[::1]", "app.localhost"] {
        assert_eq!(status(&app, host, "/orders"), 200, "{host}");
        assert_eq!(status(&app, &format!("{host}:{port}"), "/orders"), 200, "{host}:{port}");
    }
    for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "10.0.0.1", ""] {
        for path in ["/orders", "/orders/1", "/delete_order?id=1", "/init"] {
            let mut connection = app.connect();
            connection.send(format!("GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n"));
            connection.expect_response().expect_problem(421, "unknown-host");
        }
        assert_eq!(status(&app, host, "/health"), 200, "probes may use any name: {host}");
        assert_eq!(status(&app, host, "/ready"), 200, "{host}");
    }
    assert!(app.has_order(1));
}

#[test]
fn the_target_s_host_counts_before_the_header() {
    let app = TestApp::spawn_with(&[("ALLOWED_HOSTS", "")]);
    let mut connection = app.connect();
    connection.send("GET http://evil.example/orders HTTP/1.1\r\nHost: localhost\r\n\r\n");
    connection.expect_response().expect_problem(421, "unknown-host");
    connection.send("GET http://localhost/orders HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert_eq!(connection.expect_response().status, 200);
}

#[test]
fn a_request_without_a_host_is_served() {
    let app = TestApp::spawn_with(&[("ALLOWED_HOSTS", "")]);
    assert_eq!(app.connect().send("GET /orders HTTP/1.0\r\n\r\n").expect_response().status, 200);
}

#[test]
fn a_list_replaces_the_default() {
    let app = TestApp::spawn_with(&[("ALLOWED_HOSTS", "orders.example,*.shop.example")]);
    for (host, expected) in [
        ("orders.example:8080", 200),
        ("Orders.Example.", 200),
        ("a.shop.example", 200),
        ("shop.example", 421),
        ("localhost", 421),
        ("evil.example", 421),
    ] {
        assert_eq!(status(&app, host, "/orders"), expected, "{host}");
    }
}

#[test]
fn on_another_address_any_name_is_served() {
    let port = ports::free().expect("a free port");
    let listen = format!("0.0.0.0:{port}");
    // The client reaches it by another port than the test's own.
    let app = TestApp::setup().env(&[("ALLOWED_HOSTS", ""), ("LISTEN_ADDR", &listen)]).port(port).start();
    for host in ["orders.example", "10.1.2.3:8080", "localhost"] {
        assert_eq!(status(&app, host, "/orders"), 200, "{host}");
    }
}

#[test]
fn the_operator_s_listener_on_loopback_rejects_other_names_too() {
    let port = ports::free().expect("a free port");
    let admin = format!("127.0.0.1:{port}");
    let app =
        TestApp::spawn_with(&[("ADMIN_ADDR", &admin), ("DRAIN_DELAY", "60s"), ("ALLOWED_HOSTS", "orders.example")]);
    let operator = Client::operators(&format!("http://{admin}"));
    let drain = |headers: &[(&str, &str)]| operator.send("GET", "/drain", headers, None);
    drain(&[("host", "evil.example")]).expect_problem(421, "unknown-host");
    drain(&[("sec-fetch-site", "cross-site")]).expect_problem(403, "cross-site-request");
    assert_eq!(app.send("GET", "/ready", &[], None).status, 200, "it does not drain");
    operator.send("GET", "/health", &[("host", "10.0.0.1")], None).expect(200);
    drain(&[]).expect(200);
    wait_until("the service to be unready", || app.get("/ready").status == 503);
}
