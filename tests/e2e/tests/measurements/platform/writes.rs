//! A response is one write.
//!
//! With the published crate head and body are two writes, and on a kept connection the second one waits for the
//! client's delayed acknowledgement: 40 ms and more per response, because WasmEdge has no `TCP_NODELAY`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::{RawConnection, TestApp, order, wait_for};

#[test]
fn responses_on_a_kept_connection_do_not_wait_for_acknowledgements() {
    let _alone = e2e::run_alone();
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect_done();
    let mut kept = app.connect();
    let asked = Instant::now();
    for _ in 0..50 {
        let response = kept.send("GET /orders/1 HTTP/1.1\r\nhost: test\r\n\r\n").response().expect("a response");
        assert_eq!(response.status, 200);
    }
    // 50 times 40 ms would be two seconds.
    assert!(asked.elapsed() < Duration::from_secs(1), "50 responses took {:?}", asked.elapsed());
}

/// More than all buffers hold together: the client's, the service's and the kernel's.
const LARGE: usize = 24 << 20;

/// Sends a large body and counts the bytes that the connection has accepted.
fn send_body(connection: &mut RawConnection, body: &[u8], sent: &AtomicUsize) {
    let head = format!("POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n", body.len());
    connection.send(head);
    for piece in body.chunks(64 << 10) {
        connection.try_send(piece).expect("the service reads on when its response is read");
        sent.fetch_add(piece.len(), Ordering::Relaxed);
    }
}

/// Waits until the connection accepts no more bytes, because nobody reads the response.
fn wait_until_stalled(sent: &AtomicUsize) {
    let mut before = (0, Instant::now());
    wait_for("the sender to be held up", || {
        let now = sent.load(Ordering::Relaxed);
        if now != before.0 {
            before = (now, Instant::now());
        }
        (now > 0 && before.1.elapsed() > Duration::from_millis(400)).then_some(())
    });
    assert!(before.0 < LARGE, "all {LARGE} bytes were taken: nothing was held back");
}

#[test]
fn a_large_body_is_echoed_completely_through_partial_writes() {
    let _alone = e2e::run_alone();
    let app = TestApp::spawn();
    // Each group of four bytes holds its position.
    let body: Vec<u8> = (0..).flat_map(u32::to_le_bytes).take(LARGE).collect();
    let mut connection = RawConnection::connect_with_small_buffer(app.address());
    let (mut sender, sent) = (connection.writer(), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| send_body(&mut sender, &body, &sent));
        // The service's socket is full now: its last write was partial, and the next writes are limited by the slow
        // reader.
        wait_until_stalled(&sent);
        connection.read_slowly(200, Duration::from_millis(2));
        // While the window is smaller than a segment of the loopback device, the kernel may send on its timer of 200 ms
        // only: the rest would take minutes.
        connection.set_receive_buffer(1 << 20).unwrap();
        let response = connection.expect_response();
        assert_eq!(response.status, 200, "{}", response.head);
        let received = &response.body;
        let differs = received.iter().zip(&body).position(|(received, sent)| received != sent);
        assert_eq!((received.len(), differs), (body.len(), None), "the length, and the first byte that is another");
    });
}
