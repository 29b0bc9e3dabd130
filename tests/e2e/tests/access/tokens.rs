//! Bearer tokens: 401 without a valid one, 403 without the scope, names in the log.

use e2e::{Response, TestApp, order, wait_until};

use super::token_file::TokenFile;
use super::{WRITES, send, send_with_token};

const ORDER: &str = super::ORDER_1;

const READS: [&str; 4] = ["/orders", "/orders?limit=1", "/orders/1", "/orders/999"];

#[track_caller]
fn expect_challenge(response: &Response, status: u16, slug: &str, challenge: &str) {
    response.expect_problem(status, slug);
    assert_eq!(response.header("www-authenticate"), Some(challenge));
}

#[track_caller]
fn expect_token_required(response: &Response) {
    expect_challenge(response, 401, "token-required", "Bearer realm=\"order-service\"");
}

#[test]
fn without_a_token_nothing_can_be_read_or_written() {
    let file = TokenFile::new();
    let writer = file.add("writer", "write");
    let app = TestApp::spawn_with(&[("API_TOKENS_FILE", &file.variable())]);
    send_with_token(&app, ("POST", "/create_order", Some(ORDER)), &writer).expect_done();
    for path in READS {
        expect_token_required(&app.get(path));
    }
    for write in WRITES {
        expect_token_required(&send(&app, write, &[]));
    }
    expect_token_required(&app.post("/echo", "x"));
    assert_eq!(app.head("/orders").status, 401);
    for path in ["/", "/health", "/ready"] {
        app.get(path).expect(200);
    }
    app.get("/nowhere").expect_problem(404, "not-found");
    assert!(app.has_order(1));
}

#[test]
fn a_token_allows_what_its_scopes_say() {
    let file = TokenFile::new();
    let (reader, writer) = (file.add("reader", "read"), file.add("writer", "write"));
    let (admin, both) = (file.add("admin", "admin"), file.add("both", "read,write"));
    let app = TestApp::spawn_with(&[("API_TOKENS_FILE", &file.variable())]);
    let missing = |scope| format!("Bearer realm=\"order-service\", error=\"insufficient_scope\", scope=\"{scope}\"");
    send_with_token(&app, ("POST", "/create_order", Some(ORDER)), &both).expect_done();
    for token in [&reader, &both] {
        send_with_token(&app, ("GET", "/orders", None), token).expect(200);
        send_with_token(&app, ("POST", "/echo", Some("x")), token).expect(200);
    }
    for token in [&writer, &admin] {
        let response = send_with_token(&app, ("GET", "/orders", None), token);
        expect_challenge(&response, 403, "insufficient-scope", &missing("read"));
    }
    for write in WRITES {
        for token in [&reader, &admin] {
            expect_challenge(&send_with_token(&app, write, token), 403, "insufficient-scope", &missing("write"));
        }
        let status = send_with_token(&app, write, &writer).status;
        assert!(![401, 403].contains(&status), "{write:?}: {status}");
    }
}

#[test]
fn a_reset_needs_the_scope_admin() {
    let file = TokenFile::new();
    let (writer, both) = (file.add("writer", "read,write"), file.add("both", "write,admin"));
    let app = TestApp::spawn_with(&[("API_TOKENS_FILE", &file.variable()), ("ALLOW_RESET", "true")]);
    send_with_token(&app, ("POST", "/create_order", Some(ORDER)), &writer).expect_done();
    send_with_token(&app, ("GET", "/init", None), &writer).expect_done();
    let rejected = send_with_token(&app, ("GET", "/init?reset=true", None), &writer);
    rejected.expect_problem(403, "insufficient-scope");
    assert!(app.has_order(1));
    send_with_token(&app, ("GET", "/init?reset=true", None), &both).expect_done();
    assert_eq!(app.count_orders(), 0);
}

