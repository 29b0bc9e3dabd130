//! Requests in flight, and the memory of bodies.

use e2e::{DatabaseLock, TestApp, order, wait_until};

#[test]
fn a_request_whose_body_is_not_received_is_in_flight_too() {
    let app = TestApp::spawn_with(&[("MAX_IN_FLIGHT", "1")]);
    app.post("/create_order", order(1)).expect_done();
    let lock = DatabaseLock::table(&app);
    let mut first = app.connect();
    first.send("GET /orders?limit=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
    wait_until("the first request's statement", || app.count_statements("SELECT order_id") == 1);
    app.get("/orders?limit=1").expect_problem(503, "overloaded");
    lock.release();
    assert_eq!(first.expect_response().status, 200);
}

#[test]
fn the_largest_body_fits_where_the_sizes_are_no_multiples_of_a_kilobyte() {
    let sizes = [("MAX_ORDER_BYTES", "1500"), ("MAX_BODY_BYTES", "1500"), ("MAX_BUFFERED_BYTES", "1500")];
    let app = TestApp::spawn_with(&sizes);
    let body = format!("{}{}", order(1), " ".repeat(1500 - order(1).len()));
    app.post("/create_order", body).expect_done();
}
