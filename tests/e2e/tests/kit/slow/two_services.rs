//! The order service and another service on one database.

use std::thread;

use testkit::{MariaDb, Runtime, Service};

use super::own_service::stock_wasm;
use e2e::{Client, TestApp, order, wait_until};

/// The service of docs/OWN-SERVICE.md.
fn start_stock(database: &str) -> Service {
    let url = MariaDb::shared().expect("the shared MariaDB").url(database);
    let builder = Service::builder().runtime(Runtime::Interpreter).program(stock_wasm()).database_url(&url);
    builder.env("ALLOW_RESET", "true").start().unwrap_or_else(|error| panic!("{error:#}"))
}

#[test]
fn two_services_migrate_one_database_at_once_and_reset_only_their_own_tables() {
    stock_wasm();
    let database = MariaDb::shared().expect("the shared MariaDB").fresh_database_name().expect("a database");
    let orders = || TestApp::setup().database(&database).env(&[("ALLOW_RESET", "true")]).without_waiting().start();
    let (orders, stock) = thread::scope(|scope| {
        let orders = scope.spawn(orders);
        let stock = start_stock(&database);
        (orders.join().expect("the order service"), stock)
    });
    let stock = (Client::of_another_service(&stock.url("")), stock);
    wait_until("both services to be ready", || {
        orders.get("/ready").status == 200 && stock.0.get("/ready").status == 200
    });
    for (table, versions) in [("order_service_migrations", "1,2"), ("stock_migrations", "1")] {
        let applied = orders.sql(&format!("SELECT GROUP_CONCAT(version ORDER BY version) FROM {table}"));
        assert_eq!(applied, versions, "{table}");
    }

    orders.post("/create_order", order(1)).expect_done();
    stock.0.put("/items/bolt", r#"{"quantity":7}"#).expect(200);
    orders.get("/init?reset=true").expect_done();
    assert_eq!(orders.count_orders(), 0);
    assert_eq!(stock.0.get("/items/bolt").expect(200).text(), r#"{"name":"bolt","quantity":7}"#);

    orders.post("/create_order", order(2)).expect_done();
    stock.0.get("/init?reset=true").expect_done();
    stock.0.get("/items/bolt").expect(404);
    assert!(orders.has_order(2));
    assert_eq!((orders.get("/ready").status, stock.0.get("/ready").status), (200, 200));
}
