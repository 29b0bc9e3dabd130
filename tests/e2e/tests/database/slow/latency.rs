//! A database that responds slowly.

use std::thread;
use std::time::Duration;

use testkit::Fault;

use crate::database::{
    SHORT_TIMEOUTS, expect_database_problem, wait_until_serving, with_short_timeouts, within_deadline,
};
use e2e::{DatabaseLock, TestApp, order, orders, wait_until, with};

#[test]
fn a_network_slower_than_usual_but_within_the_timeouts_causes_no_error() {
    let app = with_short_timeouts().start();
    app.proxy()
        .set(Fault::Delay { to_server: Duration::from_millis(10), to_client: Duration::from_millis(20) })
        .unwrap();
    app.post("/create_orders", orders([1, 2])).expect_done();
    app.get("/orders").expect(200);
    app.get("/orders/1").expect(200);
}

#[test]
fn a_network_slower_than_the_timeouts_is_an_error_within_the_deadline() {
    let app = with_short_timeouts().start();
    app.post("/create_order", order(1)).expect_done();
    app.proxy().set(Fault::Delay { to_server: Duration::ZERO, to_client: Duration::from_secs(2) }).unwrap();
    for _ in 0..3 {
        expect_database_problem("GET /orders/1", &within_deadline("GET /orders/1", || app.get("/orders/1")));
        expect_database_problem("GET /orders", &within_deadline("GET /orders", || app.get("/orders")));
        expect_database_problem("POST /create_order", &within_deadline("POST", || app.post("/create_order", order(2))));
        app.get("/health").expect(200);
    }
    app.proxy().set(Fault::Pass).unwrap();
    wait_until_serving(&app);
}

#[test]
fn a_statement_that_waits_for_a_lock_is_cancelled_in_time_without_effect() {
    let app = TestApp::setup().env(&SHORT_TIMEOUTS).start();
    app.post("/create_orders", orders([1, 2])).expect_done();
    let lock = DatabaseLock::rows(&app, "order_id = 1");
    let response = within_deadline("POST /update_order", || app.post("/update_order", with(1, "quantity", Some("9"))));
    expect_database_problem("POST /update_order", &response);
    wait_until("the end of the cancelled statement", || app.count_statements("UPDATE orders") == 0);
    let response = within_deadline("DELETE /orders/1", || app.delete("/orders/1"));
    expect_database_problem("DELETE /orders/1", &response);
    // Reads and writes of other orders do not wait.
    app.post("/update_order", with(2, "quantity", Some("9"))).expect_done();
    app.get("/orders/1").expect(200);
    lock.release();
    assert_eq!(app.get("/orders/1").expect(200).text().trim(), order(1), "cancelled statements have no effect");
    app.post("/update_order", with(1, "quantity", Some("9"))).expect_done();
}

#[test]
fn a_deadlock_is_retried_and_hidden_from_the_client() {
    let app = TestApp::spawn();
    let deadlocks = || -> u32 {
        let count =
            "SELECT VARIABLE_VALUE FROM information_schema.global_status WHERE VARIABLE_NAME = 'INNODB_DEADLOCKS'";
        app.sql(count).parse().expect("a count")
    };
    let before = deadlocks();
    let insert = |ids: &str| {
        format!(
            "INSERT INTO orders SELECT seq, 1, 1, 1, 1, 1, 'x' FROM (WITH RECURSIVE s (seq) AS ({ids}) SELECT seq FROM s) t"
        )
    };
    // A larger transaction than the service's, so that the database rolls back the service's. It locks 20, waits until
    // the service has locked 10 and waits for 20, then locks 10.
    let heavy = format!(
        "BEGIN; {}; {}; SELECT SLEEP(1.5); {}; ROLLBACK",
        insert("SELECT 1000 UNION ALL SELECT seq + 1 FROM s WHERE seq < 1500"),
        insert("SELECT 20"),
        insert("SELECT 10"),
    );
    thread::scope(|scope| {
        let other = scope.spawn(|| app.sql(&heavy));
        wait_until("the other transaction", || app.count_statements("SELECT SLEEP") == 1);
        app.post("/create_orders", orders([10, 20])).expect_done();
        other.join().expect("the other transaction");
    });
    assert!(deadlocks() > before, "there was no deadlock");
    assert_eq!(app.get("/orders").text().trim(), orders([10, 20]), "written once");
}

#[test]
fn with_a_read_only_database_reads_succeed_and_writes_fail() {
    let server = std::sync::Arc::new(testkit::MariaDb::start().expect("a MariaDB"));
    server.create_database("shop").unwrap();
    // The administrator may write to a read-only server, so the service uses another account.
    server
        .sql("", "CREATE USER orders@'127.0.0.1' IDENTIFIED BY 's3cret'; GRANT ALL ON shop.* TO orders@'127.0.0.1'")
        .unwrap();
    let url = format!("mysql://orders:s3cret@127.0.0.1:{}/shop", server.port());
    let app =
        TestApp::setup().env(&SHORT_TIMEOUTS).env(&[("DATABASE_URL", &url)]).server(&server).database("shop").start();
    app.post("/create_order", order(1)).expect_done();
    server.sql("", "SET GLOBAL read_only = ON").unwrap();
    for response in [app.post("/create_order", order(2)), app.put("/orders/1", order(1)), app.delete("/orders/1")] {
        assert_eq!(expect_database_problem("a write", &response), "database-unavailable");
    }
    assert_eq!(app.get("/orders").expect(200).text().trim(), orders([1]));
    server.sql("", "SET GLOBAL read_only = OFF").unwrap();
    app.post("/create_order", order(2)).expect_done();
}

#[test]
fn a_slow_network_delivers_the_whole_table() {
    let app = TestApp::setup().through_proxy().start();
    app.post("/create_orders", orders(1..=2_000)).expect_done();
    app.proxy().set(Fault::Throttle { bytes_per_second: 100_000 }).unwrap();
    let response = app.get("/orders").expect(200);
    assert_eq!(response.text().trim(), orders(1..=2_000));
}
