//! An invalid configuration stops the start with one helpful line that discloses no secret.

use std::fs;
use std::time::Duration;

use testkit::{MariaDb, Service, TempDir};

use e2e::{Client, TestApp, wait_until};

/// Variables with a value that must stop the start.
const INVALID: [(&str, &str); 47] = [
    ("DATABASE_URL", ""),
    ("DATABASE_URL", "nonsense"),
    ("DATABASE_URL", "postgres://orders:hunter2@db:5432/orders"),
    ("DATABASE_URL", "mysql://orders:hunter2@db:99999/orders"),
    ("DATABASE_URL", "mysql://orders:hunter2@/orders"),
    ("DATABASE_URL", "mysql://orders:hunter2@db:3306"),
    ("DATABASE_URL", "mysql://orders:hunter2@db:3306/orders?require_ssl=perhaps"),
    ("DATABASE_URL", "mysql://orders:hunter2@db:3306/orders?colour=red"),
    // A password that should have been percent-encoded: the text after its question mark looks like a parameter.
    ("DATABASE_URL", "mysql://orders:1?hunter2@db:3306/orders"),
    ("DATABASE_URL", "mysql://orders:1?hunter2=hunter2@db:3306/orders"),
    ("DATABASE_URL", "mysql://orders:1#hunter2@db:3306/orders"),
    ("DATABASE_URL_FILE", "/there/is/no/such/file"),
    ("DATABASE_CA_FILE", "/there/is/no/such/file"),
    ("LISTEN_ADDR", "8080"),
    ("LISTEN_ADDR", "localhost"),
    ("LISTEN_ADDR", "127.0.0.1:99999"),
    ("LISTEN_ADDR", "127.0.0.1:-1"),
    ("POOL_MAX", "0"),
    ("POOL_MAX", "-1"),
    ("POOL_MAX", "ten"),
    ("POOL_MAX", "1e3"),
    ("STATEMENT_TIMEOUT", "5"),
    ("STATEMENT_TIMEOUT", "0s"),
    ("STATEMENT_TIMEOUT", "-5s"),
    ("STATEMENT_TIMEOUT", "5 s"),
    ("CONNECT_TIMEOUT", "soon"),
    ("REQUEST_TIMEOUT", "999999999999999999999s"),
    ("BATCH_TIMEOUT", "1h30"),
    ("HEADER_TIMEOUT", "s"),
    ("BODY_TIMEOUT", "1,5s"),
    ("IDLE_TIMEOUT", "infinite"),
    ("WRITE_TIMEOUT", "0ms"),
    ("MAX_HEADER_BYTES", "0"),
    ("MAX_ORDER_BYTES", "64 KB"),
    ("MAX_BODY_BYTES", "-1"),
    ("MAX_BODY_BYTES", "99999999999999999999"),
    ("MAX_CONNECTIONS", "0"),
    ("MAX_IN_FLIGHT", "0"),
    ("MAX_STREAMS", "x"),
    ("ALLOW_RESET", "yes"),
    ("ALLOW_RESET", "TRUE"),
    ("AUTO_INIT", "2"),
    ("CORS_ALLOW_ORIGIN", "shop.example"),
    ("CORS_ALLOW_ORIGIN", "https://a.example, https://b.example"),
    ("CORS_ALLOW_ORIGIN", "https://a.example/path"),
    ("LOG_FORMAT", "xml"),
    ("LOG_LEVEL", "loud"),
];

/// Starts the service with these variables and a valid database URL. Returns its exit code and its output.
fn start(variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let base = Service::builder().startup_timeout(Duration::from_secs(10));
    let base = if variables.iter().any(|(name, _)| *name == "DATABASE_URL_FILE") {
        base
    } else {
        base.database_url("mysql://orders:hunter2@127.0.0.1:1/orders")
    };
    let builder = variables.iter().fold(base, |builder, (name, value)| builder.env(*name, *value));
    let (status, output) = builder.run_to_exit().unwrap_or_else(|error| panic!("{variables:?}: {error:#}"));
    (status.code(), output)
}

