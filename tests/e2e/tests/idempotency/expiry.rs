//! Keys are forgotten after `IDEMPOTENCY_TTL`.

use std::time::Duration;

use e2e::{Client, DatabaseLock, TestApp, observe_for, order, wait_until};

use super::{KEY, count_keys, expect_replay, send};
use crate::operator::Observed;

#[test]
fn a_key_is_free_again_after_its_time() {
    let app = TestApp::spawn();
    let write = ("POST", "/create_order", Some(order(1)));
    send(&app, &write, KEY).expect_done();
    app.sql("UPDATE order_service_idempotency SET expires_at = CURRENT_TIMESTAMP - INTERVAL 1 DAY");
    // Not deleted yet, but expired: it is a request like any other.
    send(&app, &write, KEY).expect_problem(409, "duplicate-order");
    let other = ("DELETE", "/orders/1", None);
    let first = send(&app, &other, KEY).expect(204);
    expect_replay(&first, &send(&app, &other, KEY));
    assert_eq!(count_keys(&app), "1");
}

#[test]
fn a_key_lasts_as_long_as_the_configuration_says() {
    for (variable, seconds) in [(None, 86_400), (Some("90m"), 5_400)] {
        let env: Vec<_> = variable.iter().map(|text| ("IDEMPOTENCY_TTL", *text)).collect();
        let app = TestApp::spawn_with(&env);
        send(&app, &("POST", "/create_order", Some(order(1))), KEY).expect_done();
        let left = "SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), expires_at) FROM order_service_idempotency";
        let left: i64 = app.sql(left).parse().expect("seconds");
        assert!((seconds - 60..=seconds).contains(&left), "{left} of {seconds}");
    }
}

#[test]
fn replicas_share_the_deletion_of_expired_keys() {
    let first = Observed::spawn(&[("IDEMPOTENCY_TTL", "1s")]);
    let operator = format!("127.0.0.1:{}", testkit::ports::free().unwrap());
    let env = [("IDEMPOTENCY_TTL", "1s"), ("ADMIN_ADDR", operator.as_str())];
    let second = TestApp::setup().database(first.app.database()).env(&env).start();
    let operators = [first.operator.clone(), Client::operators(&format!("http://{operator}"))];
    let insert = |ids: &str, days: i32| {
        first.app.sql(&format!(
            "INSERT INTO order_service_idempotency (id, request, status, headers, body, expires_at) \
             SELECT UNHEX(SHA2(CONCAT(UUID_SHORT(), seq), 256)), UNHEX(SHA2(seq, 256)), 204, '', '', \
             CURRENT_TIMESTAMP + INTERVAL {days} DAY FROM {ids}"
        ))
    };
    insert("seq_1_to_100", 1);
    let mut inserted = 0;
    let deleted = || operators.each_ref().map(count_deleted);
    wait_until("both to have deleted some", || {
        insert("seq_1_to_3000", -1);
        inserted += 3_000;
        std::thread::sleep(Duration::from_millis(300));
        deleted().into_iter().all(|count| count > 0)
    });
    wait_until("all expired keys to be deleted", || count_keys(&first.app) == "100");
    wait_until("their count", || deleted().into_iter().sum::<u64>() == inserted);
    for app in [&first.app, &second] {
        assert!(!app.service().log().contains("not deleted"), "{}", app.service().log());
    }
}

/// How many keys a replica has deleted.
fn count_deleted(operator: &Client) -> u64 {
    let metrics = operator.get("/metrics").text();
    let line = metrics.lines().find_map(|line| line.strip_prefix("idempotency_keys_expired_total "));
    line.and_then(|count| count.parse().ok()).expect("the metric")
}

#[test]
fn new_keys_do_not_wait_while_expired_ones_are_deleted() {
    let app = TestApp::spawn_with(&[("STATEMENT_TIMEOUT", "2s")]);
    send(&app, &("POST", "/create_order", Some(order(1))), KEY).expect_done();
    app.sql("UPDATE order_service_idempotency SET expires_at = CURRENT_TIMESTAMP - INTERVAL 1 DAY");
    // As a replica that was frozen before its COMMIT.
    let _lock = DatabaseLock::expired_key(&app);
    for id in 2..=20 {
        send(&app, &("POST", "/create_order", Some(order(id))), &format!("key-{id}")).expect_done();
    }
}

#[test]
fn the_time_of_a_key_begins_when_its_response_is_stored() {
    let app = TestApp::spawn_with(&[("IDEMPOTENCY_TTL", "2s"), ("LOG_LEVEL", "warn")]);
    app.post("/create_order", order(1)).expect_done();
    let lock = DatabaseLock::rows(&app, "order_id = 1");
    let write = ("DELETE", "/orders/1", None);
    let first = std::thread::scope(|scope| {
        let running = scope.spawn(|| send(&app.new_client(), &write, KEY));
        std::thread::sleep(Duration::from_secs(2));
        lock.release();
        running.join().expect("a response").expect(204)
    });
    expect_replay(&first, &send(&app, &write, KEY));
}

#[test]
fn a_failed_deletion_is_logged_once_and_tried_again() {
    let app = TestApp::spawn_with(&[("IDEMPOTENCY_TTL", "1s")]);
    send(&app, &("POST", "/create_order", Some(order(1))), KEY).expect_done();
    app.sql("RENAME TABLE order_service_idempotency TO elsewhere");
    let lines = || app.service().log().matches("expired idempotency keys were not deleted").count();
    wait_until("the log line", || lines() > 0);
    observe_for(Duration::from_secs(3), "it is the only one", || lines() == 1);
    app.sql("RENAME TABLE elsewhere TO order_service_idempotency");
    wait_until("the key to be deleted", || count_keys(&app) == "0");
}
