//! IPv6, end to end: to the service, and from it to its database.
//!
//! With the published crate no connection is made over IPv6. Where the kernel has no IPv6 address the tests ask that the service says so.

use std::net::TcpListener;
use std::sync::OnceLock;
use std::time::Duration;

use testkit::{MariaDb, Service, ports};

use e2e::namespaced_service::Contained;
use e2e::{Client, RawConnection, wait_for};

const FOUND: Duration = Duration::from_secs(20);

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

/// A service whose database is at this host, which `hosts` may name.
fn service(host: &str, hosts: &str) -> Contained {
    let database = server().fresh_database_name().expect("a database");
    Contained::start(&server().url_via(host, server().port(), &database), hosts, "", &[])
}

/// The service serves with a database that it reaches over IPv6 alone.
fn reaches_its_database(service: &Contained) {
    if kernel_has_ipv6() {
        service.wait_until_200("/ready", FOUND);
        service.client().get("/orders").expect(200);
    } else {
        service.wait_for_log("the database is not available", FOUND);
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
    reaches_its_database(&service("orders-database", "::1 orders-database\n"));
}

#[test]
fn the_database_is_found_by_an_ipv6_address_in_its_url() {
    reaches_its_database(&service("[::1]", ""));
}

#[test]
fn the_ipv6_address_of_a_name_is_tried_if_its_ipv4_address_refuses() {
    reaches_its_database(&service("orders-database", "127.0.0.97 orders-database\n::1 orders-database\n"));
}
