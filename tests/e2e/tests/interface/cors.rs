//! `OPTIONS` on every path, and CORS for the configured origin only.

use e2e::{Response, TestApp, order};

const ORIGIN: &str = "https://shop.example";

fn access_headers(response: &Response) -> Vec<&str> {
    response.headers.keys().map(|name| name.as_str()).filter(|name| name.starts_with("access-control-")).collect()
}

#[test]
fn options_names_the_methods_of_a_path() {
    let app = TestApp::spawn();
    for (path, method) in
        [("/orders", "POST"), ("/orders/1", "PUT"), ("/create_order", "POST"), ("/delete_order", "DELETE")]
    {
        let response = app.options(path, &[]).expect(204);
        let allow = response.header("allow").expect("Allow");
        assert!(allow.split(", ").any(|have| have == method), "{path}: {allow}");
        assert!(allow.split(", ").any(|have| have == "OPTIONS"), "{path}: {allow}");
        assert!(response.body.is_empty());
    }
    app.options("/nowhere", &[]).expect_problem(404, "not-found");
}

#[test]
fn without_a_configured_origin_there_are_no_cors_headers() {
    let app = TestApp::spawn();
    let preflight = [("origin", ORIGIN), ("access-control-request-method", "POST")];
    assert!(access_headers(&app.options("/orders", &preflight).expect(204)).is_empty());
    assert!(access_headers(&app.send("GET", "/orders", &[("origin", ORIGIN)], None).expect(200)).is_empty());
}

#[test]
fn the_configured_origin_may_send_requests() {
    let app = TestApp::spawn_with(&[("CORS_ALLOW_ORIGIN", ORIGIN)]);
    let preflight = [
        ("origin", ORIGIN),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "content-type, if-match"),
    ];
    let response = app.options("/orders/1", &preflight).expect(204);
    assert_eq!(response.header("access-control-allow-origin"), Some(ORIGIN));
    let methods = response.header("access-control-allow-methods").expect("methods");
    assert!(methods.contains("PUT"), "{methods}");
    let headers = response.header("access-control-allow-headers").expect("headers").to_lowercase();
    assert!(
        headers.contains("content-type") && headers.contains("if-match") && headers.contains("idempotency-key"),
        "{headers}"
    );
    let response = app.send("GET", "/orders", &[("origin", ORIGIN)], None).expect(200);
    assert_eq!(response.header("access-control-allow-origin"), Some(ORIGIN));
    let exposed = response.header("access-control-expose-headers").expect("exposed headers").to_lowercase();
    for name in ["etag", "idempotency-replayed", "link", "location", "x-request-id"] {
        assert!(exposed.contains(name), "{name} is not exposed: {exposed}");
    }
    assert!(
        response.header("vary").is_some_and(|vary| vary.to_lowercase().contains("origin")),
        "caches must tell origins apart"
    );
}

#[test]
fn the_configured_origin_may_read_errors() {
    let app = TestApp::spawn_with(&[("CORS_ALLOW_ORIGIN", ORIGIN)]);
    let response = app.send("POST", "/orders", &[("origin", ORIGIN), ("content-type", "application/json")], Some(b"{"));
    response.expect_problem(400, "invalid-json");
    assert_eq!(response.header("access-control-allow-origin"), Some(ORIGIN));
}

#[test]
fn another_origin_gets_no_permission() {
    let app = TestApp::spawn_with(&[("CORS_ALLOW_ORIGIN", ORIGIN)]);
    for other in ["https://evil.example", "http://shop.example", "https://shop.example.evil.example", "null"] {
        let preflight = [("origin", other), ("access-control-request-method", "POST")];
        let allowed = app.options("/orders", &preflight).expect(204);
        assert_ne!(allowed.header("access-control-allow-origin"), Some(other), "{other}");
        assert_ne!(allowed.header("access-control-allow-origin"), Some("*"), "{other}");
    }
}

#[test]
fn an_asterisk_allows_every_origin() {
    let app = TestApp::spawn_with(&[("CORS_ALLOW_ORIGIN", "*")]);
    let headers = [("origin", "https://anyone.example"), ("content-type", "application/json")];
    let response = app.send("POST", "/orders", &headers, Some(order(1).as_bytes())).expect(201);
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    assert_eq!(response.header("access-control-allow-credentials"), None, "a star never goes with credentials");
}
