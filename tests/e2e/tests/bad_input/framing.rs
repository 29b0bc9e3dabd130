//! The end of a body: lengths, chunks and request smuggling (RFC 9112, 6 and 11.2).

use super::{assert_still_serves, spawn_with_order};
use e2e::{TestApp, order};

/// A `POST /create_order` of order 2 with these framing headers and these bytes as its body.
fn post(framing: &str, after: &str) -> Vec<u8> {
    format!("POST /create_order HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{framing}\r\n{after}")
        .into_bytes()
}

/// A request that must not be executed: it is inside another request's body, or follows an ambiguous one.
const SMUGGLED: &str = "GET /delete_order?id=1 HTTP/1.1\r\nHost: x\r\n\r\n";

/// Sends bytes that must change no order, whatever the response. Returns a description of a change.
fn find_change(app: &TestApp, what: &str, bytes: &[u8]) -> Option<String> {
    let mut connection = app.connect();
    connection.send(bytes).shutdown_write();
    let received = connection.read_until_closed();
    let shown = String::from_utf8_lossy(&received);
    let stored = app.sql("SELECT GROUP_CONCAT(order_id) FROM orders");
    if shown.starts_with("HTTP/1.1 2") || shown.contains(r#"{"status":true}"#) || stored != "1" {
        app.sql("DELETE FROM orders");
        app.post("/create_order", order(1)).expect_done();
        return Some(format!("{what}: orders {stored}, response {}", shown.lines().next().unwrap_or_default()));
    }
    assert_still_serves(app, what);
    None
}

/// Fails with a list of all requests that changed an order.
#[track_caller]
fn assert_no_change<'a>(app: &TestApp, table: impl IntoIterator<Item = (&'a str, Vec<u8>)>) {
    let changes: Vec<String> = table.into_iter().filter_map(|(what, bytes)| find_change(app, what, &bytes)).collect();
    assert!(changes.is_empty(), "changed:\n{}", changes.join("\n"));
}

#[test]
fn invalid_content_lengths_are_rejected() {
    let app = spawn_with_order();
    let body = order(2);
    let length = body.len();
    let table = [
        ("a negative length", "Content-Length: -1\r\n".to_owned()),
        ("a length in words", "Content-Length: ten\r\n".to_owned()),
        ("an empty length", "Content-Length:\r\n".to_owned()),
        ("a length with a sign", format!("Content-Length: +{length}\r\n")),
        ("a hexadecimal length", format!("Content-Length: 0x{length:x}\r\n")),
        ("a length beyond 64 bits", "Content-Length: 18446744073709551617\r\n".to_owned()),
        ("two lengths", format!("Content-Length: {length}\r\nContent-Length: {}\r\n", length - 1)),
        ("two lengths in one", format!("Content-Length: {length}, {}\r\n", length - 1)),
        ("a length that is too long", format!("Content-Length: {}\r\n", length + 1)),
    ];
    assert_no_change(&app, table.map(|(what, framing)| (what, post(&framing, &body))));
}

#[test]
fn a_content_length_below_the_body_creates_no_order_and_no_second_request() {
    let app = spawn_with_order();
    let body = order(2);
    let lengths = [0, 1, body.len() - 1];
    assert_no_change(
        &app,
        lengths.map(|short| ("a length that is too short", post(&format!("Content-Length: {short}\r\n"), &body))),
    );
}

#[test]
fn transfer_codings_other_than_chunked_are_rejected() {
    let app = spawn_with_order();
    let chunked = format!("{:x}\r\n{}\r\n0\r\n\r\n", order(2).len(), order(2));
    let codings = [
        "gzip",
        "identity",
        "xchunked",
        "chunked, gzip",
        "chunked;q=1",
        "\"chunked\"",
        "cow",
        "",
        "chunked\r\nTransfer-Encoding: gzip",
    ];
    assert_no_change(&app, codings.map(|coding| (coding, post(&format!("Transfer-Encoding: {coding}\r\n"), &chunked))));
    let old = format!(
        "POST /create_order HTTP/1.0\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}"
    );
    assert_no_change(&app, [("chunked in HTTP/1.0", old.into_bytes())]);
}

