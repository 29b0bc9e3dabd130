//! Clients that have ended their side, and connections whose answer waits for a slow reader.

use std::time::Duration;

use e2e::{RawConnection, TestApp, orders, wait_until};

#[test]
fn half_closed_and_silent_connections_cost_no_cpu_time() {
    let _alone = e2e::run_alone();
    let app = TestApp::spawn();
    // Some three megabytes as an answer: more than the kernel's buffers hold.
    app.post("/create_orders", orders(1..=20_000)).expect_done();
    let table = app.get("/orders").expect(200).text();
    let mut all: Vec<RawConnection> =
        (0..20).map(|_| RawConnection::connect_with_small_buffer(app.address())).collect();
    for connection in &mut all {
        // The client ends its side and reads nothing, so that the service waits to write. Where a wait for writing meets that end the
        // published crate returns at once for ever.
        connection.send("GET /orders HTTP/1.1\r\nhost: test\r\n\r\n").shutdown_write();
    }
    wait_until("the service to have filled the buffers", || {
        app.cpu_time_during(Duration::from_millis(200)) < Duration::from_millis(20)
    });
    let spent = app.cpu_time_during(Duration::from_secs(2));
    assert!(spent < Duration::from_millis(400), "{spent:?} of processor time in two seconds of silence");
    app.get("/health").expect(200);
    // The rest comes when it is asked for.
    let came = all.remove(0).expect_response().text();
    let differs = came.bytes().zip(table.bytes()).position(|(came, sent)| came != sent);
    assert_eq!((came.len(), differs), (table.len(), None), "the length, and the first byte that is another");
}
