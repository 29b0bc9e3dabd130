//! Names resolve as for every other program, with no `/etc/services` and no `DNS_SERVER`.
//!
//! With the published crate no name resolves where `/etc/services` is missing, as in a container made from scratch.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use testbed::{MariaDb, Process, Service, TempDir, ports};

use crate::support::Client;

/// A command that runs another with these lines in /etc/hosts and an empty /etc/services, which only it and its children see.
fn in_bare_container(inner: &Command, hosts: &std::path::Path) -> Command {
    let mut outer = Command::new("unshare");
    let mounts = "mount --bind /dev/null /etc/services && mount --bind \"$0\" /etc/hosts && exec \"$@\"";
    outer
        .args(["--map-root-user", "--mount", "sh", "-c", mounts])
        .arg(hosts)
        .arg(inner.get_program())
        .args(inner.get_args());
    outer.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    for (name, value) in inner.get_envs() {
        if let Some(value) = value {
            outer.env(name, value);
        }
    }
    outer
}

#[test]
fn the_database_is_found_by_a_name_of_etc_hosts_without_etc_services() {
    let server = MariaDb::shared().expect("the shared MariaDB");
    let database = server.fresh_database_name().expect("a database");
    let dir = TempDir::new().expect("a directory");
    // Both kinds of address, as Debian has them for localhost; MariaDB listens on the second only.
    let hosts = dir.path().join("hosts");
    std::fs::write(&hosts, "::1 orders-database\n127.0.0.1 localhost orders-database\n").expect("a hosts file");

    let port = ports::free().expect("a port");
    let url = server.url_by("orders-database", server.port(), &database);
    let service = Service::builder().env("DATABASE_URL", url).command(port).expect("a command");
    let process = Process::start(&in_bare_container(&service, &hosts), &dir.path().join("log")).expect("a process");

    let client = Client::new(&format!("http://127.0.0.1:{port}"));
    let started = Instant::now();
    while client.try_send("GET", "/ready", &[], None).map_or(true, |reply| reply.status != 200) {
        assert!(process.is_running(), "it has ended: {}", process.log());
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "the database is not reached by its name: {}",
            process.log()
        );
        thread::sleep(Duration::from_millis(20));
    }
    client.get("/orders").expect(200);
}