#[test]
fn a_request_with_a_length_and_chunks_smuggles_nothing() {
    let app = spawn_with_order();
    let bad = "{}";
    let chunked = format!("{:x}\r\n{bad}\r\n0\r\n\r\n", bad.len());
    let length = chunked.len() + SMUGGLED.len();
    let shapes = [
        ("length first", format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n")),
        ("chunked first", format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n")),
        ("a short length first", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n".to_owned()),
        ("chunked first, a short length", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n".to_owned()),
        ("chunked with odd case", format!("Content-Length: {length}\r\nTransfer-Encoding: cHuNkEd\r\n")),
        ("chunked with a tab", format!("Content-Length: {length}\r\nTransfer-Encoding:\tchunked\r\n")),
    ];
    // RFC 9112, 6.1: the connection ends after the first request, and the following bytes are not executed.
    assert_no_change(&app, shapes.map(|(what, framing)| (what, post(&framing, &format!("{chunked}{SMUGGLED}")))));
}

#[test]
fn malformed_chunks_create_no_order_and_smuggle_no_request() {
    let app = spawn_with_order();
    let body = order(2);
    let size = format!("{:x}", body.len());
    let table = [
        ("a size in words", format!("ten\r\n{body}\r\n0\r\n\r\n")),
        ("a negative size", format!("-{size}\r\n{body}\r\n0\r\n\r\n")),
        ("a signed size", format!("+{size}\r\n{body}\r\n0\r\n\r\n")),
        ("a size with 0x", format!("0x{size}\r\n{body}\r\n0\r\n\r\n")),
        ("a size beyond 64 bits", format!("10000000000000{size:0>4}\r\n{body}\r\n0\r\n\r\n")),
        ("an enormous size", format!("fffffffffffffffff\r\n{body}\r\n0\r\n\r\n")),
        ("a size of nothing", format!("\r\n{SMUGGLED}")),
        ("a size of white space", format!(" \r\n{SMUGGLED}")),
        ("a size with a space inside", format!("{} {}\r\n{body}\r\n0\r\n\r\n", &size[..1], &size[1..])),
        ("a size that ends in LF", format!("{size}\n{body}\r\n0\r\n\r\n")),
        ("a chunk without its line end", format!("{size}\r\n{body}0\r\n\r\n")),
        ("a chunk longer than its size", format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len() - 3)),
        ("no last chunk", format!("{size}\r\n{body}\r\n")),
        ("half a chunk", format!("{size}\r\n{}", &body[..body.len() / 2])),
        ("an extension with a bare LF", format!("{size};a\nb\r\n{body}\r\n0\r\n\r\n")),
    ];
    assert_no_change(&app, table.map(|(what, chunks)| (what, post("Transfer-Encoding: chunked\r\n", &chunks))));
}

/// hyper's parser accepts more than RFC 9112, 7.1: a size line without digits ends the body, and extensions of any
/// length are ignored. A proxy may see a longer body. Therefore the connection ends, and no request after such a body
/// is executed.
#[test]
fn unusual_chunks_that_hyper_accepts_smuggle_no_request() {
    let app = spawn_with_order();
    let body = order(2);
    let size = format!("{:x}", body.len());
    let pieces: String = body.chars().map(|piece| format!("1;{}\r\n{piece}\r\n", "e".repeat(2_000))).collect();
    let table = [
        ("a size of nothing after an order", format!("{size}\r\n{body}\r\n\r\n{SMUGGLED}")),
        ("a size of nothing, then an empty line", format!("{size}\r\n{body}\r\n\r\n\r\n{SMUGGLED}")),
        ("a size of nothing with an extension", format!("{size}\r\n{body}\r\n;x\r\n\r\n{SMUGGLED}")),
        ("a long extension", format!("{size};{}\r\n{body}\r\n0\r\n\r\n{SMUGGLED}", "x".repeat(300_000))),
        ("an extension for each byte", format!("{pieces}0\r\n\r\n{SMUGGLED}")),
    ];
    for (what, chunks) in table {
        let mut connection = app.connect();
        connection.send(post("Transfer-Encoding: chunked\r\n", &chunks));
        let first = connection.expect_response();
        assert!([200, 400].contains(&first.status), "{what}: {}", first.head);
        assert!(connection.response().is_none(), "{what}: a second response came");
        app.sql("DELETE FROM orders WHERE order_id = 2");
        assert_still_serves(&app, what);
    }
}

#[test]
fn endless_chunk_extensions_and_trailers_take_no_memory() {
    let app = spawn_with_order();
    let before = app.service().rss_bytes().unwrap();
    let extension = format!("1;{}\r\n \r\n", "e".repeat(20 << 20));
    let trailers: String = (0..20_000).map(|n| format!("X-Trailer-{n}: {}\r\n", "t".repeat(100))).collect();
    for (what, chunks) in
        [("an extension of 20 MB", extension), ("2 MB of trailers", format!("2\r\n{{}}\r\n0\r\n{trailers}\r\n"))]
    {
        assert_eq!(find_change(&app, what, &post("Transfer-Encoding: chunked\r\n", &chunks)), None);
    }
    let growth = app.service().rss_bytes().unwrap().saturating_sub(before);
    assert!(growth < 4 << 20, "grew by {growth} bytes");
}

#[test]
fn valid_chunks_are_accepted_in_any_sizes() {
    let app = spawn_with_order();
    let body = order(2);
    let whole = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let upper = format!("{:X};name=value\r\n{body}\r\n00\r\n\r\n", body.len());
    let single: String =
        body.chars().map(|piece| format!("1\r\n{piece}\r\n")).chain(["0\r\n\r\n".to_owned()]).collect();
    let trailer = format!("{:x}\r\n{body}\r\n0\r\nX-Trailer: yes\r\n\r\n", body.len());
    for chunks in [whole, upper, single, trailer] {
        let mut connection = app.connect();
        connection.send(post("Transfer-Encoding: chunked\r\n", &chunks));
        let response = connection.expect_response();
        assert_eq!(response.status, 200, "{chunks}: {}", response.text());
        app.delete("/orders/2").expect(204);
    }
    assert_still_serves(&app, "good chunks");
}

#[test]
fn requests_cut_off_at_any_byte_create_nothing() {
    let app = spawn_with_order();
    let body = order(2);
    let whole = post(&format!("Content-Length: {}\r\n", body.len()), &body);
    for end in (0..whole.len()).step_by(9).chain([whole.len() - 1]) {
        let mut connection = app.connect();
        connection.send(&whole[..end]).shutdown_write();
        let received = connection.read_until_closed();
        assert!(!received.starts_with(b"HTTP/1.1 2"), "cut after {end} bytes: {}", String::from_utf8_lossy(&received));
    }
    assert_still_serves(&app, "requests cut short");
}
