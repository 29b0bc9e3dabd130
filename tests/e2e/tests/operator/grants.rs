//! The smallest rights of the service's account.

use testkit::{MariaDb, Service, artifacts};

use e2e::{Client, order, orders, wait_until};

/// The statements after `<!-- grants -->` in docs/OPERATIONS.md.
fn documented_grants() -> String {
    let page = std::fs::read_to_string(artifacts::root().join("docs/OPERATIONS.md")).expect("docs/OPERATIONS.md");
    let (_, rest) = page.split_once("<!-- grants -->\n```sql\n").expect("the grants");
    rest.split_once("```").expect("the end of the block").0.to_owned()
}

/// A database with the tables, and the URL of an account that has the documented rights in it.
fn database_with_account() -> (String, String) {
    let server = MariaDb::shared().unwrap();
    let database = server.fresh_database_name().unwrap();
    let tables = Service::builder().database_url(&server.url(&database)).start().unwrap();
    let client = Client::new(&tables.url(""));
    wait_until("the tables", || client.get("/ready").status == 200);
    let grants = documented_grants();
    assert!(grants.contains("'orders'@'%'") && grants.contains("TO 'orders'"), "{grants}");
    let grants = grants.replace("'orders'@'%'", &format!("'{database}'@'%'"));
    let grants = grants.replace("orders.orders ", &format!("`{database}`.orders "));
    let grants = grants.replace("orders.order_service_migrations ", &format!("`{database}`.order_service_migrations "));
    server.sql("", &grants).unwrap();
    let url = format!("mysql://{database}:secret@127.0.0.1:{}/{database}", server.port());
    (database, url)
}

#[test]
fn the_documented_grants_suffice_without_auto_init() {
    let (database, url) = database_with_account();
    let service = Service::builder().database_url(&url).env("AUTO_INIT", "false").start().unwrap();
    let client = Client::new(&service.url(""));
    wait_until("the service to be ready", || client.get("/ready").status == 200);
    // Nothing is missing, so nothing is created.
    client.get("/init").expect_done();
    client.post("/create_orders", orders(1..=3)).expect_done();
    client.post("/update_order", order(3)).expect_done();
    client.get("/delete_order?id=2").expect_done();
    assert_eq!(client.get("/orders").expect(200).text().trim(), orders([1, 3]));
    assert!(!service.log().contains("\"level\":\"warn\"") && !service.log().contains("\"level\":\"error\""));
    // The account can do no more.
    let refused = |statement: &str| {
        let account = format!("SELECT COUNT(*) FROM information_schema.user_privileges WHERE {statement}");
        MariaDb::shared().unwrap().sql("", &account).unwrap()
    };
    let global = refused(&format!("grantee LIKE '''{database}''@%' AND privilege_type <> 'USAGE'"));
    assert_eq!(global.trim(), "0", "the account has global rights");
}

#[test]
fn the_documented_grants_suffice_with_auto_init_once_the_tables_exist() {
    let (_, url) = database_with_account();
    let service = Service::builder().database_url(&url).start().unwrap();
    let client = Client::new(&service.url(""));
    wait_until("the service to be ready", || client.get("/ready").status == 200);
    client.post("/create_order", order(1)).expect_done();
}
