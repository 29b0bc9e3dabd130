//! TLS to the database, as configured in the URL.

use std::path::Path;
use std::sync::Arc;

use testkit::{MariaDb, Tls};

use super::SHORT_TIMEOUTS;
use e2e::{TestApp, order, wait_until};

/// A server that requires TLS, and its certificates.
fn server() -> (Arc<MariaDb>, Tls) {
    let tls = Tls::new().expect("certificates").required();
    let server = MariaDb::builder().tls(&tls).root_password("s3cret").start().expect("a MariaDB");
    (Arc::new(server), tls)
}

fn service(server: &Arc<MariaDb>, host: &str, options: &str, ca: Option<&Path>) -> TestApp {
    let database = server.fresh_database_name().expect("a database");
    let url = server.url_via(host, server.port(), &database) + options;
    let setup = TestApp::setup()
        .env(&SHORT_TIMEOUTS)
        .env(&[("DATABASE_URL", &url)])
        .server(server)
        .database(&database)
        .without_waiting();
    match ca {
        Some(path) => setup.env(&[("DATABASE_CA_FILE", &path.display().to_string())]).start(),
        None => setup.start(),
    }
}

/// Checks that the service is alive and not ready, and does not log the password.
fn assert_rejected(app: &TestApp) {
    for _ in 0..5 {
        app.get("/ready").expect_problem(503, "database-unavailable");
        app.get("/health").expect(200);
    }
    app.post("/create_order", order(1)).expect_problem(503, "database-unavailable");
    assert!(!app.service().log().contains("s3cret"), "the log holds the password:\n{}", app.service().log());
}

#[test]
fn with_the_right_authority_all_connections_use_tls() {
    let (server, tls) = server();
    let app = service(&server, "localhost", "?require_ssl=true", Some(&tls.ca()));
    wait_until("the service to be ready", || app.get("/ready").status == 200);
    app.post("/create_order", order(1)).expect_done();
    assert_eq!(app.get("/orders/1").expect(200).text().trim(), order(1));
    let accepted: u32 = app
        .sql("SELECT VARIABLE_VALUE FROM information_schema.global_status WHERE VARIABLE_NAME = 'SSL_FINISHED_ACCEPTS'")
        .parse()
        .expect("a count");
    assert!(accepted > 0, "the server saw no TLS");
    assert!(!app.service().log().contains("s3cret"));
}

#[test]
fn a_certificate_of_another_authority_is_rejected() {
    let (server, tls) = server();
    assert_rejected(&service(&server, "localhost", "?require_ssl=true", Some(&tls.other_ca())));
}

#[test]
fn a_certificate_of_an_unknown_authority_is_rejected() {
    let (server, _tls) = server();
    assert_rejected(&service(&server, "localhost", "?require_ssl=true", None));
}

#[test]
fn a_server_that_requires_tls_rejects_a_url_without_it() {
    let (server, _tls) = server();
    assert_rejected(&service(&server, "127.0.0.1", "", None));
}

#[test]
fn a_server_without_tls_is_rejected_if_the_url_requires_tls() {
    let tls = Tls::new().expect("certificates");
    let server = Arc::new(MariaDb::builder().option("--skip-ssl").start().expect("a MariaDB"));
    // The command-line client rejects this server, too, so the test uses a database that always exists.
    let url = server.url_via("localhost", server.port(), "mysql") + "?require_ssl=true";
    let ca = tls.ca().display().to_string();
    let env = [("DATABASE_URL", url.as_str()), ("DATABASE_CA_FILE", ca.as_str()), ("AUTO_INIT", "false")];
    assert_rejected(
        &TestApp::setup().env(&SHORT_TIMEOUTS).env(&env).server(&server).database("mysql").without_waiting().start(),
    );
}
