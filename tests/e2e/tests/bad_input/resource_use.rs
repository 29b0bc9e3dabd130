//! Requests that try to use too much memory or too many permits, and foreign tables.

use e2e::{TestApp, order};

#[test]
fn a_long_invalid_value_is_not_repeated_in_the_response() {
    let app = TestApp::spawn();
    let long = format!("\"{}\"", "\u{300}".repeat(2 << 20));
    let before = app.service().rss_bytes().unwrap();
    for body in [long.clone(), format!("[{long}]"), format!("{{\"{long}\":1}}").replace("\"\"", "\"")] {
        let response = app.post("/create_orders", body);
        response.expect_problem(400, "invalid-order");
        assert!(response.body.len() < 4_096, "{} bytes of response", response.body.len());
    }
    let grown = app.service().rss_bytes().unwrap().saturating_sub(before);
    assert!(grown < 48 << 20, "{grown} bytes more");
}

#[test]
fn an_echo_with_a_content_length_over_the_limit_is_413_even_past_4_gib() {
    let app = TestApp::spawn();
    for length in ["33554433", "4294967295", "4294967296", "4294967297", "1099511627776"] {
        let mut connection = app.connect();
        connection.send(format!("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\nabc"));
        let response = connection.response().expect("a response");
        response.expect_problem(413, "body-too-large");
    }
}

#[test]
fn clients_that_send_their_bodies_slowly_take_no_request_permits() {
    let app = TestApp::spawn_with(&[("MAX_IN_FLIGHT", "4")]);
    let slow: Vec<_> = (0..16)
        .map(|_| {
            let mut connection = app.connect();
            connection.send("POST /create_order HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n");
            connection
        })
        .collect();
    for id in 1..=20 {
        app.get("/orders").expect(200);
        app.post("/create_order", order(id)).expect_done();
    }
    drop(slow);
}

#[test]
fn a_table_of_another_application_is_rejected_and_not_changed() {
    let app = TestApp::without_tables(&[]);
    app.sql("CREATE TABLE orders (order_id INT, product_id INT, quantity INT, amount FLOAT, shipping FLOAT, tax FLOAT, shipping_address VARCHAR(200))");
    for path in ["/init", "/ready"] {
        app.get(path).expect_problem(503, "foreign-table");
    }
    assert_eq!(app.sql("SELECT COUNT(*) FROM orders"), "0");
}
