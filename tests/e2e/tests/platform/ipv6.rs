//! IPv6 to the service, and from the service to its database.
//!
//! With the published crate no connection uses IPv6. Without IPv6 in the kernel, the tests check the error messages.

use std::net::TcpListener;
use std::sync::OnceLock;
use std::time::Duration;

use testkit::{MariaDb, Service, ports};

use e2e::namespaced_service::NamespacedService;
use e2e::{Client, RawConnection, wait_for};

const STARTUP_TIMEOUT: Duration = Duration::from_secs(20);

fn kernel_has_ipv6() -> bool {
    TcpListener::bind("[::1]:0").is_ok()
}

/// A server on both loopback addresses.
fn server() -> &'static MariaDb {
    static SERVER: OnceLock<MariaDb> = OnceLock::new();
    SERVER.get_or_init(|| {
        let both = if kernel_has_ipv6() { "--bind-address=127.0.0.1,::1" } else { "--bind-address=127.0.0.1" };
        let server = MariaDb::builder().option(both).start().expect("a MariaDB");
        let grant = "CREATE USER 'root'@'::1'; GRANT ALL PRIVILEGES ON *.* TO 'root'@'::1'";
        server.sql("", grant).expect("an account for who comes over IPv6");
        server
    })
}

/// A service whose database is at this host, with `hosts` as its `/etc/hosts`.
fn start_service(host: &str, hosts: &str) -> NamespacedService {
    let database = server().fresh_database_name().expect("a database");
    NamespacedService::start(&server().url_via(host, server().port(), &database), hosts, "", &[])
}

/// Checks that the service reaches its database, which needs IPv6.
fn assert_reaches_database(service: &NamespacedService) {
    if kernel_has_ipv6() {
        service.wait_until_200("/ready", STARTUP_TIMEOUT);
        service.client().get("/orders").expect(200);
    } else {
        service.wait_for_log("the database is not available", STARTUP_TIMEOUT);
    }
}

#[test]
fn the_service_listens_on_an_ipv6_address() {
    let port = ports::free().expect("a port");
    let url = server().fresh_database().expect("a database");
    let service = Service::builder().database_url(&url).port(port).env("LISTEN_ADDR", format!("[::1]:{port}"));
    if !kernel_has_ipv6() {
        let (status, log) = service.run_to_exit().expect("it ends");
        assert!(status.code() == Some(71) && log.contains("LISTEN_ADDR"), "{status} {log}");
        return;
    }
    let service = service.spawn().expect("it starts");
    let client = Client::new(&format!("http://[::1]:{port}"));
    wait_for("the service to be ready", || {
        assert!(service.is_running(), "it has ended: {}", service.log());
        client.try_send("GET", "/ready", &[], None).ok().filter(|response| response.status == 200)
    });
    client.get("/orders").expect(200);
    RawConnection::connect(([0, 0, 0, 0, 0, 0, 0, 1], port).into()).reset();
    client.get("/health").expect(200);
}

#[test]
fn the_database_is_found_by_a_name_with_only_an_ipv6_address() {
    assert_reaches_database(&start_service("orders-database", "::1 orders-database\n"));
}

#[test]
fn the_database_is_found_by_an_ipv6_address_in_its_url() {
    assert_reaches_database(&start_service("[::1]", ""));
}

#[test]
fn the_ipv6_address_of_a_name_is_tried_if_its_ipv4_address_refuses() {
    assert_reaches_database(&start_service("orders-database", "127.0.0.97 orders-database\n::1 orders-database\n"));
}
