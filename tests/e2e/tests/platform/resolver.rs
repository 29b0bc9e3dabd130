//! A name server that never answers, and what that costs.
//!
//! A lookup blocks the one thread for as long as the C library waits for a server, which resolv.conf says. What is asked here is that
//! this happens seldom and that the pool's connections, and the address found last, serve meanwhile.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use testkit::MariaDb;

use e2e::namespaced_service::{Contained, in_own_network};
use e2e::{RawConnection, wait_for};

/// One lookup takes twice one second then.
const RESOLV_CONF: &str = "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n";
const LOOKUP: Duration = Duration::from_secs(2);

/// What a busy machine may add to it.
const SLACK: Duration = Duration::from_millis(1_500);

/// From the end of a failed lookup to the next one of that name.
const SILENCE: Duration = Duration::from_secs(18);

/// A name server that takes every question and answers none.
fn dead_server() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:53").expect("a port of this test's own network")
}

/// Asks on one connection again and again for so long; how long the answers took.
fn ask(connection: &mut RawConnection, path: &str, bound: Duration) -> Vec<Duration> {
    let (began, mut took) = (Instant::now(), Vec::new());
    while began.elapsed() < bound {
        let asked = Instant::now();
        connection.send(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n"));
        assert_eq!(connection.expect_response().status, 200, "{path}");
        took.push(asked.elapsed());
        thread::sleep(Duration::from_millis(10));
    }
    took
}

/// How many waits were as long as a lookup; none may be longer.
fn lookups(took: &[Duration]) -> usize {
    let longest = took.iter().max().copied().unwrap_or_default();
    assert!(longest < LOOKUP + SLACK, "an answer took {longest:?}");
    println!("{} answers, the longest after {longest:?}", took.len());
    took.iter().filter(|took| **took > LOOKUP / 2).count()
}

#[test]
fn a_dead_dns_server_delays_requests_once_per_failed_lookup_and_is_logged() {
    in_own_network(
        "platform::resolver::a_dead_dns_server_delays_requests_once_per_failed_lookup_and_is_logged",
        || {
            let _server = dead_server();
            let service =
                Contained::start_with_services("mysql://root@orders-database:3306/orders", "", RESOLV_CONF, &[]);
            service.wait_until_200("/health", Duration::from_secs(20));
            service
                .wait_for_log(r#"cannot resolve \"orders-database\": no name server gave an answer"#, LOOKUP + SLACK);
            // The service asks for its database every second, and every request for orders does.
            let mut kept = service.connect();
            let took = thread::scope(|scope| {
                scope.spawn(|| {
                    for _ in 0..8 {
                        let asked = Instant::now();
                        assert_eq!(service.client().get("/orders").status, 503);
                        assert!(asked.elapsed() < LOOKUP + SLACK, "a refusal took {:?}", asked.elapsed());
                        thread::sleep(Duration::from_secs(1));
                    }
                });
                ask(&mut kept, "/health", SILENCE / 2)
            });
            assert_eq!(lookups(&took), 0, "a lookup in the time after one that failed");
            let took = ask(&mut kept, "/health", SILENCE);
            assert_eq!(lookups(&took), 1, "one lookup is due in that time");
        },
    );
}

#[test]
fn with_a_dead_dns_server_the_pool_keeps_its_connections_and_address() {
    in_own_network("platform::resolver::with_a_dead_dns_server_the_pool_keeps_its_connections_and_address", || {
        let server = MariaDb::shared().expect("a MariaDB");
        let _dead = dead_server();
        let database = server.fresh_database_name().expect("a database");
        let url = server.url_via("orders-database", server.port(), &database);
        let service = Contained::start_with_services(&url, "127.0.0.1 orders-database\n", RESOLV_CONF, &[]);
        service.wait_until_200("/ready", Duration::from_secs(20));
        let mut kept = service.connect();
        ask(&mut kept, "/orders", Duration::from_secs(1));

        // From now on the name is known to nobody.
        service.write_hosts("");
        let took = ask(&mut kept, "/orders", Duration::from_secs(3));
        assert_eq!(lookups(&took), 0, "a connection of the pool needs no name");

        // The pool's connections go; the next ones are made to the address that was found last, after one lookup.
        let sessions =
            server.sql("", &format!("SELECT id FROM information_schema.processlist WHERE db = '{database}'"));
        for id in sessions.expect("the sessions").lines() {
            server.sql("", &format!("KILL {id}")).expect("it is ended");
        }
        wait_for("the service to be ready again", || {
            service.client().try_send("GET", "/ready", &[], None).ok().filter(|response| response.status == 200)
        });
        let took = ask(&mut kept, "/orders", SILENCE / 3);
        assert_eq!(lookups(&took), 0, "the address found last serves");
    });
}

/// A name server that refuses every question with this code (RFC 1035, section 4.1.1).
fn refuse(server: &UdpSocket, code: u8, stop: &AtomicBool) {
    server.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    let mut message = [0; 512];
    let began = Instant::now();
    // The bound is for a test that has failed meanwhile.
    while !stop.load(Ordering::Relaxed) && began.elapsed() < Duration::from_secs(30) {
        let Ok((length, client)) = server.recv_from(&mut message) else { continue };
        // A response; recursion asked for and there; the code.
        message[2..4].copy_from_slice(&[0x81, 0x80 | code]);
        server.send_to(&message[..length], client).expect("it is sent");
    }
}

/// Starts a service whose database's name is refused so, and waits for the log to say why.
fn is_refused(code: u8, why: &str) {
    let (server, stop) = (dead_server(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| refuse(&server, code, &stop));
        let service = Contained::start_with_services("mysql://root@orders-database:3306/orders", "", RESOLV_CONF, &[]);
        service.wait_until_200("/health", Duration::from_secs(20));
        service.wait_for_log(&format!(r#"cannot resolve \"orders-database\": {why}"#), Duration::from_secs(10));
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn the_log_says_that_a_name_does_not_exist() {
    let name = "platform::resolver::the_log_says_that_a_name_does_not_exist";
    in_own_network(name, || is_refused(3, "no such name"));
}

#[test]
fn the_log_says_that_a_lookup_failed_temporarily() {
    let name = "platform::resolver::the_log_says_that_a_lookup_failed_temporarily";
    in_own_network(name, || is_refused(2, "no name server gave an answer, try again"));
}
