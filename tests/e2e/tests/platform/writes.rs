//! An answer leaves in one piece.
//!
//! With the published crate head and body leave in two writes, and on a kept connection the second waits for the client's delayed
//! acknowledgement: 40 ms and more for each answer, since WasmEdge knows no `TCP_NODELAY`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Raw, TestApp, eventually, order};

#[test]
fn answers_on_a_kept_connection_do_not_wait_for_acknowledgements() {
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect_done();
    let mut kept = app.raw();
    let asked = Instant::now();
    for _ in 0..50 {
        let reply = kept.send("GET /orders/1 HTTP/1.1\r\nhost: test\r\n\r\n").reply().expect("an answer");
        assert_eq!(reply.status, 200);
    }
    // 50 times 40 ms would be two seconds.
    assert!(asked.elapsed() < Duration::from_secs(1), "50 answers took {:?}", asked.elapsed());
}

/// More than all the buffers on the way hold: of the client, of the service in both directions, of the kernel between.
const LARGE: usize = 24 << 20;

/// Sends a large body for as long as the connection takes it.
fn send_body(connection: &mut Raw, body: &[u8], sent: &AtomicUsize) {
    let head = format!("POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n", body.len());
    connection.send(head);
    for piece in body.chunks(64 << 10) {
        connection.try_send(piece).expect("the service reads on when its answer is read");
        sent.fetch_add(piece.len(), Ordering::Relaxed);
    }
}

/// Waits until nothing more is taken, because nobody reads the answer.
fn stalled(sent: &AtomicUsize) {
    let mut before = (0, Instant::now());
    eventually("the sender to be held up", || {
        let now = sent.load(Ordering::Relaxed);
        if now != before.0 {
            before = (now, Instant::now());
        }
        (now > 0 && before.1.elapsed() > Duration::from_millis(400)).then_some(())
    });
    assert!(before.0 < LARGE, "all {LARGE} bytes were taken: nothing was held back");
}

#[test]
fn a_large_body_comes_back_whole_through_partial_writes() {
    let app = TestApp::spawn();
    // Each four bytes say where they are.
    let body: Vec<u8> = (0..).flat_map(u32::to_le_bytes).take(LARGE).collect();
    let mut connection = Raw::connect_narrow(app.address());
    let (mut sender, sent) = (connection.sender(), AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| send_body(&mut sender, &body, &sent));
        // The service's socket is full now, so its last write was partial, and from here on each takes what the slow reader has made room for.
        stalled(&sent);
        connection.sip(200, Duration::from_millis(2));
        let reply = connection.must_reply();
        assert_eq!(reply.status, 200, "{}", reply.head);
        let came = reply.body;
        let differs = came.iter().zip(&body).position(|(came, sent)| came != sent);
        assert_eq!((came.len(), differs), (body.len(), None), "the length, and the first byte that is another");
    });
}
