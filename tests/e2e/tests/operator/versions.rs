//! Upgrade and rollback.

use e2e::{TestApp, order, wait_until};

/// What a version says that finds a schema of a later one.
const NEWER: &str = "the schema is newer than this version of the service";

/// The state after an upgrade to a later version, and the return to this one.
fn with_newer_schema() -> TestApp {
    let app = TestApp::spawn();
    app.sql("INSERT INTO order_service_migrations (version, name) VALUES (999, 'of a later version')");
    app.sql("ALTER TABLE orders ADD COLUMN of_a_later_version INT NULL");
    app
}

#[test]
fn an_old_binary_at_a_newer_schema_says_so_and_serves() {
    let newer = with_newer_schema();
    for auto_init in ["true", "false"] {
        let app = TestApp::setup().database(newer.database()).env(&[("AUTO_INIT", auto_init)]).start();
        wait_until("the line in the log", || app.service().log().contains(NEWER));
        let log = app.service().log();
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(NEWER)).collect();
        assert_eq!(lines.len(), 1, "AUTO_INIT={auto_init}: {log}");
        assert!(lines[0].contains("\"level\":\"warn\"") && lines[0].contains("\"schema\":999"), "{}", lines[0]);
    }
    newer.post("/create_order", order(1)).expect_done();
}

#[test]
fn a_binary_at_its_own_schema_says_nothing() {
    let app = TestApp::spawn();
    let again = TestApp::setup().database(app.database()).env(&[("AUTO_INIT", "false")]).start();
    for service in [app.service(), again.service()] {
        assert!(!service.log().contains(NEWER), "{}", service.log());
    }
}
