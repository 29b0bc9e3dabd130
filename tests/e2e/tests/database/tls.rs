//! TLS to the database, as configured in the URL.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use testkit::{MariaDb, Service, Tls};

use super::SHORT_TIMEOUTS;
use e2e::{Client, TestApp, order, wait_until};

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

/// The addresses are compared with those in the certificate.
#[test]
fn addresses_in_the_url_are_reached_by_tls() {
    let tls = Tls::new().expect("certificates").required();
    let has_ipv6 = TcpListener::bind("[::1]:0").is_ok();
    let addresses = if has_ipv6 { "127.0.0.1,::1" } else { "127.0.0.1" };
    let server = MariaDb::builder().tls(&tls).option(format!("--bind-address={addresses}")).start().expect("a MariaDB");
    if has_ipv6 {
        let grant = "CREATE USER 'root'@'::1'; GRANT ALL PRIVILEGES ON *.* TO 'root'@'::1'";
        server.sql("", grant).expect("an account for connections over IPv6");
    }
    let server = Arc::new(server);
    for host in ["127.0.0.1", "[::1]"].into_iter().filter(|host| has_ipv6 || !host.starts_with('[')) {
        let app = service(&server, host, "?require_ssl=true", Some(&tls.ca()));
        wait_until("the service to be ready", || app.get("/ready").status == 200);
        assert!(!app.service().log().contains("verified"), "{}", app.service().log());
    }
}

#[test]
fn options_that_undo_the_verification_are_rejected_at_the_start() {
    let tls = Tls::new().expect("certificates");
    let ca = tls.ca().display().to_string();
    for (options, ca) in [
        ("?require_ssl=true&verify_ca=false", ca.as_str()),
        ("?enable_cleartext_plugin=true", ""),
        ("?secure_auth=false", ""),
    ] {
        let builder = Service::builder().database_url(&format!("mysql://orders:s3cret@127.0.0.1:9/orders{options}"));
        let (status, log) = builder.env("DATABASE_CA_FILE", ca).run_to_exit().expect("an end");
        assert_eq!(status.code(), Some(64), "{options}: {log}");
        assert!(log.starts_with("order-service: DATABASE_URL has ") && !log.contains("s3cret"), "{log}");
        assert_eq!(log.lines().count(), 1, "{log}");
    }
}

#[test]
fn a_connection_that_others_can_read_is_logged_once() {
    let tls = Tls::new().expect("certificates");
    let ca = tls.ca().display().to_string();
    for (host, options, ca, is_weak) in [
        ("192.0.2.1", "", "", true),
        ("127.0.0.1", "", "", false),
        ("127.0.0.1", "?require_ssl=true&verify_ca=false", "", true),
        ("192.0.2.1", "?require_ssl=true&verify_identity=false", "", true),
        ("192.0.2.1", "?require_ssl=true&verify_identity=false", ca.as_str(), false),
    ] {
        let url = format!("mysql://orders:s3cret@{host}:9/orders{options}");
        let service = Service::builder().database_url(&url).env("DATABASE_CA_FILE", ca).env("AUTO_INIT", "false");
        let service = service.env("CONNECT_TIMEOUT", "10ms").start().expect("a service");
        let client = Client::new(&service.url(""));
        for _ in 0..3 {
            client.get("/ready").expect_problem(503, "database-unavailable");
        }
        wait_until("the requests to be logged", || service.log().matches("/ready").count() >= 3);
        let about_tls = |line: &&str| ["not encrypted", "not verified"].iter().any(|words| line.contains(words));
        let warnings = service.log().lines().filter(about_tls).count();
        assert_eq!(warnings, usize::from(is_weak), "{url}: {}", service.log());
    }
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
