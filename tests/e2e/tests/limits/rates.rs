//! Clients that send or read, but too slowly.

use std::thread;
use std::time::{Duration, Instant};

use e2e::{RawConnection, TestApp, spawn_with_large_table};

/// The bound of an event that is due after about a second, on a busy machine.
const MAX_CLOSE_TIME: Duration = Duration::from_secs(8);

#[test]
fn a_reader_below_the_minimum_rate_is_disconnected() {
    let app = spawn_with_large_table(&[("WRITE_TIMEOUT", "3s"), ("MIN_RATE", "1MiB")]);
    let mut connection = RawConnection::connect_with_small_buffer(app.address());
    connection.send("GET /orders HTTP/1.1\r\nHost: x\r\n\r\n");
    // At most 400 KB a second, and never silent for WRITE_TIMEOUT.
    let (mut received, mut buffer) = (Vec::new(), [0; 4 * 1024]);
    while let Ok(count @ 1..) = connection.read(&mut buffer) {
        received.extend_from_slice(&buffer[..count]);
        if received.ends_with(b"\r\n0\r\n\r\n") {
            panic!("the whole response of {} bytes was sent", received.len());
        }
        thread::sleep(Duration::from_millis(10));
    }
    app.get("/orders?limit=1").expect(200);
}

#[test]
fn an_echo_sent_below_the_minimum_rate_is_cut_off() {
    let app = TestApp::spawn_with(&[("BODY_TIMEOUT", "1s"), ("MIN_RATE", "10KiB")]);
    let mut connection = app.connect();
    connection.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    let started = Instant::now();
    while !connection.is_closed() {
        assert!(started.elapsed() < MAX_CLOSE_TIME, "served on after {:?}", started.elapsed());
        connection.send("x");
        // 20 bytes a second.
        thread::sleep(Duration::from_millis(50));
    }
}
