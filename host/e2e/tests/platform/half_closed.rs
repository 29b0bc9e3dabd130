//! Clients that have ended their side, and connections whose answer waits for a slow reader.

use std::thread;
use std::time::Duration;

use crate::support::{Raw, TestApp};

#[test]
fn half_closed_and_silent_connections_cost_no_processor_time() {
    let app = TestApp::spawn();
    let mut all: Vec<Raw> = (0..20).map(|_| Raw::connect_narrow(app.address())).collect();
    let body = "x".repeat(900_000);
    for connection in &mut all {
        // An echo of more than the kernel's buffers hold, of which the client reads nothing, so that the service waits to write; then the
        // client's end. Where a wait for writing meets that end the published crate returns at once for ever.
        let head = format!("POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n", body.len());
        connection.send(head);
    }
    let mut all: Vec<Raw> = all
        .into_iter()
        .map(|mut connection| {
            connection.send(body.get(..64 << 10).expect("a part")).finish();
            connection
        })
        .collect();
    thread::sleep(Duration::from_millis(500));
    let before = app.service().cpu_time().expect("a figure");
    thread::sleep(Duration::from_secs(2));
    let spent = app.service().cpu_time().expect("a figure").saturating_sub(before);
    assert!(spent < Duration::from_millis(400), "{spent:?} of processor time in two seconds of silence");
    app.get("/health").expect(200);
    all.clear();
}
