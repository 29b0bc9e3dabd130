//! `POST /create_orders` with the maximum number of orders.

use e2e::{TestApp, order, orders, with};

/// The maximum number of orders in one body.
const MAX_ORDERS: u32 = 100_000;

#[test]
fn one_order_over_the_batch_limit_is_rejected() {
    let app = TestApp::spawn_with(&[("MAX_BATCH", "1000")]);
    app.post("/create_orders", orders(1..=1_000)).expect_done();
    let response = app.post("/create_orders", orders(2_001..=3_001));
    assert!([400, 413].contains(&response.status), "{}", response.summary());
    assert_eq!(app.count_orders(), 1_000);
}

#[test]
fn a_batch_body_over_the_limit_is_413_and_writes_nothing() {
    let app = TestApp::spawn();
    // In chunks, so that the service does not know the length; sent to the end, even if the response comes earlier.
    let mut connection = app.connect();
    connection.send("POST /create_orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n");
    let megabyte = format!("100000\r\n{}\r\n", " ".repeat(1 << 20));
    for _ in 0..33 {
        connection.send(&megabyte);
    }
    connection.expect_response().expect_problem(413, "body-too-large");
    assert_eq!(app.count_orders(), 0);
    app.post("/create_orders", orders([1])).expect_done();
}

/// Batches of the maximum size.
mod slow {
    use super::*;

    #[test]
    fn a_batch_of_100_000_orders_needs_bounded_memory() {
        let app = TestApp::spawn();
        app.post("/create_orders", orders(1_000_001..1_000_501)).expect_done();
        let before = app.service().rss_bytes().unwrap();
        let body = orders(1..=MAX_ORDERS);
        app.post("/create_orders", &body).expect_done();
        let growth = app.service().rss_bytes().unwrap().saturating_sub(before);
        println!("{} KiB in the body, {} KiB of growth", body.len() / 1024, growth / 1024);
        assert_eq!(app.count_orders() as u32, MAX_ORDERS + 500);
        assert_eq!(app.sql("SELECT SUM(amount) FROM orders WHERE order_id <= 100000"), "5600000.00");
        let again = orders(1_000_501..=1_000_500 + MAX_ORDERS);
        app.post("/create_orders", &again).expect_done();
        let twice = app.service().rss_bytes().unwrap().saturating_sub(before);
        println!("{} KiB of growth after the second", twice / 1024);
        assert!(growth <= 4 * body.len() as u64, "{growth} bytes of growth for a body of {}", body.len());
        assert!(twice <= growth + growth / 4 + (4 << 20), "a second batch cost as much again: {growth}, then {twice}");
    }

    #[test]
    fn an_error_in_the_last_of_100_000_orders_rolls_back_the_batch() {
        let app = TestApp::spawn();
        app.post("/create_order", order(MAX_ORDERS)).expect_done();
        app.post("/create_orders", orders(1..=MAX_ORDERS)).expect_problem(409, "duplicate-order");
        assert_eq!(app.count_orders(), 1);
        let mut body = orders(1..MAX_ORDERS);
        body.pop();
        body.push_str(&format!(",{}]", with(MAX_ORDERS + 1, "tax", Some("0.001"))));
        let problem = app.post("/create_orders", body).expect_problem(400, "invalid-order");
        assert_eq!(problem.fields(), ["[99999].tax"]);
        assert_eq!(app.count_orders(), 1);
    }
}
