//! The kit's example: a whole service without a database.

use std::fs;
use std::process::Output;

use serde_json::Value;
use testkit::service::{FileAccess, wasmedge};
use testkit::{Runtime, Service, artifacts, ports};

use e2e::{Client, wait_for, wait_until};

fn hello(env: &[(&str, &str)]) -> Service {
    let program = artifacts::hello().unwrap_or_else(|error| panic!("{error:#}"));
    let builder = Service::builder().runtime(Runtime::Interpreter).program(program);
    let builder = env.iter().fold(builder, |builder, (name, value)| builder.env(*name, *value));
    builder.start().unwrap_or_else(|error| panic!("{error:#}"))
}

/// Runs the example with arguments until it ends: its exit status and its output.
fn run(env: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String) {
    let program = artifacts::hello().unwrap_or_else(|error| panic!("{error:#}"));
    let output =
        wasmedge(&program, &FileAccess::default(), env.iter().copied()).args(arguments).output().expect("wasmedge");
    let Output { status, stdout, stderr } = output;
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

#[test]
fn the_example_has_at_most_60_lines() {
    let source = artifacts::root().join("crates/microservice/examples/hello.rs");
    let lines = fs::read_to_string(source).expect("the example").lines().count();
    assert!(lines <= 60, "{lines} lines");
}

#[test]
fn a_service_without_a_database_does_not_hold_the_driver() {
    let holds_driver = |module: &[u8]| module.windows(21).any(|bytes| bytes == b"mysql_native_password");
    let [hello, orders] =
        [artifacts::hello(), artifacts::wasm()].map(|path| fs::read(path.unwrap()).expect("a module"));
    assert!(holds_driver(&orders), "the driver has another mark now");
    assert!(!holds_driver(&hello) && hello.len() < orders.len() / 2, "{} and {} bytes", hello.len(), orders.len());
}

#[test]
fn the_example_serves_and_its_problems_have_its_name() {
    let service = hello(&[("GREETING", "Ahoy")]);
    let client = Client::of_another_service(&service.url(""));
    assert_eq!(client.get("/hello/Ada").expect(200).text(), "Ahoy, Ada!\n");
    assert!(client.get("/").expect(200).text().starts_with("Greets by name.\n\nGET "));
    for path in ["/health", "/ready"] {
        client.get(path).expect(200);
    }
    for (path, status, slug) in [("/hello/a.b", 400, "invalid-name"), ("/nowhere", 404, "not-found")] {
        let problem = client.get(path).expect(status);
        assert_eq!(problem.header("content-type"), Some("application/problem+json"));
        assert_eq!(problem.json()["type"], format!("urn:hello:problem:{slug}"));
    }
}

#[test]
fn a_service_logs_lines_of_the_kit_and_of_its_own_crate() {
    let service = hello(&[("LOG_FORMAT", "json")]);
    let client = Client::of_another_service(&service.url(""));
    client.send("GET", "/hello/Ada", &[("x-request-id", "look-for-this")], None).expect(200);
    let log = || -> Vec<Value> {
        service.log().lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
    };
    wait_for("the request's line", || log().into_iter().find(|line| line["request_id"] == "look-for-this"));
    wait_until("the kit's first line", || log().iter().any(|line| line["message"] == "listening"));
    wait_until("the example's own line", || {
        log().iter().any(|line| line["message"] == "greeted" && line["name"] == "Ada")
    });
}

#[test]
fn options_on_both_listeners_lists_the_methods() {
    let admin = format!("127.0.0.1:{}", ports::free().expect("a port"));
    let service = hello(&[("ADMIN_ADDR", &admin)]);
    let (public, admin) =
        (Client::of_another_service(&service.url("")), Client::of_another_service(&format!("http://{admin}")));
    let allow = |client: &Client, path: &str| {
        let response = client.options(path, &[]);
        assert!((200..300).contains(&response.status), "{}", response.summary());
        response.header("allow").unwrap_or_default().to_owned()
    };
    assert_eq!(allow(&public, "/hello/Ada"), "GET, HEAD, OPTIONS");
    assert_eq!(allow(&admin, "/health"), "GET, HEAD, OPTIONS");
    assert_eq!(allow(&admin, "/drain"), "GET, HEAD, POST, OPTIONS");
    assert_eq!(public.options("/drain", &[]).status, 404);
    assert_eq!(admin.options("/hello/Ada", &[]).status, 404);
}

#[test]
fn the_arguments_print_the_tables_and_end() {
    let (status, help) = run(&[], &["--help"]);
    assert_eq!(status, Some(0), "{help}");
    assert!(help.starts_with("hello ") && help.contains("GREETING") && help.contains("LISTEN_ADDR"), "{help}");
    let (status, version) = run(&[], &["--version"]);
    assert_eq!((status, version.split(' ').next()), (Some(0), Some("hello")), "{version}");
    assert_eq!(version.lines().count(), 1);
    let (status, table) = run(&[], &["--variables"]);
    assert_eq!(status, Some(0), "{table}");
    let rows: Vec<Value> = table.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(rows.iter().any(|row| row["name"] == "GREETING" && row["default"] == "Hello"), "{table}");
    assert!(!table.contains("DATABASE"), "a service without a database has no variables of one: {table}");
}

#[test]
fn wrong_arguments_and_variables_are_status_64_and_one_line() {
    for (variable, arguments, part) in [
        (None, &["--nonsense"][..], "arguments"),
        (None, &["--help", "--version"], "arguments"),
        (Some(("LISTEN_ADDR", "8080")), &[], "LISTEN_ADDR"),
        (Some(("MAX_CONNECTIONS", "0")), &[], "MAX_CONNECTIONS"),
    ] {
        let (status, text) = run(variable.as_slice(), arguments);
        assert_eq!(status, Some(64), "{text}");
        assert!(text.starts_with("hello: ") && text.contains(part) && text.lines().count() == 1, "{text}");
    }
}
