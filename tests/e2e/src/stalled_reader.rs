//! Clients that request a large table and do not read it.

use crate::{RawConnection, TestApp, orders};

/// A service with a table of several megabytes.
#[track_caller]
#[must_use]
pub fn spawn_with_large_table(env: &[(&str, &str)]) -> TestApp {
    let app = TestApp::spawn_with(env);
    app.post("/create_orders", orders(1..=40_000)).expect_done();
    app
}

/// A client that has requested the whole table and does not read any further.
#[track_caller]
#[must_use]
pub fn open_stalled_reader(app: &TestApp) -> RawConnection {
    let mut connection = RawConnection::connect_with_small_buffer(app.address());
    connection.send("GET /orders HTTP/1.1\r\nHost: x\r\n\r\n");
    connection.read(&mut [0; 64]).expect("the response begins");
    connection
}
