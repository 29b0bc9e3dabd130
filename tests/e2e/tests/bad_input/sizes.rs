//! Heads, bodies and numbers over their limits.

use super::Expected::{Problem, Rejected};
use super::{assert_still_serves, send_and_check, spawn_with_order, spawn_with_order_and};
use e2e::{order, orders, with};

fn head(method: &str, path: &str, headers: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{headers}\r\n").into_bytes()
}

#[test]
fn request_heads_over_the_limit_are_431() {
    let app = spawn_with_order();
    let padding = "v".repeat(17 * 1024);
    send_and_check(
        &app,
        "one header of 17 KiB",
        &head("GET", "/orders", &format!("X-Big: {padding}\r\n")),
        Problem(431, "headers-too-large"),
    );
    assert_still_serves(&app, "a large header");
    let many: String = (0..80).map(|n| format!("X-Header-{n}: {}\r\n", "v".repeat(220))).collect();
    send_and_check(&app, "80 headers, 18 KiB", &head("GET", "/orders", &many), Problem(431, "headers-too-large"));
    assert_still_serves(&app, "many headers");
}

#[test]
fn request_heads_far_over_the_limit_are_rejected() {
    let app = spawn_with_order();
    let short: String = (0..5_000).map(|n| format!("a{n}: b\r\n")).collect();
    send_and_check(&app, "5,000 headers", &head("GET", "/orders", &short), Rejected);
    assert_still_serves(&app, "5,000 headers");
    send_and_check(
        &app,
        "a header of 4 MB",
        &head("GET", "/orders", &format!("X-Big: {}\r\n", "v".repeat(4 << 20))),
        Rejected,
    );
    assert_still_serves(&app, "a header of 4 MB");
    send_and_check(
        &app,
        "a name of 100 KB",
        &head("GET", "/orders", &format!("{}: v\r\n", "n".repeat(100 << 10))),
        Rejected,
    );
    assert_still_serves(&app, "a header's name of 100 KB");
    send_and_check(&app, "a path of 100 KB", &head("GET", &format!("/{}", "p".repeat(100 << 10)), ""), Rejected);
    assert_still_serves(&app, "a path of 100 KB");
    send_and_check(
        &app,
        "a query of 100 KB",
        &head("GET", &format!("/orders?{}=1", "q".repeat(100 << 10)), ""),
        Rejected,
    );
    assert_still_serves(&app, "a query of 100 KB");
    send_and_check(&app, "4 MB without a line end", &vec![b'x'; 4 << 20], Rejected);
    assert_still_serves(&app, "4 MB without a line end");
}

#[test]
fn a_head_within_the_limit_is_served() {
    let app = spawn_with_order();
    let value = "v".repeat(12 * 1024);
    assert_eq!(app.send("GET", "/orders/1", &[("x-big", value.as_str())], None).status, 200);
}

#[test]
fn an_order_over_the_limit_is_413_with_any_framing() {
    let app = spawn_with_order();
    let padded = format!("{}{}", " ".repeat(65 * 1024), order(2));
    for (method, path) in
        [("POST", "/create_order"), ("POST", "/orders"), ("POST", "/update_order"), ("PUT", "/orders/1")]
    {
        let response = app.send(method, path, &[("content-type", "application/json")], Some(padded.as_bytes()));
        assert_eq!(response.status, 413, "{method} {path}: {}", response.summary());
        response.expect_problem(413, "body-too-large");
        let chunked = [
            head(method, path, "Transfer-Encoding: chunked\r\n"),
            format!("{:x}\r\n{padded}\r\n0\r\n\r\n", padded.len()).into_bytes(),
        ]
        .concat();
        send_and_check(&app, path, &chunked, Problem(413, "body-too-large"));
        assert_still_serves(&app, path);
    }
}

#[test]
fn a_batch_over_the_limit_is_413_with_any_framing() {
    let app = spawn_with_order_and(&[("MAX_BODY_BYTES", "20000")]);
    app.post("/create_orders", orders(10..20)).expect_done();
    for id in 10..20 {
        app.delete(&format!("/orders/{id}")).expect(204);
    }
    let batch = orders(2..200);
    app.post("/create_orders", &batch).expect_problem(413, "body-too-large");
    assert_still_serves(&app, "a large batch");
    let chunks: String = batch
        .as_bytes()
        .chunks(1_000)
        .map(|chunk| format!("{:x}\r\n{}\r\n", chunk.len(), String::from_utf8_lossy(chunk)))
        .collect();
    let bytes =
        [head("POST", "/create_orders", "Transfer-Encoding: chunked\r\n"), chunks.into_bytes(), b"0\r\n\r\n".to_vec()]
            .concat();
    send_and_check(&app, "a large batch in chunks", &bytes, Problem(413, "body-too-large"));
    assert_still_serves(&app, "a large batch in chunks");
}

#[test]
fn a_content_length_over_the_limit_is_413_before_the_body_is_sent() {
    let app = spawn_with_order();
    for (path, length) in [
        ("/create_order", 65_537_u64),
        ("/create_orders", 33_554_433),
        ("/create_orders", 1 << 40),
        ("/orders", u64::MAX - 2),
    ] {
        let mut connection = app.connect();
        connection.send(head("POST", path, &format!("Content-Length: {length}\r\n")));
        let response = connection.response().unwrap_or_else(|| panic!("{length} to {path} got no response"));
        response.expect_problem(413, "body-too-large");
        assert_still_serves(&app, "a large declared length");
    }
}

#[test]
fn a_client_that_expects_100_continue_gets_413_for_a_body_over_the_limit() {
    let app = spawn_with_order();
    let mut connection = app.connect();
    connection.send(head("POST", "/create_orders", "Content-Length: 99999999\r\nExpect: 100-continue\r\n"));
    connection.expect_response().expect_problem(413, "body-too-large");
    assert_still_serves(&app, "a refused 100-continue");
}

#[test]
fn numbers_with_many_digits_are_rejected_cheaply() {
    let app = spawn_with_order();
    let digits = "9".repeat(60_000);
    for json in [
        digits.clone(),
        format!("0.{digits}"),
        format!("1e{digits}"),
        format!("1e-{digits}"),
        format!("{digits}e-{}", 59_999),
    ] {
        let problem = app.post("/create_order", with(2, "amount", Some(&json))).expect_problem(400, "invalid-order");
        assert!(problem.has_error_for("amount"));
        let problem = app.post("/create_order", with(2, "quantity", Some(&json))).expect_problem(400, "invalid-order");
        assert!(problem.has_error_for("quantity"));
        assert_still_serves(&app, "a number of 60,000 digits");
    }
}
