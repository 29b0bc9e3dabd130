//! What the service says at its start, and what stops the start.

use std::fs;
use std::time::Duration;

use testkit::{Service, TempDir, ports};

use e2e::{TestApp, wait_until};

use super::token_file::TokenFile;

const WARNING: &str = "everyone who reaches this address may read and write";

fn log_at_start(listen: &str, tokens: &str) -> String {
    let port = ports::free().expect("a free port");
    let listen = format!("{listen}:{port}");
    let app = TestApp::setup().env(&[("LISTEN_ADDR", &listen), ("API_TOKENS_FILE", tokens)]).port(port).start();
    wait_until("the database to be ready", || app.service().log().contains("the database is ready"));
    app.service().log()
}

#[test]
fn one_warning_says_that_there_is_no_login_on_a_public_address() {
    let file = TokenFile::new();
    file.add("shop", "read");
    assert_eq!(log_at_start("0.0.0.0", "").matches(WARNING).count(), 1);
    assert_eq!(log_at_start("127.0.0.1", "").matches(WARNING).count(), 0);
    assert_eq!(log_at_start("0.0.0.0", &file.variable()).matches(WARNING).count(), 0);
}

#[test]
fn a_wrong_file_or_rule_stops_the_start_in_one_line_without_its_content() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "shop read hunter2\n").unwrap();
    let file = file.display().to_string();
    for variables in [
        &[("API_TOKENS_FILE", file.as_str())][..],
        &[("API_TOKENS_FILE", "/there/is/no/such/file")],
        &[("JWT_KEYS_FILE", file.as_str()), ("JWT_AUDIENCE", "orders")],
        &[("JWT_AUDIENCE", ""), ("JWT_KEYS_FILE", file.as_str())],
        &[("ALLOWED_HOSTS", "http://orders.example")],
        &[("RATE_LIMIT_PER_ADDRESS", "100")],
        &[("RATE_LIMIT_PER_TOKEN", "0/1s")],
        &[("TRUSTED_PROXIES", "10.0.0.0/33")],
    ] {
        let builder = Service::builder().startup_timeout(Duration::from_secs(10));
        let builder = builder.database_url("mysql://orders:secret@127.0.0.1:1/orders");
        let builder = variables.iter().fold(builder, |builder, (name, value)| builder.env(*name, *value));
        let (status, output) = builder.run_to_exit().unwrap();
        let name = variables[0].0;
        assert_eq!(status.code(), Some(64), "{name}: {output}");
        assert_eq!(output.lines().count(), 1, "{name}: {output}");
        assert!(output.contains(&format!("{name}=")), "{name}: no example: {output}");
        assert!(!output.contains("hunter2"), "{name}: {output}");
    }
}
