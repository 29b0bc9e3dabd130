//! A database server that is broken or malicious: the service lives on, and reveals nothing.

use testkit::Service;

use e2e::Client;
use e2e::fake_database::{FakeConnection, FakeDatabase};

/// An attacker's key, as `caching_sha2_password` sends it.
const PUBLIC_KEY: &str = "\x01-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8Qu
KUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==
-----END PUBLIC KEY-----
";

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];

/// A service whose database is this one.
fn start_service(database: &FakeDatabase) -> Service {
    Service::builder().database_url(&database.url("")).start().expect("a service")
}

/// The greeting, and the service's response to it.
fn greet(connection: &mut FakeConnection) -> Vec<u8> {
    connection.greet(false);
    connection.receive().expect("the service's login")
}

/// A login that succeeds. Returns the first statement.
fn log_in(connection: &mut FakeConnection) -> Vec<u8> {
    greet(connection);
    connection.send(OK);
    connection.receive().expect("a statement")
}

/// Checks that the service still works and does not show the password.
fn assert_alive(service: &Service) {
    let client = Client::new(&service.url(""));
    client.get("/health").expect(200);
    client.get("/ready").expect_problem(503, "database-unavailable");
    assert!(!service.log().contains("s3cret"), "{}", service.log());
}

#[test]
fn the_password_is_not_sent_in_a_readable_form() {
    let database = FakeDatabase::bind();
    let service = start_service(&database);
    for request in [
        &b"\xFEmysql_clear_password\0"[..],
        b"\xFEdialog\0",
        b"\xFEmysql_old_password\0abcdefgh\0",
        b"\xFE",
        b"\x01\x04",
        b"\xFEcaching_sha2_password\0abcdefghijklmnopqrst\0",
    ] {
        let mut connection = database.accept();
        let mut sent = vec![greet(&mut connection)];
        connection.send(request);
        // Each step follows the service's packet, as the numbers of the packets require: a request for the whole
        // password, then an attacker's key to encrypt it with.
        for step in [b"\x01\x04", PUBLIC_KEY.as_bytes()] {
            let Some(response) = connection.receive() else { break };
            sent.push(response);
            connection.send(step);
        }
        sent.extend(connection.receive());
        let is_readable = |packet: &Vec<u8>| packet.windows(6).any(|bytes| bytes == b"s3cret");
        assert!(!sent.iter().any(is_readable), "{request:?}: {sent:?}");
        // After the login a hash of the password at most: neither a request for the key nor the encrypted password.
        for packet in &sent[1..] {
            assert!([0, 20, 32].contains(&packet.len()), "{request:?}: {packet:?}");
        }
        assert!(sent.len() <= 2, "{request:?}: {sent:?}");
    }
    assert_alive(&service);
}

#[test]
fn the_server_gets_no_local_file() {
    let database = FakeDatabase::bind();
    let service = start_service(&database);
    for file in ["/etc/passwd", "/proc/sys/kernel/random/uuid"] {
        let mut connection = database.accept();
        log_in(&mut connection);
        connection.send(&[b"\xFB", file.as_bytes()].concat());
        assert_eq!(connection.receive_rest(), b"", "{file}");
    }
    assert_alive(&service);
}

#[test]
fn packets_at_which_the_driver_panics_do_not_end_the_process() {
    let database = FakeDatabase::bind();
    let service = start_service(&database);
    let column = b"\x03def\0\0\0\x01n\x01n\x0C\x3F\0\x0B\0\0\0\x03\0\0\0\0\0";
    let unknown_column = b"\x03def\0\0\0\x01n\x01n\x0C\x3F\0\x0B\0\0\0\x0E\0\0\0\0\0";
    let responses: [&[&[u8]]; 7] = [
        &[b"\xFF\x15\x04"],
        &[&[]],
        &[b"\xFE\0\0\0\0\0\0\0\x10"],
        &[b"\xFD\xFF\xFF\xFF"],
        &[b"\x01", column, b""],
        &[b"\x01", unknown_column, b"\0\0\x01"],
        &[b"\0\xFF"],
    ];
    for response in responses {
        let mut connection = database.accept();
        log_in(&mut connection);
        response.iter().for_each(|payload| connection.send(payload));
        assert_eq!(connection.receive_rest(), b"", "{response:?}");
    }
    for greeting in [&b""[..], b"\xFF\x15\x04", b"\x0A", b"HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let mut connection = database.accept();
        connection.send(greeting);
        assert_eq!(connection.receive_rest(), b"", "{greeting:?}");
    }
    assert_alive(&service);
}

#[test]
fn a_result_without_an_end_is_cut_off() {
    let database = FakeDatabase::bind();
    let service = start_service(&database);
    let mut connection = database.accept();
    log_in(&mut connection);
    connection.send(b"\x01");
    connection.send(b"\x03def\0\0\0\x01n\x01n\x0C\x3F\0\x0B\0\0\0\xFC\0\0\0\0\0");
    let row = [&b"\xFD\0\0\x10"[..], &[b'x'; 0x0010_0000]].concat();
    for _ in 0..200 {
        connection.send(&row);
    }
    assert_eq!(connection.receive_rest(), b"");
    assert_alive(&service);
    let rss = service.rss_bytes().expect("a running service");
    assert!(rss < 300 << 20, "{rss} bytes");
}
