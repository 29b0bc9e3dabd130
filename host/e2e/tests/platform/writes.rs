//! An answer leaves in one piece.
//!
//! With the published crate head and body leave in two writes, and on a kept connection the second waits for the client's delayed
//! acknowledgement: 40 ms and more for each answer, since WasmEdge knows no `TCP_NODELAY`.

use std::time::{Duration, Instant};

use crate::support::{TestApp, order};

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

#[test]
fn a_large_body_comes_back_whole_through_partial_writes() {
    let app = TestApp::spawn();
    let body: Vec<u8> = (0..900_000_u32).flat_map(|number| number.to_le_bytes()).take(900_000).collect();
    let reply = app.send("POST", "/echo", &[], Some(&body)).expect(200);
    assert!(reply.body == body, "{} bytes came back of {}, or others", reply.body.len(), body.len());
}
