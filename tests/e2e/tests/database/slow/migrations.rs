//! Migrations that take longer than `STATEMENT_TIMEOUT` and `REQUEST_TIMEOUT`.

use std::future::Future;
use std::time::Duration;

use microservice::config::Environment;
use microservice::database::{Database, DatabaseError, DatabaseSettings, Deadline, Migration, Schema};
use testkit::MariaDb;

use e2e::{DatabaseLock, TestApp, order, wait_until};

const SHORT_TIMEOUTS: [(&str, &str); 2] = [("STATEMENT_TIMEOUT", "1s"), ("REQUEST_TIMEOUT", "1s")];

/// The service's statement that waits for a [`DatabaseLock::schema`].
const STATEMENT: &str = "CREATE TABLE IF NOT EXISTS orders";

/// A service on a database without tables, and the lock that keeps its migrations waiting.
fn blocked(variables: &[(&str, &str)]) -> (TestApp, DatabaseLock) {
    let first = TestApp::without_tables(&[]);
    let lock = DatabaseLock::schema(&first);
    let app = TestApp::setup().env(&SHORT_TIMEOUTS).env(variables).database(first.database()).without_waiting();
    (app.start(), lock)
}

/// Whether the service's statement has run for as many seconds.
fn has_run_for(app: &TestApp, seconds: u32) -> bool {
    let condition = format!("db = DATABASE() AND info LIKE '{STATEMENT}%' AND time >= {seconds}");
    app.sql(&format!("SELECT COUNT(*) FROM information_schema.processlist WHERE {condition}")) == "1"
}

/// Whether the service has applied all its migrations.
fn is_migrated(app: &TestApp) -> bool {
    app.sql("SELECT COUNT(*) FROM order_service_migrations") == "2"
}

#[test]
fn a_migration_at_the_start_may_take_longer_than_other_statements() {
    let (app, lock) = blocked(&[]);
    wait_until("a statement that is not ended", || has_run_for(&app, 4));
    assert_ne!(app.get("/ready").status, 200);
    lock.release();
    wait_until("the service to be ready", || app.get("/ready").status == 200);
    assert!(!app.service().log().contains("trying again"), "{}", app.service().log());
    app.post("/create_order", order(1)).expect_done();
}

#[test]
fn init_says_that_migrations_go_on_and_they_do() {
    let (app, lock) = blocked(&[("AUTO_INIT", "false")]);
    for _ in 0..3 {
        let problem = app.get("/init").expect_problem(503, "not-initialised");
        assert!(problem.detail.contains("goes on"), "{}", problem.detail);
    }
    assert!(has_run_for(&app, 2), "each call has begun anew");
    lock.release();
    wait_until("the migrations to be over", || is_migrated(&app));
    app.get("/init").expect_done();
    app.post("/create_order", order(1)).expect_done();
}

#[test]
fn a_client_that_resets_its_init_does_not_end_the_migrations() {
    let (app, lock) = blocked(&[("AUTO_INIT", "false")]);
    let mut connection = app.connect();
    connection.send("GET /init HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until("the migration", || app.count_statements(STATEMENT) == 1);
    connection.reset();
    // So the service has noticed the reset.
    for _ in 0..3 {
        app.get("/health").expect(200);
    }
    assert_eq!(app.count_statements(STATEMENT), 1, "the statement was given up");
    lock.release();
    wait_until("the migrations to be over", || is_migrated(&app));
}

#[test]
fn a_migration_ends_at_its_own_timeout_and_is_tried_again() {
    let (app, lock) = blocked(&[("MIGRATION_TIMEOUT", "1s")]);
    wait_until("another try", || app.service().log().contains("trying again every second"));
    wait_until("the server to have ended the statement", || app.count_statements(STATEMENT) == 0);
    lock.release();
    wait_until("the service to be ready", || app.get("/ready").status == 200);
}

#[test]
fn a_wait_for_another_replica_s_migrations_leaves_the_only_connection_to_requests() {
    let app = TestApp::spawn_with(&[("POOL_MAX", "2"), ("REQUEST_TIMEOUT", "1s")]);
    let lock = DatabaseLock::migrations(&app);
    app.get("/init").expect_problem(503, "not-initialised");
    for id in 1..=20 {
        app.post("/create_order", order(id)).expect_done();
    }
    lock.release();
    wait_until("the migrations to be over", || app.get("/init").status == 200);
}

/// A database of its own for a service whose only migration is this statement.
fn migrating(statement: &'static str, variables: &[(&str, &str)]) -> (Database, String) {
    let server = MariaDb::shared().expect("the shared MariaDB");
    let name = server.fresh_database_name().expect("a new database");
    let url = server.url(&name);
    let lookup = |variable: &str| match variable {
        "DATABASE_URL" => Some(url.clone()),
        _ => variables.iter().find(|(known, _)| *known == variable).map(|(_, value)| (*value).to_owned()),
    };
    let settings = DatabaseSettings::read(&Environment::new(&lookup)).expect("settings");
    let migrations = vec![Migration { version: 1, name: "slow", sql: statement }];
    (Database::new(&settings, Schema::new("slow-service", &["slow"], migrations.leak())), name)
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

#[test]
fn a_slow_statement_of_a_migration_is_not_ended_by_the_statement_timeout() {
    let (database, name) =
        migrating("CREATE TABLE IF NOT EXISTS slow AS SELECT SLEEP(3) AS slept;\n", &[("STATEMENT_TIMEOUT", "1s")]);
    let result = block_on(database.migrate(Deadline::after(Duration::from_secs(60))));
    assert!(result.is_ok(), "{result:?}");
    let slept = MariaDb::shared().and_then(|server| server.sql(&name, "SELECT slept FROM slow"));
    assert_eq!(slept.expect("the table").trim(), "0", "SLEEP was interrupted");
}

#[test]
fn the_server_has_the_timeout_of_migrations_too() {
    const SELECT: &str = "CREATE TABLE IF NOT EXISTS slow ENGINE = InnoDB \
        AS SELECT @@max_statement_time AS statement, @@lock_wait_timeout AS metadata;\n";
    let (database, name) = migrating(SELECT, &[("MIGRATION_TIMEOUT", "2m")]);
    let result = block_on(database.migrate(Deadline::after(Duration::from_secs(60))));
    assert!(result.is_ok(), "{result:?}");
    let timeouts = MariaDb::shared().and_then(|server| server.sql(&name, "SELECT statement, metadata FROM slow"));
    assert_eq!(timeouts.expect("the table").trim(), "120.000000\t120");
}

#[test]
fn migrations_that_fail_give_each_caller_the_reason() {
    let (database, _) = migrating("CREATE TABLE slow (broken;\n", &[]);
    block_on(async {
        let (first, second) = tokio::join!(
            database.migrate(Deadline::after(Duration::from_secs(60))),
            database.migrate(Deadline::after(Duration::from_secs(60)))
        );
        for result in [first, second] {
            assert!(
                matches!(&result, Err(DatabaseError::Internal(cause)) if cause.contains("SQL syntax")),
                "{result:?}"
            );
        }
    });
}
