//! The same request several times at once, at one replica and at several.

use std::sync::Barrier;
use std::thread;

use e2e::{Client, DatabaseLock, Response, TestApp, order, orders, wait_until, with};

use super::{KEY, Write, count_keys, expect_replay, send, with_orders};
use crate::operator::Observed;

/// The responses to this request from all clients at the same moment.
fn send_together(clients: &[Client], write: &Write) -> Vec<Response> {
    let start = Barrier::new(clients.len());
    thread::scope(|scope| {
        let send = |client| {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                send(client, write, KEY)
            })
        };
        let handles: Vec<_> = clients.iter().map(send).collect();
        handles.into_iter().map(|handle| handle.join().expect("a client")).collect()
    })
}

/// One of the responses is the first, all others are its replays.
fn expect_one_first(responses: &[Response]) {
    let (first, replays): (Vec<&Response>, Vec<&Response>) =
        responses.iter().partition(|response| response.header("idempotency-replayed").is_none());
    let [first] = first[..] else { panic!("{} of {} were handled as new", first.len(), responses.len()) };
    for replay in replays {
        expect_replay(first, replay);
    }
}

#[test]
fn of_64_requests_at_three_replicas_one_writes_and_all_get_its_response() {
    let first = TestApp::spawn();
    let others = [(); 2].map(|()| TestApp::setup().database(first.database()).start());
    let replicas = [&first, &others[0], &others[1]];
    let clients: Vec<Client> = replicas.iter().cycle().take(64).map(|replica| replica.new_client()).collect();
    let writes = [
        ("POST", "/orders", Some(with(1, "order_id", None))),
        ("POST", "/create_orders", Some(orders(100..1_100))),
        ("DELETE", "/orders/1", None),
    ];
    for (write, count) in writes.iter().zip([1, 1_001, 1_000]) {
        expect_one_first(&send_together(&clients, write));
        assert_eq!(first.count_orders(), count, "after {} {}", write.0, write.1);
        // Expired, and not deleted yet: the next request takes the key.
        first.sql("UPDATE order_service_idempotency SET expires_at = CURRENT_TIMESTAMP - INTERVAL 1 HOUR");
    }
}

#[test]
fn repeats_wait_for_the_first_one_and_hold_no_connection() {
    let observed = Observed::spawn(&[("POOL_MAX", "3")]);
    let app = &observed.app;
    app.post("/create_orders", orders(1..=3)).expect_done();
    let lock = DatabaseLock::rows(app, "order_id = 1");
    let write = ("PUT", "/orders/1", Some(with(1, "quantity", Some("7"))));
    let clients: Vec<Client> = (0..20).map(|_| app.new_client()).collect();
    let responses = thread::scope(|scope| {
        let together = scope.spawn(|| send_together(&clients, &write));
        wait_until("all of them to have arrived", || {
            let metrics = observed.operator.get("/metrics").text();
            metrics.lines().any(|line| line == "http_server_active_requests 20")
        });
        assert_eq!(app.count_statements("UPDATE orders"), 1);
        for id in 1..=3 {
            app.get(&format!("/orders/{id}")).expect(200);
        }
        let other_key = send(app, &("POST", "/create_order", Some(order(4))), "\"another\"").expect_done();
        assert_eq!(other_key.header("idempotency-replayed"), None);
        lock.release();
        together.join().expect("responses")
    });
    expect_one_first(&responses);
}

#[test]
fn a_repeat_while_the_first_one_takes_long_is_told_to_wait() {
    // The first one's process waits for the row twice as long as the other one's does for the key.
    let first = with_orders(TestApp::spawn_with(&[("STATEMENT_TIMEOUT", "4s"), ("REQUEST_TIMEOUT", "60s")]));
    let other = TestApp::setup().database(first.database()).env(&[("STATEMENT_TIMEOUT", "2s")]).start();
    let write = ("PUT", "/orders/1", Some(with(1, "quantity", Some("7"))));
    let lock = DatabaseLock::rows(&first, "order_id = 1");
    thread::scope(|scope| {
        let running = scope.spawn(|| send(&first.new_client(), &write, KEY));
        wait_until("the first one to wait for the row", || first.count_statements("UPDATE orders") == 1);
        for replica in [&other, &first] {
            let response = send(replica, &write, KEY);
            response.expect_problem(409, "request-in-progress");
            assert_eq!(response.header("retry-after"), Some("1"));
        }
        lock.release();
        let done = running.join().expect("a response").expect(200);
        for replica in [&first, &other] {
            expect_replay(&done, &send(replica, &write, KEY));
        }
    });
    assert_eq!(count_keys(&first), "1");
}

#[test]
fn a_client_that_left_can_send_its_request_again() {
    let app = TestApp::spawn();
    let lock = DatabaseLock::table(&app);
    let body = with(1, "order_id", None);
    let mut connection = app.connect();
    connection.send(format!(
        "POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: {KEY}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    wait_until("the request to wait for the table", || app.count_statements("INSERT INTO orders") == 1);
    connection.reset();
    lock.release();
    let write = ("POST", "/orders", Some(body));
    let response = send(&app, &write, KEY).expect(201);
    assert_eq!(response.header("location"), Some("/orders/1"));
    let again = send(&app, &write, KEY);
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!((app.count_orders(), count_keys(&app)), (1, "1".to_owned()));
}

#[test]
fn when_the_first_one_s_process_dies_one_of_the_others_writes() {
    let first = TestApp::spawn();
    let others = [(); 2].map(|()| TestApp::setup().database(first.database()).start());
    let write = ("POST", "/orders", Some(with(1, "order_id", None)));
    let lock = DatabaseLock::table(&first);
    let clients: Vec<Client> = others.iter().map(|replica| replica.new_client()).collect();
    let responses = thread::scope(|scope| {
        scope.spawn(|| {
            let headers = [("content-type", "application/json"), ("idempotency-key", KEY)];
            let body = write.2.as_ref().map(String::as_bytes);
            let response = first.new_client().try_send("POST", "/orders", &headers, body);
            assert!(response.is_err(), "its process was killed");
        });
        wait_until("the first one to wait for the table", || first.count_statements("INSERT INTO orders") == 1);
        let together = scope.spawn(|| send_together(&clients, &write));
        wait_until("the others to wait for the key", || first.count_statements("INSERT INTO order_service") == 2);
        first.service().kill();
        lock.release();
        together.join().expect("responses")
    });
    expect_one_first(&responses);
    assert_eq!((first.count_orders(), count_keys(&first)), (1, "1".to_owned()));
}
