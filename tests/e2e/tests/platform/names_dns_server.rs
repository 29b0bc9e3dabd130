//! `DNS_SERVER`, asked over TCP: it wins where it is set, and one that does not answer costs a bounded share of the time.

use std::thread;
use std::time::{Duration, Instant};

use testkit::MariaDb;

use e2e::dns_server::{Manner, NameServer};
use e2e::namespaced_service::Contained;

/// What the whole of a lookup may take.
const LOOKUP: Duration = Duration::from_secs(5);

/// What a busy machine may add to it.
const SLACK: Duration = Duration::from_secs(2);

/// A service whose database's name `/etc/hosts` has wrong and `resolv.conf` has nobody to ask for.
fn service(dns_server: &str) -> Contained {
    let server = MariaDb::shared().expect("the shared MariaDB");
    let database = server.fresh_database_name().expect("a database");
    let url = server.url_via("orders-database", server.port(), &database);
    Contained::start_with_services(
        &url,
        "127.0.0.99 orders-database\n",
        "nameserver 127.0.0.99\n",
        &[("DNS_SERVER", dns_server)],
    )
}

#[test]
fn the_configured_dns_server_takes_precedence_over_etc() {
    let (names, address) = NameServer::tcp(Manner::Knows("orders-database"));
    let service = service(&address);
    service.wait_until_200("/ready", Duration::from_secs(20));
    service.client().get("/orders").expect(200);
    assert_eq!(names.names().first().map(String::as_str), Some("orders-database"));
}

#[test]
fn the_log_names_a_host_that_the_dns_server_does_not_know() {
    let (_names, address) = NameServer::tcp(Manner::Knows("another"));
    service(&address).wait_for_log(r#"cannot resolve \"orders-database\": no such name"#, Duration::from_secs(20));
}

/// A server of this manner is asked once in the time, and left when the bound is over; the service goes on meanwhile.
fn is_asked_once(manner: Manner) {
    let (names, address) = NameServer::tcp(manner);
    let service = service(&address);
    service.wait_for_log(r#"cannot resolve \"orders-database\": no name server gave an answer"#, LOOKUP + 4 * SLACK);
    service.wait_until_200("/health", SLACK);
    // Each of these asks for the database, and so does the service itself, every second.
    for _ in 0..20 {
        let asked = Instant::now();
        assert_eq!(service.client().get("/orders").status, 503);
        assert!(asked.elapsed() < LOOKUP / 2, "a refusal took {:?}", asked.elapsed());
        thread::sleep(Duration::from_millis(500));
    }
    let stays = names.stays();
    println!("{manner:?}: asked for {stays:?}");
    assert_eq!(stays.len(), 1, "lookups in ten seconds after one that failed");
    assert!(stays.iter().all(|stayed| *stayed > LOOKUP / 2 && *stayed < LOOKUP + SLACK), "{stays:?}");
}

#[test]
fn a_query_to_a_silent_dns_server_times_out_and_is_not_repeated_at_once() {
    is_asked_once(Manner::Silent);
}

#[test]
fn a_query_to_a_dns_server_that_responds_byte_by_byte_times_out() {
    is_asked_once(Manner::Trickling);
}
