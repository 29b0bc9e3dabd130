//! A DNS server that never responds, and the delays that it causes.
//!
//! A lookup blocks the single thread for the C library's timeout from resolv.conf. These tests check that lookups are
//! rare, and that the pool's connections and the last known address are used in between.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use testkit::MariaDb;

use e2e::namespaced_service::{NamespacedService, in_own_network};
use e2e::{RawConnection, wait_for};

/// A failing lookup takes two attempts of one second.
const RESOLV_CONF: &str = "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n";
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

/// The margin for a busy machine.
const MARGIN: Duration = Duration::from_millis(1_500);

/// The time from a failed lookup to the next one of the same name.
const RETRY_INTERVAL: Duration = Duration::from_secs(18);

/// A DNS server that receives queries and sends no response.
fn silent_server() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:53").expect("a port of this test's own network")
}

/// Sends requests on one connection for `duration`. Returns the response times.
fn request_for(connection: &mut RawConnection, path: &str, bound: Duration) -> Vec<Duration> {
    let (started, mut times) = (Instant::now(), Vec::new());
    while started.elapsed() < bound {
        let started_request = Instant::now();
        connection.send(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n"));
        assert_eq!(connection.expect_response().status, 200, "{path}");
        times.push(started_request.elapsed());
        thread::sleep(Duration::from_millis(10));
    }
    times
}

/// The number of responses that were delayed by a lookup. No response may take longer than a lookup.
fn count_delayed(times: &[Duration]) -> usize {
    let longest = times.iter().max().copied().unwrap_or_default();
    assert!(longest < LOOKUP_TIMEOUT + MARGIN, "a response took {longest:?}");
    println!("{} responses, the longest after {longest:?}", times.len());
    times.iter().filter(|time| **time > LOOKUP_TIMEOUT / 2).count()
}

#[test]
fn a_dead_dns_server_delays_requests_once_per_failed_lookup_and_is_logged() {
    in_own_network(
        "platform::resolver::a_dead_dns_server_delays_requests_once_per_failed_lookup_and_is_logged",
        || {
            let _server = silent_server();
            let service = NamespacedService::start_with_services(
                "mysql://root@orders-database:3306/orders",
                "",
                RESOLV_CONF,
                &[],
            );
            service.wait_until_200("/health", Duration::from_secs(20));
            service.wait_for_log(
                r#"cannot resolve \"orders-database\": no name server responded"#,
                LOOKUP_TIMEOUT + MARGIN,
            );
            // The service itself and every request for orders need the database's address.
            let mut kept = service.connect();
            let times = thread::scope(|scope| {
                scope.spawn(|| {
                    for _ in 0..8 {
                        let started_request = Instant::now();
                        assert_eq!(service.client().get("/orders").status, 503);
                        assert!(
                            started_request.elapsed() < LOOKUP_TIMEOUT + MARGIN,
                            "a rejection took {:?}",
                            started_request.elapsed()
                        );
                        // As often as the service itself tries.
                        thread::sleep(Duration::from_secs(1));
                    }
                });
                request_for(&mut kept, "/health", RETRY_INTERVAL / 2)
            });
            assert_eq!(count_delayed(&times), 0, "a lookup in the time after one that failed");
            let times = request_for(&mut kept, "/health", RETRY_INTERVAL);
            assert_eq!(count_delayed(&times), 1, "one lookup is due in that time");
        },
    );
}

#[test]
fn with_a_dead_dns_server_the_pool_keeps_its_connections_and_address() {
    in_own_network("platform::resolver::with_a_dead_dns_server_the_pool_keeps_its_connections_and_address", || {
        let server = MariaDb::shared().expect("a MariaDB");
        let _dead = silent_server();
        let database = server.fresh_database_name().expect("a database");
        let url = server.url_via("orders-database", server.port(), &database);
        let service = NamespacedService::start_with_services(&url, "127.0.0.1 orders-database\n", RESOLV_CONF, &[]);
        service.wait_until_200("/ready", Duration::from_secs(20));
        let mut kept = service.connect();
        request_for(&mut kept, "/orders", Duration::from_secs(1));

        // The name does not resolve from now on.
        service.write_hosts("");
        let times = request_for(&mut kept, "/orders", Duration::from_secs(3));
        assert_eq!(count_delayed(&times), 0, "a connection of the pool needs no name");

        // After the pool's connections have ended, new ones use the last known address.
        let sessions =
            server.sql("", &format!("SELECT id FROM information_schema.processlist WHERE db = '{database}'"));
        for id in sessions.expect("the sessions").lines() {
            server.sql("", &format!("KILL {id}")).expect("it is ended");
        }
        wait_for("the service to be ready again", || {
            service.client().try_send("GET", "/ready", &[], None).ok().filter(|response| response.status == 200)
        });
        let times = request_for(&mut kept, "/orders", RETRY_INTERVAL / 3);
        assert_eq!(count_delayed(&times), 0, "the address found last serves");
    });
}

/// A DNS server that responds to every query with this code (RFC 1035, section 4.1.1).
fn serve_error(server: &UdpSocket, code: u8, stop: &AtomicBool) {
    server.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    let mut message = [0; 512];
    let started = Instant::now();
    // The bound ends the server of a failed test.
    while !stop.load(Ordering::Relaxed) && started.elapsed() < Duration::from_secs(30) {
        let Ok((length, client)) = server.recv_from(&mut message) else { continue };
        // A response with recursion available and this code.
        message[2..4].copy_from_slice(&[0x81, 0x80 | code]);
        server.send_to(&message[..length], client).expect("it is sent");
    }
}

/// Starts a service whose lookups fail with this code, and waits for the reason in its log.
fn assert_lookup_error(code: u8, why: &str) {
    let (server, stop) = (silent_server(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| serve_error(&server, code, &stop));
        let service =
            NamespacedService::start_with_services("mysql://root@orders-database:3306/orders", "", RESOLV_CONF, &[]);
        service.wait_until_200("/health", Duration::from_secs(20));
        service.wait_for_log(&format!(r#"cannot resolve \"orders-database\": {why}"#), Duration::from_secs(10));
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn the_log_says_that_a_name_does_not_exist() {
    let name = "platform::resolver::the_log_says_that_a_name_does_not_exist";
    in_own_network(name, || assert_lookup_error(3, "no such name"));
}

#[test]
fn the_log_says_that_a_lookup_failed_temporarily() {
    let name = "platform::resolver::the_log_says_that_a_lookup_failed_temporarily";
    in_own_network(name, || assert_lookup_error(2, "no name server responded, try again"));
}
