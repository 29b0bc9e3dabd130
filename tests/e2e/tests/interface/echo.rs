//! `POST /echo` streams the request's body back.

use std::thread;
use std::time::Duration;

use e2e::{RawConnection, TestApp};

#[test]
fn echo_returns_every_byte() {
    let app = TestApp::spawn();
    let every_byte: Vec<u8> = (0..=255).collect();
    for body in [&b"hello"[..], b"", every_byte.as_slice(), "döner 東京".as_bytes()] {
        assert_eq!(app.send("POST", "/echo", &[], Some(body)).expect(200).body, body);
    }
}

#[test]
fn echo_accepts_any_content_type() {
    let app = TestApp::spawn();
    for kind in ["text/plain", "application/octet-stream", "application/x-www-form-urlencoded", "image/png"] {
        let response = app.send("POST", "/echo", &[("content-type", kind)], Some(b"abc")).expect(200);
        assert_eq!(response.text(), "abc");
    }
}

/// The echo of a body that is sent in chunks while the response is read.
fn echoed(mut connection: RawConnection, body: &[u8]) -> Vec<u8> {
    thread::scope(|scope| {
        let mut sender = connection.writer();
        scope.spawn(move || {
            sender.send("POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
            for piece in body.chunks(60_000) {
                sender.send(format!("{:x}\r\n", piece.len())).send(piece).send("\r\n");
            }
            sender.send("0\r\n\r\n");
        });
        connection.expect_response().body.clone()
    })
}

#[test]
fn echo_streams_large_bodies() {
    let app = TestApp::spawn();
    let body: Vec<u8> = (0..8_000_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
    let back = echoed(app.connect(), &body);
    assert!(back == body, "{} of {} bytes came back, or others", back.len(), body.len());
}

#[test]
fn echo_responds_before_the_request_has_ended() {
    let app = TestApp::spawn();
    let mut connection: RawConnection = app.connect();
    connection.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for round in 0..5 {
        connection.send("5\r\nhello\r\n");
        connection
            .read_until(b"hello", Duration::from_secs(5))
            .unwrap_or_else(|| panic!("chunk {round} did not come back while the request was open"));
    }
    connection.send("0\r\n\r\n");
    connection.read_until(b"0\r\n\r\n", Duration::from_secs(5)).expect("the end of the response");
}

#[test]
fn a_body_that_looks_like_a_response_is_echoed_unchanged() {
    let app = TestApp::spawn();
    // The HTTP library's own response to a malformed head. The service replaces it there, and must not replace it in a
    // body.
    let text = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
    for round in 0..10 {
        let body = text.repeat(20_000 + round);
        let back = echoed(RawConnection::connect_with_small_buffer(app.address()), body.as_bytes());
        assert!(
            back == body.as_bytes(),
            "round {round}: {} bytes went out, {} came back, or others",
            body.len(),
            back.len()
        );
    }
}
