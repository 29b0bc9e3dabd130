//! Slow DNS servers and search lists: the service follows `resolv.conf`, and delays are bounded.

use std::thread;
use std::time::{Duration, Instant};

use testkit::MariaDb;

use e2e::dns_server::{Behavior, DnsServer};
use e2e::namespaced_service::{NamespacedService, in_own_network};
use e2e::wait_for;

/// The maximum time until the service has found its database.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(20);

/// A service whose database has this host name, with the database server and the database's name.
fn start_service(name: &str, resolv_conf: &str) -> (NamespacedService, &'static MariaDb, String) {
    let server = MariaDb::shared().expect("a MariaDB");
    let database = server.fresh_database_name().expect("a database");
    (
        NamespacedService::start_with_services(&server.url_via(name, server.port(), &database), "", resolv_conf, &[]),
        server,
        database,
    )
}

/// Kills the pool's connections and waits for a new one.
fn end_connections(service: &NamespacedService, server: &MariaDb, database: &str) {
    let sessions = format!("SELECT id FROM information_schema.processlist WHERE db = '{database}'");
    let ids = || server.sql("", &sessions).expect("the sessions").lines().map(String::from).collect::<Vec<_>>();
    let old = ids();
    for id in &old {
        server.sql("", &format!("KILL {id}")).expect("it is ended");
    }
    wait_for("a connection that was not there before", || {
        let _ = service.client().try_send("GET", "/orders", &[], None);
        ids().iter().any(|id| !old.contains(id)).then_some(())
    });
}

#[test]
fn with_one_of_two_dns_servers_dead_lookups_are_rare_and_the_pool_is_renewed() {
    in_own_network(
        "platform::resolver_slow::with_one_of_two_dns_servers_dead_lookups_are_rare_and_the_pool_is_renewed",
        || {
            let silent = DnsServer::udp("127.0.0.1:53", Behavior::Silent);
            let good = DnsServer::udp("127.0.0.2:53", Behavior::Resolves("orders-database"));
            // Each lookup waits a second for the first server and gets its response from the second.
            let resolv_conf = "nameserver 127.0.0.1\nnameserver 127.0.0.2\noptions timeout:1 attempts:2\n";
            let (service, server, database) = start_service("orders-database", resolv_conf);
            service.wait_until_200("/ready", STARTUP_TIMEOUT);
            let (started, mut renewed) = (Instant::now(), 0);
            // Longer than the nine seconds for which a lookup is cached.
            while started.elapsed() < Duration::from_secs(13) {
                end_connections(&service, server, &database);
                renewed += 1;
                // Some new connections in each second.
                thread::sleep(Duration::from_millis(300));
            }
            let lookups = good.names().len();
            println!("{renewed} times new connections in {:?}, {lookups} lookups", started.elapsed());
            assert_eq!(silent.names().len(), lookups, "each lookup asked the dead server first");
            assert!(renewed > 5, "the pool was renewed {renewed} times only");
            assert_eq!(lookups, 2, "one at the start and one ten seconds later");
        },
    );
}

#[test]
fn a_name_is_found_by_the_search_list() {
    let name = "platform::resolver_slow::a_name_is_found_by_the_search_list";
    in_own_network(name, || {
        let names = DnsServer::udp("127.0.0.1:53", Behavior::Resolves("orders-database.example"));
        let (service, ..) = start_service("orders-database", "nameserver 127.0.0.1\nsearch example\n");
        service.wait_until_200("/ready", STARTUP_TIMEOUT);
        assert_eq!(names.names().first().map(String::as_str), Some("orders-database.example"));
    });
}

#[test]
fn with_ndots_a_name_with_a_dot_tries_the_search_list_first() {
    let name = "platform::resolver_slow::with_ndots_a_name_with_a_dot_tries_the_search_list_first";
    in_own_network(name, || {
        let names = DnsServer::udp("127.0.0.1:53", Behavior::Resolves("orders-database.svc.example"));
        let resolv_conf = "nameserver 127.0.0.1\nsearch example\noptions ndots:2\n";
        let (service, ..) = start_service("orders-database.svc", resolv_conf);
        service.wait_until_200("/ready", STARTUP_TIMEOUT);
        assert_eq!(names.names().first().map(String::as_str), Some("orders-database.svc.example"));
    });
}

#[test]
fn without_ndots_a_name_with_a_dot_is_tried_unchanged_first() {
    let name = "platform::resolver_slow::without_ndots_a_name_with_a_dot_is_tried_unchanged_first";
    in_own_network(name, || {
        let names = DnsServer::udp("127.0.0.1:53", Behavior::Resolves("orders-database.svc.example"));
        let (service, ..) = start_service("orders-database.svc", "nameserver 127.0.0.1\nsearch example\n");
        service.wait_until_200("/ready", STARTUP_TIMEOUT);
        assert_eq!(names.names().first().map(String::as_str), Some("orders-database.svc"));
    });
}
