//! Half-closed clients that do not read their responses.

use std::time::Duration;

use e2e::{RawConnection, TestApp, orders, wait_until};

#[test]
fn half_closed_and_silent_connections_cost_no_cpu_time() {
    let _alone = e2e::run_alone();
    let app = TestApp::spawn();
    // A response of about three megabytes, more than the kernel's buffers hold.
    app.post("/create_orders", orders(1..=20_000)).expect_done();
    let table = app.get("/orders").expect(200).text();
    let mut all: Vec<RawConnection> =
        (0..20).map(|_| RawConnection::connect_with_small_buffer(app.address())).collect();
    for connection in &mut all {
        // The client closes its sending half and reads nothing, so the service waits to write. In this state a poll of
        // the published crate returns at once, forever.
        connection.send("GET /orders HTTP/1.1\r\nhost: test\r\n\r\n").shutdown_write();
    }
    wait_until("the service to have filled the buffers", || {
        app.cpu_time_during(Duration::from_millis(200)) < Duration::from_millis(20)
    });
    let spent = app.cpu_time_during(Duration::from_secs(2));
    assert!(spent < Duration::from_millis(400), "{spent:?} of processor time in two seconds of silence");
    app.get("/health").expect(200);
    // The client gets the rest when it reads.
    let received = all.remove(0).expect_response().text();
    let differs = received.bytes().zip(table.bytes()).position(|(received, sent)| received != sent);
    assert_eq!((received.len(), differs), (table.len(), None), "the length, and the first byte that is another");
}
