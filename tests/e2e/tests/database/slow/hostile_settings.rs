//! A server whose defaults, or whose `init_connect`, change what statements mean. Two replicas read what the other has
//! written, to the character.

use std::sync::Arc;

use testkit::MariaDb;

use e2e::{TestApp, order, orders, wait_until, with};

/// What the server runs for each new connection of an account without administrative rights.
const INIT_CONNECT: [&str; 16] = [
    "SET NAMES utf8",
    "SET NAMES latin1",
    "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
    "SET autocommit = 0",
    "SET completion_type = 'CHAIN'",
    "SET completion_type = 'RELEASE'",
    "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
    "SET SESSION TRANSACTION READ ONLY",
    "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,NO_AUTO_VALUE_ON_ZERO'",
    "SET sql_mode = ''",
    "SET sql_mode = 'ORACLE'",
    "SET sql_select_limit = 1, sql_safe_updates = 1, sql_auto_is_null = 1",
    "SET time_zone = '-12:00', lc_messages = 'fr_FR', default_storage_engine = MyISAM",
    "SET foreign_key_checks = 0, unique_checks = 0, check_constraint_checks = 0",
    "START TRANSACTION",
];

/// Defaults for all connections.
const GLOBALS: [&str; 7] = [
    "character_set_server = latin1",
    "autocommit = 0",
    "completion_type = 'RELEASE'",
    "tx_isolation = 'READ-UNCOMMITTED'",
    "sql_mode = ''",
    "sql_select_limit = 1",
    "sql_mode = 'NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'",
];

/// A server, and an account that `init_connect` applies to.
struct HostileServer(Arc<MariaDb>);

impl HostileServer {
    fn start() -> Self {
        let server = MariaDb::start().expect("a MariaDB");
        let account = "CREATE USER orders@'127.0.0.1' IDENTIFIED BY 's3cret'; GRANT ALL ON *.* TO orders@'127.0.0.1'; \
                       REVOKE SUPER, CONNECTION ADMIN ON *.* FROM orders@'127.0.0.1'";
        server.sql("", account).unwrap();
        Self(Arc::new(server))
    }

    /// Two replicas with a new database. The first creates the tables.
    fn start_replicas(&self) -> [TestApp; 2] {
        let database = self.0.fresh_database_name().expect("a new database");
        let url = format!("mysql://orders:s3cret@127.0.0.1:{}/{database}", self.0.port());
        [(); 2].map(|()| TestApp::setup().env(&[("DATABASE_URL", &url)]).server(&self.0).database(&database).start())
    }

    /// Sets a default. Later calls do not undo it.
    fn set_global(&self, assignment: &str) {
        self.0.sql("", &format!("SET GLOBAL {assignment}")).unwrap();
    }
}

/// Each replica reads at once what the other has written, on connections that have read before.
fn assert_replicas_agree(what: &str, replicas: &[TestApp; 2]) {
    let address = r#""🏠 Straße \"7\" \\ 'n' || €""#;
    for (id, [writer, reader]) in (1..).zip([[0, 1], [1, 0], [0, 1]]) {
        let (writer, reader) = (&replicas[writer], &replicas[reader]);
        let path = format!("/orders/{id}");
        reader.get(&path).expect_problem(404, "order-not-found");
        reader.get("/orders").expect(200);
        let written = with(id, "shipping_address", Some(address));
        writer.post("/create_order", &written).expect_done();
        for app in [reader, writer] {
            assert_eq!(app.get(&path).expect(200).text().trim(), written, "{what}");
        }
        let changed = with(id, "quantity", Some("7"));
        reader.post("/update_order", &changed).expect_done();
        for app in [writer, reader] {
            assert_eq!(app.get(&path).expect(200).text().trim(), changed, "{what}");
        }
        writer.post("/update_order", order(id)).expect_done();
    }
    let [first, second] = replicas;
    first.post("/create_orders", orders([10, 11, 1])).expect_problem(409, "duplicate-order");
    second.post("/create_orders", orders(10..=12)).expect_done();
    first.delete("/orders/3").expect(204);
    assert_eq!(second.get("/orders").expect(200).text().trim(), orders([1, 2, 10, 11, 12]), "{what}");
    assert_eq!(first.count_orders(), 5, "{what}: all is committed");
}

/// What another session has written and not committed is not read.
fn assert_no_dirty_reads(what: &str, replicas: &[TestApp; 2]) {
    let [app, _] = replicas;
    let dirty = "BEGIN; UPDATE orders SET quantity = 99 WHERE order_id = 1; SELECT SLEEP(600)";
    std::thread::scope(|scope| {
        scope.spawn(|| drop(app.server().sql(app.database(), dirty)));
        wait_until("the other session", || app.count_statements("SELECT SLEEP") == 1);
        let read = app.get("/orders/1");
        let kill = "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'";
        app.sql(&format!("KILL {}", app.sql(kill)));
        assert_eq!(read.expect(200).text().trim(), order(1), "{what}");
    });
}

#[test]
fn init_connect_changes_nothing_of_what_is_written_and_read() {
    let server = HostileServer::start();
    for statement in INIT_CONNECT {
        println!("{statement}");
        server.set_global(&format!("init_connect = \"{statement}\""));
        let replicas = server.start_replicas();
        assert_replicas_agree(statement, &replicas);
        assert_no_dirty_reads(statement, &replicas);
        let engines =
            "SELECT GROUP_CONCAT(DISTINCT engine) FROM information_schema.tables WHERE table_schema = DATABASE()";
        assert_eq!(replicas[0].sql(engines), "InnoDB", "{statement}");
    }
}

#[test]
fn defaults_of_the_server_change_nothing_of_what_is_written_and_read() {
    let server = HostileServer::start();
    for assignment in GLOBALS {
        println!("{assignment}");
        server.set_global(assignment);
        let replicas = server.start_replicas();
        assert_replicas_agree(assignment, &replicas);
        assert_no_dirty_reads(assignment, &replicas);
    }
}
