//! Rows that another program wrote, tables of another storage engine, and a server that takes small statements only.

use std::sync::Arc;

use testkit::MariaDb;

use e2e::{TestApp, order, orders, wait_until, with};

/// Writes a row directly, past the service and the table's constraints.
fn insert(app: &TestApp, id: u32, column: &str, value: &str) {
    app.sql(&format!(
        "SET check_constraint_checks = 0; \
         INSERT INTO orders (order_id, product_id, quantity, amount, shipping, tax, shipping_address) \
         VALUES ({id}, 12, 2, 56, 15, 2, '{id} Harbour Lane'); \
         UPDATE orders SET {column} = {value} WHERE order_id = {id}"
    ));
}

#[test]
fn a_row_that_is_no_valid_order_is_named_and_can_be_replaced_or_deleted() {
    let app = TestApp::spawn();
    for (column, value) in [
        ("product_id", "0"),
        ("quantity", "0"),
        ("amount", "-0.01"),
        ("tax", "-1"),
        ("shipping_address", "''"),
        ("shipping_address", "CONCAT('a', CHAR(10), 'b')"),
    ] {
        for (id, path) in [(5, "/orders"), (6, "/orders?limit=10"), (7, "/orders/7")] {
            insert(&app, id, column, value);
            let problem = app.get(path).expect_problem(500, "invalid-stored-order");
            let expected = format!("Order {id} is stored with an invalid {column}.");
            assert!(problem.detail.contains(&expected), "{path}: {}", problem.detail);
            match id {
                5 => app.post("/update_order", order(id)).expect_done(),
                6 => app.get("/delete_order?id=6").expect_done(),
                _ => app.put("/orders/7", order(id)).expect(200),
            };
            app.get(path).expect(200);
        }
        app.sql("DELETE FROM orders");
    }
    assert!(app.service().log().contains("another program wrote it"));
}

#[test]
fn a_table_without_transactions_is_refused_until_it_is_converted() {
    let app = TestApp::spawn();
    app.post("/create_order", order(1)).expect_done();
    for engine in ["Aria", "MyISAM"] {
        app.sql(&format!("ALTER TABLE orders ENGINE = {engine}"));
        let late = TestApp::setup().database(app.database()).without_waiting().start();
        for app in [&app, &late] {
            app.get("/ready").expect_problem(503, "foreign-table");
            app.get("/init").expect_problem(503, "foreign-table");
            app.get("/orders").expect_problem(503, "foreign-table");
            app.post("/create_order", order(2)).expect_problem(503, "foreign-table");
            app.post("/create_orders", orders([3, 1])).expect_problem(503, "foreign-table");
            app.delete("/orders/1").expect_problem(503, "foreign-table");
        }
        assert_eq!(app.count_orders(), 1, "{engine}");
        wait_until("the advice in the log", || late.service().log().contains("ALTER TABLE orders ENGINE = InnoDB"));
        app.sql("ALTER TABLE orders ENGINE = InnoDB");
        for app in [&app, &late] {
            wait_until("the service to be ready", || app.get("/ready").status == 200);
            assert_eq!(app.get("/orders").expect(200).text().trim(), orders([1]));
        }
    }
}

#[test]
fn a_batch_is_written_in_statements_that_the_server_accepts() {
    let server = Arc::new(MariaDb::builder().option("--max-allowed-packet=4096").start().expect("a MariaDB"));
    let app = TestApp::setup().server(&server).start();
    let longest = format!("\"{}\"", "🏠".repeat(255));
    let batch: Vec<String> = (1..=50).map(|id| with(id, "shipping_address", Some(&longest))).collect();
    let batch = format!("[{}]", batch.join(","));
    app.post("/create_orders", &batch).expect_done();
    app.post("/create_order", with(51, "shipping_address", Some(&longest))).expect_done();
    assert_eq!(app.count_orders(), 51);
    assert_eq!(app.get("/orders?limit=50").expect(200).text().trim(), batch);
}
