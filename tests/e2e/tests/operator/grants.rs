//! The smallest rights of the service's account.

use std::process::Command;

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
    let grants = grants.replace(" ON orders.", &format!(" ON `{database}`."));
    server.sql("", &grants).unwrap();
    let url = format!("mysql://{database}:secret@127.0.0.1:{}/{database}", server.port());
    (database, url)
}

#[test]
fn the_documented_grants_suffice_without_auto_init() {
    let (_, url) = database_with_account();
    let service = Service::builder().database_url(&url).env("AUTO_INIT", "false").start().unwrap();
    let client = Client::new(&service.url(""));
    wait_until("the service to be ready", || client.get("/ready").status == 200);
    // Nothing is missing, so nothing is created.
    client.get("/init").expect_done();
    client.post("/create_orders", orders(1..=3)).expect_done();
    client.post("/update_order", order(3)).expect_done();
    client.get("/delete_order?id=2").expect_done();
    for replayed in [None, Some("true")] {
        let key = [("idempotency-key", "k")];
        let response = client.send("DELETE", "/orders/1", &key, None).expect(204);
        assert_eq!(response.header("idempotency-replayed"), replayed);
    }
    assert_eq!(client.get("/orders").expect(200).text().trim(), orders([3]));
    assert!(!service.log().contains("\"level\":\"warn\"") && !service.log().contains("\"level\":\"error\""));
}

#[test]
fn the_account_with_the_documented_grants_can_do_no_more() {
    let (database, _) = database_with_account();
    let server = MariaDb::shared().unwrap();
    server.sql(&database, "CREATE TABLE others (id INT)").unwrap();
    let run = |statement: &str| run_as(server, &database, statement);
    // As itself, and able to do its work.
    assert_eq!(run("SELECT CURRENT_USER()").unwrap().trim(), format!("{database}@%"));
    run("DELETE FROM orders").unwrap();
    for statement in [
        "DROP TABLE orders",
        "TRUNCATE TABLE orders",
        "ALTER TABLE orders ADD COLUMN other INT",
        "CREATE INDEX other ON orders (product_id)",
        "CREATE TABLE more (id INT)",
        "SELECT * FROM others",
        "DELETE FROM order_service_migrations",
        "DROP TABLE order_service_idempotency",
        "INSERT INTO order_service_migrations SELECT * FROM order_service_migrations",
        "SELECT * FROM mysql.global_priv",
        "UPDATE mysql.global_priv SET Priv = '{}'",
        "DELETE FROM mysql.global_priv",
        "CREATE DATABASE another_one",
        "CREATE USER another_one",
        "GRANT SELECT ON orders TO another_one",
        "SELECT 1 INTO OUTFILE '/tmp/order-service-grants'",
        "SET GLOBAL max_connections = 1",
    ] {
        let error = run(statement).expect_err(statement);
        assert!(error.contains("denied"), "{statement}: {error}");
    }
}

/// Runs a statement as the account of that database. The error is the server's message.
fn run_as(server: &MariaDb, account: &str, statement: &str) -> Result<String, String> {
    let mut command = Command::new("mariadb");
    command.args(["--no-defaults", "--protocol=tcp", "--host=127.0.0.1", "--batch", "--skip-column-names"]);
    command.arg("--skip-ssl").arg(format!("--port={}", server.port())).arg(format!("--user={account}"));
    command.args(["--execute", statement, account]).env("MYSQL_PWD", "secret");
    let output = command.output().expect("mariadb");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[test]
fn the_documented_grants_suffice_with_auto_init_once_the_tables_exist() {
    let (_, url) = database_with_account();
    let service = Service::builder().database_url(&url).start().unwrap();
    let client = Client::new(&service.url(""));
    wait_until("the service to be ready", || client.get("/ready").status == 200);
    client.post("/create_order", order(1)).expect_done();
}
