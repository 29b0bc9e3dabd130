//! Malformed, hostile and unusual request lines and header fields.

use super::Expected::{Problem, Rejected, Status};
use super::{Expected, assert_still_serves, send_and_check, spawn_with_order};

fn get(headers: &str) -> Vec<u8> {
    format!("GET /orders/1 HTTP/1.1\r\nHost: x\r\n{headers}\r\n").into_bytes()
}

#[test]
fn malformed_request_lines_are_rejected_and_the_service_keeps_serving() {
    let app = spawn_with_order();
    let table: Vec<(&str, Vec<u8>)> = vec![
        ("garbage", b"\x00\x01\x02\xff\xfe\r\n\r\n".to_vec()),
        ("a TLS hello", [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], &[7; 500]].concat()),
        ("an SSH greeting", b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()),
        ("an SMTP greeting", b"EHLO example.org\r\n\r\n".to_vec()),
        ("HTTP/0.9", b"GET /orders\r\n\r\n".to_vec()),
        ("HTTP/3.0", b"GET /orders HTTP/3.0\r\nHost: x\r\n\r\n".to_vec()),
        ("HTTP/2.0 as text", b"GET /orders HTTP/2.0\r\nHost: x\r\n\r\n".to_vec()),
        ("HTTP/1.10", b"GET /orders HTTP/1.10\r\nHost: x\r\n\r\n".to_vec()),
        ("another protocol's name", b"GET /orders HTTQ/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("no method", b" /orders HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("no path", b"GET  HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("a path with a space", b"GET /or ders HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("a path without a slash", b"GET orders HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("a path with a control character", b"GET /ord\x01ers HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("a method with a control character", b"GE\x01T /orders HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("a method with a colon", b"GET: /orders HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("a method in lower case", b"get /orders HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("a very long method", [&[b'A'; 3000][..], b" /orders HTTP/1.1\r\nHost: x\r\n\r\n"].concat()),
        ("CONNECT", b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n".to_vec()),
        ("TRACE", b"TRACE /orders HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("an unknown method", b"BREW /orders HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
    ];
    for (what, bytes) in table {
        send_and_check(&app, what, &bytes, Rejected);
        assert_still_serves(&app, what);
    }
}

#[test]
fn http_2_by_prior_knowledge_is_rejected_and_the_service_keeps_serving() {
    let app = spawn_with_order();
    // The preface and an empty SETTINGS frame (RFC 9113, 3.4). An HTTP/2 server responds with its own SETTINGS.
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
    let mut connection = app.connect();
    connection.send(preface);
    let received = connection.read_until_closed();
    let shown = String::from_utf8_lossy(&received);
    assert!(received.is_empty() || shown.starts_with("HTTP/1.1 4"), "{shown:?}");
    assert!(!received.starts_with(b"\x00\x00"), "an HTTP/2 frame came back");
    assert_still_serves(&app, "an HTTP/2 preface");
}

#[test]
fn an_upgrade_to_http_2_or_websocket_is_ignored() {
    let app = spawn_with_order();
    let upgrade = get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n");
    send_and_check(&app, "h2c", &upgrade, Status(200));
    send_and_check(
        &app,
        "a websocket",
        &get("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n"),
        Status(200),
    );
    assert_still_serves(&app, "offers to upgrade");
}

#[test]
fn malformed_header_fields_are_rejected_and_the_service_keeps_serving() {
    let app = spawn_with_order();
    let table: Vec<(&str, Vec<u8>)> = vec![
        ("a header without a colon", get("Nonsense\r\n")),
        ("a header without a name", get(": value\r\n")),
        ("a name with a space", get("X Name: value\r\n")),
        ("a space before the colon", get("Content-Length : 5\r\n")),
        ("a name with a control character", get("X\u{1}: value\r\n")),
        ("a folded header", get("X-Long: one\r\n two\r\n")),
        ("a header that begins with a space", get(" X: value\r\n")),
        ("a NUL in a value", get("X-Nul: a\0b\r\n")),
        ("a bare CR in a value", get("X-Cr: a\rb\r\n")),
        ("no Host", b"GET /orders/1 HTTP/1.1\r\n\r\n".to_vec()),
        ("two Hosts", get("Host: y\r\n")),
        ("a header cut short by the end", b"GET /orders/1 HTTP/1.1\r\nHost: x\r\nX-Cut".to_vec()),
    ];
    for (what, bytes) in table {
        send_and_check(&app, what, &bytes, Rejected);
        assert_still_serves(&app, what);
    }
}

#[test]
fn unsupported_header_fields_are_rejected_by_name_or_ignored() {
    let app = spawn_with_order();
    let table: [(&str, Vec<u8>, Expected); 8] = [
        ("a Range", get("Range: bytes=0-3\r\n"), Status(200)),
        ("a body on GET", [get("Content-Length: 5\r\n"), b"hello".to_vec()].concat(), Status(200)),
        ("an Accept of something else", get("Accept: text/html\r\n"), Status(200)),
        ("an old proxy's method override", get("X-HTTP-Method-Override: DELETE\r\n"), Status(200)),
        (
            "a forwarded path",
            get("X-Original-URL: /delete_order?id=1\r\nX-Rewrite-URL: /delete_order?id=1\r\n"),
            Status(200),
        ),
        (
            "bytes beyond ASCII",
            [&b"GET /orders/1 HTTP/1.1\r\nHost: x\r\nX-Name: "[..], b"\xff\xfe\r\n\r\n"].concat(),
            Status(200),
        ),
        (
            "an unreadable If-Match",
            b"DELETE /orders/1 HTTP/1.1\r\nHost: x\r\nIf-Match: \xff\xfe\r\n\r\n".to_vec(),
            Problem(400, "invalid-header"),
        ),
        (
            "an unreadable Content-Type",
            b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: \xff\r\nContent-Length: 2\r\n\r\n{}".to_vec(),
            Problem(415, "unsupported-media-type"),
        ),
    ];
    for (what, bytes, expected) in table {
        send_and_check(&app, what, &bytes, expected);
        assert_still_serves(&app, what);
    }
}

#[test]
fn unusual_forms_of_a_valid_request_are_accepted() {
    let app = spawn_with_order();
    let table: [(&str, &[u8], Expected); 7] = [
        ("the absolute form", b"GET http://example.org/orders/1 HTTP/1.1\r\nHost: example.org\r\n\r\n", Status(200)),
        ("HTTP/1.0", b"GET /orders/1 HTTP/1.0\r\n\r\n", Status(200)),
        ("an empty line first", b"\r\nGET /orders/1 HTTP/1.1\r\nHost: x\r\n\r\n", Status(200)),
        ("no white space after the colon", b"GET /orders/1 HTTP/1.1\r\nHost:x\r\n\r\n", Status(200)),
        ("the server as a whole", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", Status(204)),
        ("an empty query", b"GET /orders/1? HTTP/1.1\r\nHost: x\r\n\r\n", Status(200)),
        (
            "Expect",
            b"POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
            Status(200),
        ),
    ];
    for (what, bytes, expected) in table {
        send_and_check(&app, what, bytes, expected);
        assert_still_serves(&app, what);
    }
}

#[test]
fn a_client_that_expects_100_continue_gets_it_and_then_its_response() {
    let app = spawn_with_order();
    let body = e2e::order(2);
    let mut connection = app.connect();
    connection.send(format!(
        "POST /create_order HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    ));
    assert_eq!(connection.expect_response().status, 100);
    connection.send(&body);
    assert_eq!(connection.expect_response().status, 200);
    app.delete("/orders/2").expect(204);
    assert_still_serves(&app, "100-continue");
}
