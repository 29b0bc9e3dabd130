//! `DNS_SERVER`, queried over TCP. It takes precedence, and a server without a response causes bounded delays.

use std::thread;
use std::time::{Duration, Instant};

use testkit::MariaDb;

use e2e::dns_server::{Behavior, DnsServer};
use e2e::namespaced_service::NamespacedService;

/// The timeout of a lookup.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause between requests while no lookup may happen.
const REQUEST_INTERVAL: Duration = Duration::from_millis(500);

/// The margin for a busy machine.
const MARGIN: Duration = Duration::from_secs(2);

/// A service for whose database `/etc/hosts` has a wrong address and `resolv.conf` an unreachable server.
fn start_service(dns_server: &str) -> NamespacedService {
    let server = MariaDb::shared().expect("the shared MariaDB");
    let database = server.fresh_database_name().expect("a database");
    let url = server.url_via("orders-database", server.port(), &database);
    NamespacedService::start_with_services(
        &url,
        "127.0.0.99 orders-database\n",
        "nameserver 127.0.0.99\n",
        &[("DNS_SERVER", dns_server)],
    )
}

#[test]
fn the_configured_dns_server_takes_precedence_over_etc() {
    let (names, address) = DnsServer::tcp(Behavior::Resolves("orders-database"));
    let service = start_service(&address);
    service.wait_until_200("/ready", Duration::from_secs(20));
    service.client().get("/orders").expect(200);
    assert_eq!(names.names().first().map(String::as_str), Some("orders-database"));
}

#[test]
fn the_log_names_a_host_that_the_dns_server_does_not_know() {
    let (_names, address) = DnsServer::tcp(Behavior::Resolves("another"));
    start_service(&address)
        .wait_for_log(r#"cannot resolve \"orders-database\": no such name"#, Duration::from_secs(20));
}

/// Checks that a server with this behavior is queried once, until the timeout, and that the service keeps responding.
fn assert_queried_once(behavior: Behavior) {
    let (names, address) = DnsServer::tcp(behavior);
    let service = start_service(&address);
    service
        .wait_for_log(r#"cannot resolve \"orders-database\": no name server responded"#, LOOKUP_TIMEOUT + 4 * MARGIN);
    service.wait_until_200("/health", MARGIN);
    // Each request needs the database; the service itself tries every second, too.
    for _ in 0..20 {
        let started = Instant::now();
        assert_eq!(service.client().get("/orders").status, 503);
        assert!(started.elapsed() < LOOKUP_TIMEOUT / 2, "a rejection took {:?}", started.elapsed());
        thread::sleep(REQUEST_INTERVAL);
    }
    let durations = names.connection_durations();
    println!("{behavior:?}: took {durations:?}");
    assert_eq!(durations.len(), 1, "lookups in ten seconds after one that failed");
    assert!(
        durations.iter().all(|duration| *duration > LOOKUP_TIMEOUT / 2 && *duration < LOOKUP_TIMEOUT + MARGIN),
        "{durations:?}"
    );
}

#[test]
fn a_query_to_a_silent_dns_server_times_out_and_is_not_repeated_at_once() {
    assert_queried_once(Behavior::Silent);
}

#[test]
fn a_query_to_a_dns_server_that_responds_byte_by_byte_times_out() {
    assert_queried_once(Behavior::SendsSlowly);
}