#[test]
fn wrong_credentials_are_401_and_say_so() {
    let file = TokenFile::new();
    let token = file.add("reader", "read");
    let app = TestApp::spawn_with(&[("API_TOKENS_FILE", &file.variable())]);
    let get = |authorization: &str| app.send("GET", "/orders", &[("authorization", authorization)], None);
    let (first, rest) = token.split_at(20);
    for wrong in [first, rest, &format!("{token}x"), &token.to_uppercase(), "x", "a.b.c", &"x".repeat(10_000)] {
        let challenge =
            "Bearer realm=\"order-service\", error=\"invalid_token\", error_description=\"The token is not known\"";
        expect_challenge(&get(&format!("Bearer {wrong}")), 401, "invalid-token", challenge);
    }
    for malformed in ["Bearer", "Bearer ", "Bearer \"x\"", "Bearer x y"] {
        get(malformed).expect_problem(401, "invalid-token");
    }
    app.connect()
        .send("GET /orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \u{e9}\r\n\r\n")
        .expect_response()
        .expect_problem(401, "invalid-token");
    for other in [&format!("Basic {token}"), "Basic eDp5", "Negotiate x", &token] {
        expect_token_required(&get(other));
    }
    for valid in [format!("Bearer {token}"), format!("bearer {token}"), format!("BEARER  {token}")] {
        get(&valid).expect(200);
    }
    let twice = format!("Bearer {token}");
    let twice = [("authorization", twice.as_str()), ("authorization", twice.as_str())];
    app.send("GET", "/orders", &twice, None).expect_problem(400, "invalid-header");
    app.get(&format!("/orders?access_token={token}")).expect_problem(401, "token-required");
}

#[test]
fn a_body_is_not_asked_for_before_the_token_is_checked() {
    let file = TokenFile::new();
    file.add("writer", "write");
    let app = TestApp::spawn_with(&[("API_TOKENS_FILE", &file.variable())]);
    let mut connection = app.connect();
    connection
        .send("POST /create_orders HTTP/1.1\r\nHost: x\r\nContent-Length: 33554432\r\nExpect: 100-continue\r\n\r\n");
    connection.expect_response().expect_problem(401, "token-required");
}

#[test]
fn a_browser_can_ask_what_it_may_send_without_a_token() {
    let file = TokenFile::new();
    let token = file.add("shop", "read,write");
    let origin = "https://shop.example";
    let app = TestApp::spawn_with(&[("API_TOKENS_FILE", &file.variable()), ("CORS_ALLOW_ORIGIN", origin)]);
    let preflight = [
        ("origin", origin),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "authorization, content-type"),
    ];
    let response = app.options("/orders/1", &preflight).expect(204);
    let allowed = response.header("access-control-allow-headers").expect("headers").to_lowercase();
    assert!(allowed.split(", ").any(|name| name == "authorization"), "{allowed}");
    let rejected = app.send("GET", "/orders", &[("origin", origin)], None);
    rejected.expect_problem(401, "token-required");
    assert_eq!(rejected.header("access-control-allow-origin"), Some(origin), "the page can read the reason");
    let authorization = format!("Bearer {token}");
    let headers = [("origin", origin), ("sec-fetch-site", "cross-site"), ("authorization", authorization.as_str())];
    app.send("POST", "/create_order", &headers, Some(ORDER.as_bytes())).expect_done();
}

#[test]
fn the_log_names_the_caller_and_the_address_of_the_rejected() {
    let file = TokenFile::new();
    let token = file.add("shop-1", "read");
    let app = TestApp::spawn_with(&[("API_TOKENS_FILE", &file.variable()), ("LOG_FORMAT", "json")]);
    send_with_token(&app, ("GET", "/orders", None), &token).expect(200);
    send_with_token(&app, ("GET", "/delete_order?id=1", None), &token).expect(403);
    app.get("/orders").expect(401);
    let has_line =
        |parts: &[&str]| app.service().log().lines().any(|line| parts.iter().all(|part| line.contains(part)));
    wait_until("the lines", || {
        has_line(&["\"status\":200", "/orders", "\"caller\":\"shop-1\""])
            && has_line(&["\"status\":403", "\"caller\":\"shop-1\"", "\"client\":\"127.0.0.1\""])
            && has_line(&["\"status\":401", "\"client\":\"127.0.0.1\""])
    });
}

#[test]
fn without_a_file_credentials_are_ignored() {
    let app = TestApp::spawn();
    let headers = [("authorization", "Bearer anything"), ("content-type", "application/json")];
    app.send("POST", "/create_order", &headers, Some(order(1).as_bytes())).expect_done();
    app.send("GET", "/orders", &[("authorization", "Basic eDp5")], None).expect(200);
}