#[test]
fn an_invalid_variable_stops_the_start_with_64_and_one_line() {
    for (name, value) in INVALID {
        let (code, output) = start(&[(name, value)]);
        assert_eq!(code, Some(64), "{name}={value}: {output}");
        let lines: Vec<&str> = output.lines().collect();
        assert_eq!(lines.len(), 1, "{name}={value}: one line, not\n{output}");
        assert!(lines[0].contains(name), "{name}={value} is not named: {output}");
        assert!(lines[0].contains(&format!("{name}=")), "{name}={value}: no example: {output}");
        assert!(!output.contains("hunter2"), "{name}={value}: the password is shown: {output}");
    }
}

#[test]
fn two_sources_of_the_database_url_stop_the_start() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("url");
    fs::write(&file, "mysql://orders:hunter2@127.0.0.1:1/orders").unwrap();
    let file = file.display().to_string();
    let both = [("DATABASE_URL", "mysql://orders:hunter2@127.0.0.1:1/orders"), ("DATABASE_URL_FILE", file.as_str())];
    let (code, output) = start(&both);
    assert_eq!(code, Some(64), "{output}");
    assert!(output.contains("DATABASE_URL_FILE") && !output.contains("hunter2"), "{output}");
}

#[test]
fn an_invalid_url_file_is_reported_without_its_contents() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("url");
    for content in ["", "\n", "hunter2", "postgres://orders:hunter2@db/orders", "\u{0}\u{1}"] {
        fs::write(&file, content).unwrap();
        let (code, output) = start(&[("DATABASE_URL_FILE", &file.display().to_string())]);
        assert_eq!(code, Some(64), "{content:?}: {output}");
        assert!(output.contains("DATABASE_URL") && !output.contains("hunter2"), "{content:?}: {output}");
        assert_eq!(output.lines().count(), 1, "{output}");
    }
}

#[test]
fn the_database_url_may_come_from_a_file() {
    let url = MariaDb::shared().unwrap().fresh_database().unwrap();
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("url");
    // A file that was written by an editor ends with a line feed.
    fs::write(&file, format!("{url}\n")).unwrap();
    let service = Service::builder().env("DATABASE_URL_FILE", file.display().to_string()).start().unwrap();
    let client = Client::new(&service.url(""));
    wait_until("the service to be ready", || client.get("/ready").status == 200);
}

#[test]
fn a_ca_file_without_a_certificate_stops_the_start() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("ca.pem");
    fs::write(&file, "this is no certificate\n").unwrap();
    let file = file.display().to_string();
    let url = "mysql://orders:hunter2@127.0.0.1:1/orders?require_ssl=true";
    let (code, output) = start(&[("DATABASE_URL", url), ("DATABASE_CA_FILE", &file)]);
    assert_eq!(code, Some(64), "{output}");
    assert!(output.contains("DATABASE_CA_FILE") && !output.contains("hunter2"), "{output}");
}

#[test]
fn a_port_in_use_is_reported_in_one_line() {
    let app = TestApp::spawn();
    let address = app.address().to_string();
    let builder =
        Service::builder().database_url("mysql://orders:hunter2@127.0.0.1:1/orders").env("LISTEN_ADDR", &address);
    let (status, output) = builder.run_to_exit().unwrap();
    assert!(!status.success());
    let lines: Vec<&str> = output.lines().filter(|line| line.contains(&address)).collect();
    assert_eq!(lines.len(), 1, "one line names the address:\n{output}");
    assert!(lines[0].contains("LISTEN_ADDR"), "{output}");
    assert!(!output.contains("panicked") && !output.contains("hunter2"), "{output}");
    app.get("/health").expect(200);
}

#[test]
fn an_unknown_variable_is_ignored() {
    let app = TestApp::spawn_with(&[("SOME_OTHER_TOOLS_SETTING", "x")]);
    app.get("/health").expect(200);
}
