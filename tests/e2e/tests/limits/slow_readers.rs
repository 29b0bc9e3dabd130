//! Clients that request much and read little.

use std::thread;
use std::time::{Duration, Instant};

use e2e::{RawConnection, TestApp, open_stalled_reader, orders, spawn_with_large_table, wait_for_within, wait_until};

/// The pause of a slow reader, shorter than WRITE_TIMEOUT.
const READ_INTERVAL: Duration = Duration::from_millis(40);

const GET: &str = "GET /orders HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn a_client_that_reads_nothing_is_disconnected() {
    let app = spawn_with_large_table(&[("WRITE_TIMEOUT", "1s"), ("LOG_LEVEL", "debug")]);
    let held: Vec<RawConnection> = (0..10).map(|_| open_stalled_reader(&app)).collect();
    // Counted in the log: on a busy machine the first are closed before the last are accepted.
    wait_until("the connections to be dropped", || {
        app.service().log().matches("a connection ended early").count() >= held.len()
    });
    app.get("/orders?limit=1").expect(200);
}

#[test]
fn readers_that_disconnect_free_their_permits_at_once() {
    let app = spawn_with_large_table(&[("WRITE_TIMEOUT", "60s"), ("MAX_STREAMS", "3")]);
    for _ in 0..5 {
        let held: Vec<RawConnection> = (0..3).map(|_| open_stalled_reader(&app)).collect();
        app.get("/orders").expect_problem(503, "overloaded");
        held.into_iter().for_each(RawConnection::reset);
        wait_until("the places to be free", || app.get("/orders").status == 200);
    }
}

/// Waits for timeouts.
mod slow {
    use super::*;

    #[test]
    fn a_client_that_reads_slowly_gets_the_whole_response() {
        let app = TestApp::spawn_with(&[("WRITE_TIMEOUT", "500ms"), ("REQUEST_TIMEOUT", "1s")]);
        app.post("/create_orders", orders(1..=3_000)).expect_done();
        let mut connection = RawConnection::connect_with_small_buffer(app.address());
        connection.send(GET);
        // In total longer than any timeout, but each pause is shorter than WRITE_TIMEOUT.
        let (started, mut all, mut buffer) = (Instant::now(), Vec::new(), [0; 8 * 1024]);
        while !all.ends_with(b"\r\n0\r\n\r\n") {
            let count = connection.read(&mut buffer).expect("the response goes on");
            assert!(count > 0, "cut off after {} bytes and {:?}", all.len(), started.elapsed());
            all.extend_from_slice(&buffer[..count]);
            thread::sleep(READ_INTERVAL);
        }
        assert!(started.elapsed() > Duration::from_secs(1), "not slow enough to mean anything");
    }

    #[test]
    fn streams_are_limited_in_number_and_free_their_permits() {
        let app = spawn_with_large_table(&[("WRITE_TIMEOUT", "2s"), ("MAX_STREAMS", "3")]);
        let held: Vec<RawConnection> = (0..3).map(|_| open_stalled_reader(&app)).collect();
        let refused = app.get("/orders");
        refused.expect_problem(503, "overloaded");
        assert!(refused.header("retry-after").is_some());
        app.get("/orders?limit=10").expect(200);
        wait_for_within(Duration::from_secs(15), "a place to be free again", || {
            (app.get("/orders").status == 200).then_some(())
        });
        drop(held);
        let _held: Vec<RawConnection> = (0..3).map(|_| open_stalled_reader(&app)).collect();
        app.get("/orders").expect_problem(503, "overloaded");
    }

    #[test]
    fn an_echo_whose_response_is_not_read_stops_reading() {
        let app = TestApp::spawn_with(&[
            ("WRITE_TIMEOUT", "2s"),
            ("BODY_TIMEOUT", "2s"),
            ("MAX_BODY_BYTES", "64MiB"),
            ("MAX_BUFFERED_BYTES", "64MiB"),
        ]);
        app.get("/health").expect(200);
        let before = app.service().rss_bytes().unwrap();
        let mut connection = RawConnection::connect_with_small_buffer(app.address());
        let length = 60 << 20;
        connection.send(format!("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"));
        // Sends until the service reads no more. Its buffers and the kernel's limit the total.
        let mut sent = 0;
        while sent < length && connection.try_send([b'x'; 64 * 1024]).is_ok() {
            sent += 64 * 1024;
        }
        assert!(sent < length, "all {length} bytes were taken although none of the response was");
        let growth = app.service().rss_bytes().unwrap().saturating_sub(before);
        assert!(growth < 8 << 20, "grew by {growth} bytes");
        app.post("/echo", "still there").expect(200);
    }
}
