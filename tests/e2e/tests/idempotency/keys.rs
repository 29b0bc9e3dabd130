//! What a key is, whose it is, and what it stands for.

use e2e::{TestApp, order, with};

use super::{KEY, count_keys, expect_replay, send, with_orders};
use crate::access::token_file::TokenFile;

#[test]
fn a_quoted_string_and_a_bare_token_are_the_same_key() {
    let app = TestApp::spawn();
    let write = ("POST", "/create_order", Some(order(1)));
    let first = send(&app, &write, KEY);
    expect_replay(&first, &send(&app, &write, KEY.trim_matches('"')));
}

#[test]
fn a_malformed_key_is_rejected_before_anything_is_written() {
    let app = TestApp::spawn();
    let long = "x".repeat(256);
    for key in ["", "\"\"", "\"a", "a b", "a,b", "\"a\";b=c", &long] {
        send(&app, &("POST", "/create_order", Some(order(1))), key).expect_problem(400, "invalid-header");
    }
    let twice = [("content-type", "application/json"), ("idempotency-key", "a"), ("idempotency-key", "a")];
    app.send("POST", "/create_order", &twice, Some(order(1).as_bytes())).expect_problem(400, "invalid-header");
    assert_eq!(app.count_orders(), 0);
    send(&app, &("POST", "/create_order", Some(order(1))), &"x".repeat(255)).expect_done();
}

#[test]
fn a_key_is_that_of_one_request() {
    let app = with_orders(TestApp::spawn());
    let put = ("PUT", "/orders/1", Some(with(1, "quantity", Some("7"))));
    let first = send(&app, &put, KEY).expect(200);
    let replica = TestApp::setup().database(app.database()).start();
    expect_replay(&first, &send(&replica, &put, KEY));
    for other in [
        ("PUT", "/orders/1", Some(with(1, "quantity", Some("8")))),
        ("PUT", "/orders/2", put.2.clone()),
        ("POST", "/update_order", put.2.clone()),
        ("DELETE", "/orders/1", None),
        ("DELETE", "/delete_order?id=1", None),
        ("POST", "/create_orders", Some(format!("[{}]", order(50)))),
        ("POST", "/create_orders", Some("[]".to_owned())),
    ] {
        let response = send(&app, &other, KEY);
        if other.1 == "/orders/2" {
            // The body's id is another one than the path's: the request is wrong before its key matters.
            response.expect_problem(400, "invalid-order");
        } else {
            response.expect_problem(422, "idempotency-key-reused");
            send(&replica, &other, KEY).expect_problem(422, "idempotency-key-reused");
        }
    }
    expect_replay(&first, &send(&app, &put, KEY));
    assert_eq!(app.count_orders(), 3);
}

#[test]
fn a_key_belongs_to_who_sent_it() {
    let file = TokenFile::new();
    let (one, other) = (file.add("one", "write"), file.add("other", "write"));
    let renewed = file.add("one", "write");
    let app = TestApp::spawn_with(&[("API_TOKENS_FILE", &file.variable())]);
    let send = |id: u32, token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("content-type", "application/json"), ("authorization", &*bearer), ("idempotency-key", KEY)];
        app.send("POST", "/create_order", &headers, Some(order(id).as_bytes()))
    };
    let first = send(1, &one).expect_done();
    expect_replay(&first, &send(1, &one));
    expect_replay(&first, &send(1, &renewed));
    // For the other caller the key is free: it neither sees nor disturbs the first one's.
    send(1, &other).expect_problem(409, "duplicate-order");
    let own = send(2, &other).expect_done();
    expect_replay(&own, &send(2, &other));
    expect_replay(&first, &send(1, &one));
    assert_eq!(count_keys(&app), "2");
}

#[test]
fn the_database_has_no_key_in_the_clear() {
    let app = TestApp::spawn();
    let key = "a-key-that-nobody-reads";
    send(&app, &("POST", "/create_order", Some(order(1))), key).expect_done();
    let dump = app.sql("SELECT * FROM order_service_idempotency");
    assert!(!dump.is_empty() && !dump.contains(key), "{dump}");
    assert!(!app.service().log().contains(key));
}

#[test]
fn a_lost_or_foreign_table_of_keys_makes_the_service_unready() {
    let app = TestApp::without_tables(&[]);
    app.get("/init").expect_done();
    app.sql("DROP TABLE order_service_idempotency");
    app.get("/ready").expect_problem(503, "not-initialised");
    app.sql("CREATE TABLE order_service_idempotency (id INT) ENGINE = InnoDB");
    app.get("/ready").expect_problem(503, "not-initialised");
    app.sql("DROP TABLE order_service_idempotency");
    app.sql("DELETE FROM order_service_migrations WHERE version = 2");
    app.get("/init").expect_done();
    send(&app, &("POST", "/create_order", Some(order(1))), KEY).expect_done();
    assert_eq!(count_keys(&app), "1");
}
