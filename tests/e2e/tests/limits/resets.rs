//! Clients that disconnect during a request or a response.

use std::thread;
use std::time::Duration;

use testkit::Fault;

use e2e::{RawConnection, TestApp, order, orders, wait_until};

/// The maximum number of database connections that the service may have opened in between.
const POOL: usize = 10;

#[test]
fn connections_reset_at_any_byte_of_a_request_leak_nothing() {
    let app = TestApp::spawn();
    app.get("/orders").expect(200);
    let before = app.service().open_fds().unwrap();
    let body = order(1);
    let request = format!("POST /create_order HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    for end in (1..request.len()).step_by(3) {
        let mut connection = app.connect();
        connection.send(&request[..end]);
        connection.reset();
    }
    wait_until("the descriptors to be given back", || app.service().open_fds().unwrap() <= before + POOL);
    assert_eq!(app.count_orders(), 0, "no half request was obeyed");
    app.post("/create_order", order(1)).expect_done();
}

#[test]
fn clients_that_disconnect_during_a_response_leak_nothing() {
    let app = TestApp::spawn();
    app.post("/create_orders", orders(1..=20_000)).expect_done();
    let before = app.service().open_fds().unwrap();
    for round in 0..60 {
        let mut connection = RawConnection::connect_with_small_buffer(app.address());
        connection.send("GET /orders HTTP/1.1\r\nHost: x\r\n\r\n");
        connection.read(&mut [0; 100]).expect("the response begins");
        if round % 2 == 0 { connection.reset() } else { drop(connection) }
    }
    wait_until("the descriptors to be given back", || app.service().open_fds().unwrap() <= before + POOL);
    assert_eq!(app.get("/orders").expect(200).text().len(), orders(1..=20_000).len());
}

/// Thousands of connections, or a slow database.
mod slow {
    use super::*;

    #[test]
    fn clients_that_disconnect_during_a_statement_leak_no_database_connection() {
        let app = TestApp::setup().through_proxy().env(&[("POOL_MAX", "2")]).start();
        app.post("/create_orders", orders([1, 2])).expect_done();
        app.proxy().set(Fault::Delay { to_server: Duration::ZERO, to_client: Duration::from_millis(50) }).unwrap();
        for id in 100..140 {
            let body = order(id);
            let mut connection = app.connect();
            connection.send(format!(
                "POST /create_order HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ));
            // Varies the moment: before the statement, during it, after it.
            thread::sleep(Duration::from_millis(u64::from(id % 7) * 20));
            if id % 2 == 0 { connection.reset() } else { drop(connection) }
        }
        app.proxy().set(Fault::Pass).unwrap();
        wait_until("the connections to the database to be free", || app.get("/orders/1").status == 200);
        for id in 200..210 {
            app.post("/create_order", order(id)).expect_done();
        }
        let sessions = app.count_sessions();
        assert!(sessions <= 2, "{sessions} connections at the database, 2 allowed");
        // Fails if an abandoned transaction holds a row lock.
        app.sql("SELECT COUNT(*) FROM (SELECT order_id FROM orders FOR UPDATE NOWAIT) held");
    }

    #[test]
    fn memory_does_not_grow_over_thousands_of_connections() {
        let app = TestApp::spawn();
        app.post("/create_order", order(1)).expect_done();
        let round = |count: u32| {
            for n in 0..count {
                let mut connection = app.connect();
                connection.send("GET /orders/1 HTTP/1.1\r\nHost: x\r\n\r\n");
                if n % 3 > 0 {
                    connection.expect_response();
                }
                if n % 3 > 1 { connection.reset() } else { drop(connection) }
            }
            app.service().rss_bytes().unwrap()
        };
        let first = round(2_000);
        let second = round(4_000);
        println!("{} KiB after 2,000 connections, {} KiB after 6,000", first / 1024, second / 1024);
        assert!(second <= first + (3 << 20), "from {first} to {second} bytes");
    }
}
