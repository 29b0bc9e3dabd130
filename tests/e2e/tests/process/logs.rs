//! The log, and a service whose log nobody reads.

use std::fs::File;
use std::io::Read as _;
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;
use testkit::{MariaDb, Process, Runtime, Service, ports};

use e2e::{Client, TestApp, order, wait_for, wait_until};

/// All lines so far; each must be a JSON object.
fn lines(app: &TestApp) -> Vec<Value> {
    let log = app.service().log();
    log.lines()
        .map(|line| {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON ({error}): {line}"));
            assert!(value.is_object(), "{line}");
            value
        })
        .collect()
}

#[test]
fn every_line_is_a_json_object_and_requests_carry_their_ids() {
    let app = TestApp::spawn_with(&[("LOG_FORMAT", "json")]);
    let id = "look-for-this-1";
    let headers = [("x-request-id", id), ("content-type", "application/json")];
    app.send("POST", "/create_order", &headers, Some(order(1).as_bytes())).expect_done();
    let line = wait_for("the request's line", || lines(&app).into_iter().find(|line| line.to_string().contains(id)));
    let text = line.to_string();
    for part in ["POST", "/create_order", "200"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    for line in lines(&app) {
        let object = line.as_object().unwrap();
        for key in ["time", "level"] {
            assert!(object.keys().any(|name| name.contains(key)), "no {key} in {line}");
        }
    }
}

#[test]
fn clients_cannot_forge_log_lines() {
    let app = TestApp::spawn_with(&[("LOG_FORMAT", "json")]);
    let before = lines(&app).len();
    let mut connection = app.connect();
    connection
        .send("GET /a%0a{\"level\":\"INFO\"}%0d%0aforged\"},{ HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\"b{\r\n\r\n");
    connection.response();
    app.get("/health").expect(200);
    wait_until("the lines", || lines(&app).len() > before);
    for line in app.service().log().lines() {
        assert!(!line.starts_with("forged"), "{line}");
    }
}

#[test]
fn the_text_format_is_not_json() {
    let app = TestApp::spawn_with(&[("LOG_FORMAT", "text")]);
    let headers = [("x-request-id", "look-for-this-2")];
    app.send("GET", "/orders", &headers, None).expect(200);
    let line = wait_for("the request's line", || {
        app.service().log().lines().find(|line| line.contains("look-for-this-2")).map(str::to_owned)
    });
    assert!(serde_json::from_str::<Value>(&line).is_err(), "that is JSON: {line}");
    assert!(line.contains("GET") && line.contains("/orders"), "{line}");
}

#[test]
fn the_automatic_log_format_is_json_without_a_terminal() {
    let app = TestApp::spawn();
    app.get("/orders").expect(200);
    wait_until("a line", || !lines(&app).is_empty());
}

#[test]
fn lines_below_the_log_level_are_not_written() {
    let app = TestApp::spawn_with(&[("LOG_LEVEL", "error")]);
    for id in 1..20 {
        app.post("/create_order", order(id)).expect_done();
    }
    app.get("/orders").expect(200);
    assert_eq!(app.service().log(), "", "nothing went wrong, so nothing is said");
}

#[test]
fn the_log_holds_no_database_url_and_no_shipping_address() {
    let app = TestApp::spawn_with(&[("LOG_LEVEL", "debug")]);
    app.post("/create_order", order(1)).expect_done();
    app.post("/create_order", order(1)).expect(409);
    app.get("/orders").expect(200);
    let log = wait_for("the lines", || Some(app.service().log()).filter(|log| log.contains("/create_order")));
    assert!(!log.contains("mysql://"), "the database's URL is in the log:\n{log}");
    assert!(!log.contains("Harbour Lane"), "what customers send is in the log:\n{log}");
}

#[test]
fn the_automatic_log_format_is_text_on_a_terminal() {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let open = || Stdio::from(File::options().read(true).write(true).open(&name).unwrap());
    let (_process, client) = start_with_output(open(), open());
    client.get("/nowhere").expect(404);
    let (mut terminal, mut text) = (File::from(terminal), String::new());
    while !text.contains("/nowhere") {
        let mut buffer = [0; 4096];
        let count = terminal.read(&mut buffer).expect("lines");
        text.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_err()), "that is JSON:\n{text}");
}

/// A service with these outputs.
fn start_with_output(stdout: Stdio, stderr: Stdio) -> (Process, Client) {
    let database = MariaDb::shared().unwrap().fresh_database().unwrap();
    let port = ports::free().unwrap();
    let command = Service::builder().runtime(Runtime::Aot).database_url(&database).command(port).unwrap();
    let process = Process::start_with(&command, stdout, stderr).unwrap();
    wait_for("the service to listen", || TcpStream::connect(("127.0.0.1", port)).ok());
    (process, Client::new(&format!("http://127.0.0.1:{port}")))
}

/// A service that writes to a pipe.
fn start_with_pipe() -> (Process, Client, File) {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let stdout = Stdio::from(writer.try_clone().unwrap());
    let (process, client) = start_with_output(stdout, Stdio::from(writer));
    (process, client, File::from(reader))
}

/// Sends enough requests to fill any pipe with log lines.
fn send_thousands_of_requests(client: &Client) {
    wait_until("the service to be ready", || client.get("/ready").status == 200);
    client.post("/create_order", order(1)).expect_done();
    let started = std::time::Instant::now();
    let padding = "p".repeat(1_500);
    for _ in 0..2_000 {
        client.get("/orders/1").expect(200);
        client.get(&format!("/nowhere/{padding}")).expect(404);
    }
    assert!(started.elapsed() < Duration::from_secs(60), "the log held up the work: {:?}", started.elapsed());
    client.get("/ready").expect(200);
}

/// Thousands of requests, to fill every buffer of the log.
mod slow {
    use super::*;

    #[test]
    fn a_full_disk_does_not_stop_the_service() {
        let database = MariaDb::shared().unwrap().fresh_database().unwrap();
        let service = Service::builder().database_url(&database).log_to("/dev/full").start().expect("it starts");
        let client = Client::new(&service.url(""));
        send_thousands_of_requests(&client);
        assert!(service.is_running());
    }

    #[test]
    fn an_unread_log_pipe_delays_no_request() {
        let (process, client, mut reader) = start_with_pipe();
        send_thousands_of_requests(&client);
        assert!(process.is_running());
        // A reader that returns gets lines again.
        let mut buffer = vec![0; 256 * 1024];
        let mut read = 0;
        while read < 128 * 1024 {
            client.get("/nowhere").expect(404);
            read += reader.read(&mut buffer).expect("lines");
        }
        assert!(process.is_running());
    }

    #[test]
    fn a_log_pipe_without_a_reader_does_not_stop_the_service() {
        let (process, client, reader) = start_with_pipe();
        client.get("/health").expect(200);
        drop(reader);
        send_thousands_of_requests(&client);
        assert!(process.is_running());
    }
}
