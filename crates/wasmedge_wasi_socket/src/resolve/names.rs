//! Resolves names to addresses.
//!
//! The runtime calls the C library of its host (`INode::getAddrinfo` in `inode-linux.cpp`). So names resolve as for
//! every other program in the container: by `/etc/hosts`, and by the search list and `ndots` of `/etc/resolv.conf`, to
//! IPv4 and IPv6. Two things are special: the call has no service name, because a service name needs `/etc/services`,
//! which a container made from scratch does not have; and it blocks the only thread until a name server responds, so
//! [`super::dns_cache`] bounds the time that lookups take.
//!
//! If `DNS_SERVER` is set (`address` or `address:port`, queried over TCP), it is used instead, as in the published
//! crate. Its responses go through the same cache.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::address_health::AddressHealth;
use super::dns_cache::DnsCache;
use super::dns_client;
use crate::fd_table;
use crate::net::ToSocketAddrs;
use crate::sys::getaddrinfo::getaddrinfo;
use crate::sys::{clock, errno, local};

thread_local! {
    static DNS_CACHE: RefCell<DnsCache> = RefCell::default();
    static LOOKUPS: Cell<(u64, u64, u64)> = const { Cell::new((0, 0, 0)) };
    static ADDRESS_HEALTH: RefCell<AddressHealth> = RefCell::default();
}

/// The addresses of a name, with the service's port, or 0 if none is given.
///
/// # Errors
/// The message contains the name and the reason. The kind is `NotFound` if the name does not exist or has no address,
/// `TimedOut` if a retry may succeed.
pub fn nslookup(node: &str, service: &str) -> io::Result<Vec<SocketAddr>> {
    match std::env::var("DNS_SERVER") {
        Ok(server) if !server.is_empty() => nslookup_with_dns_server(&server, node, service),
        _ => nslookup_with_host(node, service),
    }
}

/// The addresses from the host's resolver.
///
/// # Errors
/// As for [`nslookup`].
pub fn nslookup_with_host(node: &str, service: &str) -> io::Result<Vec<SocketAddr>> {
    let found = match service.parse::<u16>() {
        Ok(port) => host_addresses(node, "").map(|found| with_port(found, port)),
        Err(_) if service.is_empty() => host_addresses(node, ""),
        Err(_) => match host_addresses(node, service) {
            // /etc/services is missing or does not have the service. The addresses do not depend on it.
            Err(errno::AISERVICE) => host_addresses(node, ""),
            result => result,
        },
    };
    found.map_err(|number| lookup_error(node, number))
}

/// The addresses from a name server, queried over TCP.
///
/// # Errors
/// As for [`nslookup`].
pub fn nslookup_with_dns_server(server: &str, node: &str, service: &str) -> io::Result<Vec<SocketAddr>> {
    let port = service.parse().unwrap_or(0);
    if let Ok(address) = node.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    if node == "localhost" {
        return Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))]);
    }
    let found = cached(&["DNS_SERVER", server, node], || dns_client::addresses(server, node));
    found.map(|found| with_port(found, port)).map_err(|number| lookup_error(node, number))
}

/// The number of lookups, without those that the cache answered; the number of failed ones; the time of all of them in
/// nanoseconds.
pub(crate) fn lookup_counts() -> (u64, u64, u64) {
    LOOKUPS.get()
}

/// The error of a failed lookup.
fn lookup_error(node: &str, number: u16) -> io::Error {
    let (kind, description) = errno::describe_lookup_error(number);
    io::Error::new(kind, format!("cannot resolve {node:?}: {description} (error {number})"))
}

/// The same addresses with this port.
fn with_port(mut addresses: Vec<SocketAddr>, port: u16) -> Vec<SocketAddr> {
    for address in &mut addresses {
        address.set_port(port);
    }
    addresses
}

/// The addresses from the host's resolver, or from the cache.
fn host_addresses(node: &str, service: &str) -> Result<Vec<SocketAddr>, u16> {
    cached(&[node, service], || getaddrinfo(node, service))
}

/// The cached result of a lookup, or that of `look_up`, which is then cached. The cache is not in use during the
/// lookup.
fn cached(key: &[&str], look_up: impl FnOnce() -> Result<Vec<SocketAddr>, u16>) -> Result<Vec<SocketAddr>, u16> {
    // No name contains a NUL, so two different keys stay different.
    let key = key.join("\0");
    let began = clock::now();
    if let Some(known) = local::with(&DNS_CACHE, |cache| cache.get(&key, began)).flatten() {
        return known;
    }
    let result = look_up();
    let ended = clock::now();
    let (all, failed, time) = LOOKUPS.get();
    LOOKUPS.set((all + 1, failed + u64::from(result.is_err()), time + ended.saturating_sub(began)));
    local::with(&DNS_CACHE, |cache| cache.insert(&key, result, began, ended)).unwrap_or(Err(errno::AISYSTEM))
}

/// Moves the addresses that could not be reached lately to the end.
fn sort_by_health(addresses: &mut [SocketAddr]) {
    let finished_connects = fd_table::with(|table| table.take_finished_connects());
    local::with(&ADDRESS_HEALTH, |health| {
        for connect in finished_connects {
            health.record(connect.to, connect.reached, connect.at);
        }
        health.sort(addresses, clock::now());
    })
    .unwrap_or_default();
}

impl ToSocketAddrs for (&str, u16) {
    type Iter = std::vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        let (host, port) = *self;
        // URLs and `host:port` have IPv6 addresses in brackets.
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let found = match bare.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => {
                let mut found = with_port(nslookup(host, "")?, port);
                sort_by_health(&mut found);
                found
            }
        };
        Ok(found.into_iter())
    }
}

impl ToSocketAddrs for (String, u16) {
    type Iter = std::vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        (self.0.as_str(), self.1).to_socket_addrs()
    }
}

impl ToSocketAddrs for str {
    type Iter = std::vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        if let Ok(address) = self.parse::<SocketAddr>() {
            return Ok(vec![address].into_iter());
        }
        let invalid = |reason: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("{self:?} {reason}"));
        let (host, port) = self.rsplit_once(':').ok_or_else(|| invalid("has no port; host:port is expected"))?;
        let port = port.parse().map_err(|_| invalid("has an invalid port"))?;
        (host, port).to_socket_addrs()
    }
}

impl ToSocketAddrs for String {
    type Iter = std::vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        self.as_str().to_socket_addrs()
    }
}
