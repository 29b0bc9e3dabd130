//! Names resolve without `/etc/services` and `DNS_SERVER`, and all addresses of a name are tried.
//!
//! With the published crate no name resolves without `/etc/services`, as in a container built from scratch.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use testkit::MariaDb;

use e2e::namespaced_service::NamespacedService;

/// The maximum time until the service has found its database.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(20);

/// A service whose database URL has the host name `orders-database`.
fn start_by_name(hosts: &str, env: &[(&str, &str)]) -> NamespacedService {
    let server = MariaDb::shared().expect("the shared MariaDB");
    let database = server.fresh_database_name().expect("a database");
    NamespacedService::start(&server.url_via("orders-database", server.port(), &database), hosts, "", env)
}

#[test]
fn a_name_in_etc_hosts_resolves_without_etc_services() {
    // An IPv6 and an IPv4 address, like Debian's localhost; MariaDB listens only on the second.
    let service = start_by_name("::1 orders-database\n127.0.0.1 localhost orders-database\n", &[]);
    service.wait_until_200("/ready", STARTUP_TIMEOUT);
    service.client().get("/orders").expect(200);
}

#[test]
fn the_second_address_of_a_name_is_tried_if_the_first_refuses() {
    let service = start_by_name("127.0.0.99 orders-database\n127.0.0.1 orders-database\n", &[]);
    service.wait_until_200("/ready", STARTUP_TIMEOUT);
    for _ in 0..20 {
        service.client().get("/orders").expect(200);
    }
}

/// An address where a connection neither succeeds nor fails: the listener's backlog is full, and the kernel drops
/// packets.
struct SilentListener {
    address: SocketAddr,
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl SilentListener {
    fn at(address: SocketAddr) -> Self {
        use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&socket, &address).expect("the address is free");
        listen(&socket, 0).expect("it listens");
        let wait = Duration::from_millis(100);
        let queue = (0..64).map_while(|_| TcpStream::connect_timeout(&address, wait).ok()).collect();
        let silent = Self { address, _listener: socket.into(), _queue: queue };
        assert!(TcpStream::connect_timeout(&silent.address, wait).is_err(), "the queue is not full");
        silent
    }
}

#[test]
fn the_second_address_of_a_name_is_tried_if_the_first_is_silent() {
    let port = MariaDb::shared().expect("the shared MariaDB").port();
    let _silent = SilentListener::at((Ipv4Addr::new(127, 0, 0, 98), port).into());
    let service =
        start_by_name("127.0.0.98 orders-database\n127.0.0.1 orders-database\n", &[("CONNECT_TIMEOUT", "1s")]);
    service.wait_until_200("/ready", STARTUP_TIMEOUT);
    service.client().get("/orders").expect(200);
}

#[test]
fn the_log_names_an_unresolvable_host_and_the_reason() {
    let service = start_by_name("127.0.0.1 localhost\n", &[]);
    service.wait_until_200("/health", STARTUP_TIMEOUT);
    service.wait_for_log(r#"cannot resolve \"orders-database\": "#, STARTUP_TIMEOUT);
}
