//! Names to addresses.
//!
//! The runtime asks the C library of its host (`INode::getAddrinfo` in `inode-linux.cpp`), so names resolve as for every other program in the
//! container: `/etc/hosts`, the search list and `ndots` of `/etc/resolv.conf`, IPv4 and IPv6, IPv4 first. Two things about it:
//! it is asked without a service, because one that is named needs `/etc/services`, which a container made from scratch has not; and
//! it blocks the one thread for as long as the library waits for a name server; [`crate::memory`] bounds what that takes.
//!
//! `DNS_SERVER` (`address` or `address:port`, asked over TCP) wins where it is set, as with the published crate. Its answers go through the same memory.

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::host::{self, AddrInfo, SockAddr};
use crate::memory::Memory;
use crate::{addr, dns_server, edges, errno};

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// The most addresses of one name that are used.
const MOST: usize = 16;

/// The addresses of a name, with the service's port, or 0 if none is given.
///
/// # Errors
/// Says which name failed and how; the kind is `NotFound` for no such name or no address, `TimedOut` where trying again makes sense.
pub fn nslookup(node: &str, service: &str) -> io::Result<Vec<SocketAddr>> {
    match std::env::var("DNS_SERVER") {
        Ok(server) if !server.is_empty() => nslookup_with_dns_server(&server, node, service),
        _ => nslookup_with_host(node, service),
    }
}

/// The addresses that the host's resolver gives.
///
/// # Errors
/// As for [`nslookup`].
pub fn nslookup_with_host(node: &str, service: &str) -> io::Result<Vec<SocketAddr>> {
    let found = match service.parse::<u16>() {
        Ok(port) => of_host(node, "").map(|found| with_port(found, port)),
        Err(_) if service.is_empty() => of_host(node, ""),
        Err(_) => match of_host(node, service) {
            // No /etc/services, or no such line in it: the addresses are right all the same.
            Err(errno::AISERVICE) => of_host(node, ""),
            result => result,
        },
    };
    found.map_err(|number| failure(node, number))
}

/// The addresses that a name server gives, asked over TCP.
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
    let found = remembered(&["DNS_SERVER", server, node], || dns_server::addresses(server, node));
    found.map(|found| with_port(found, port)).map_err(|number| failure(node, number))
}

/// The error of a lookup that failed.
fn failure(node: &str, number: u16) -> io::Error {
    let (kind, words) = errno::lookup(number);
    io::Error::new(kind, format!("cannot resolve {node:?}: {words} (error {number})"))
}

/// The same addresses with this port.
fn with_port(mut addresses: Vec<SocketAddr>, port: u16) -> Vec<SocketAddr> {
    for address in &mut addresses {
        address.set_port(port);
    }
    addresses
}

/// Asks the runtime, or not yet again.
fn of_host(node: &str, service: &str) -> Result<Vec<SocketAddr>, u16> {
    remembered(&[node, service], || lookup(node, service))
}

/// Asks, or takes what is remembered under this key: see [`Memory`].
fn remembered(key: &[&str], ask: impl FnOnce() -> Result<Vec<SocketAddr>, u16>) -> Result<Vec<SocketAddr>, u16> {
    let look = |memory: &RefCell<Memory>| match memory.try_borrow_mut() {
        // No name has a NUL in it, so no two keys are one.
        Ok(mut memory) => memory.look_up(&key.join("\0"), host::now, ask),
        Err(_) => ask(),
    };
    MEMORY.try_with(look).unwrap_or(Err(errno::AISYSTEM))
}

/// Asks the runtime.
fn lookup(node: &str, service: &str) -> Result<Vec<SocketAddr>, u16> {
    // What the runtime is given ends at a NUL, so a name with one inside would be another name.
    if node.is_empty() || node.contains('\0') || service.contains('\0') {
        return Err(errno::AINONAME);
    }
    let mut data = [[0_u8; 32]; MOST];
    let mut addresses = data.each_mut().map(|data| SockAddr { family: 0, len: 26, data: data.as_mut_ptr() });
    let mut answers = addresses.each_mut().map(|address| AddrInfo { addr: address, ..AddrInfo::any_stream() });
    let mut next = std::ptr::null_mut();
    for answer in answers.iter_mut().rev() {
        answer.next = next;
        next = answer;
    }
    let (hint, mut count) = (AddrInfo::any_stream(), 0);
    let most = MOST as u32;
    // SAFETY: the two strings are borrowed with their lengths; `next` is the first of a list of `most` answers, each with room for one address of
    // 26 bytes or more, which is the most that the runtime writes; none of it is touched until the call returns.
    let result = unsafe {
        host::sock_getaddrinfo(
            node.as_ptr(),
            node.len(),
            service.as_ptr(),
            service.len(),
            &hint,
            &next,
            most,
            &mut count,
        )
    };
    if result != 0 {
        return Err(u16::try_from(result).unwrap_or(errno::AIFAIL));
    }
    let lengths = answers.each_ref().map(|answer| answer.addrlen);
    let families = addresses.each_ref().map(|address| address.family);
    let mut found = Vec::new();
    for ((length, family), data) in lengths.iter().zip(families).zip(&data).take(count as usize) {
        if *length > 0 {
            found.extend(addr::from_sa_data(data, family).filter(|address| !found.contains(address)));
        }
    }
    // tokio_wasi uses the first address alone. A server that listens on IPv4 only is common, one on IPv6 only is not, and `localhost` is both.
    found.sort_by_key(SocketAddr::is_ipv6);
    if found.is_empty() { Err(errno::AINODATA) } else { Ok(found) }
}

impl AddrInfo {
    /// Any address of a TCP service, without the canonical name.
    fn any_stream() -> Self {
        let (addr, canonname, next) = (std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut());
        Self { flags: 0, family: 0, kind: 2, protocol: 1, addrlen: 0, addr, canonname, canonname_len: 0, next }
    }
}

/// Tries the addresses in turn and returns the first success, or the last failure.
pub(crate) fn first_that_works<A: ToSocketAddrs, T>(
    addrs: A,
    mut attempt: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "no address to try");
    for address in addrs.to_socket_addrs()? {
        match attempt(address) {
            Ok(done) => return Ok(done),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// What can be turned into addresses: addresses themselves, and names with a port. As `std::net::ToSocketAddrs`, which this target's
/// standard library leaves unimplemented for names.
pub trait ToSocketAddrs {
    /// The addresses.
    type Iter: Iterator<Item = SocketAddr>;

    /// The addresses.
    ///
    /// # Errors
    /// As for [`nslookup`]; and text that is no address and port.
    fn to_socket_addrs(&self) -> io::Result<Self::Iter>;
}

/// For what is one address.
macro_rules! one_address {
    ($($from:ty),*) => {$(
        impl ToSocketAddrs for $from {
            type Iter = std::option::IntoIter<SocketAddr>;

            fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
                Ok(Some(SocketAddr::from(*self)).into_iter())
            }
        }
    )*};
}

one_address!(SocketAddr, SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

impl ToSocketAddrs for (&str, u16) {
    type Iter = std::vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        let (host, port) = *self;
        // A URL, and `host:port`, have an IPv6 address in brackets.
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let found = match bare.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => {
                let mut found = with_port(nslookup(host, "")?, port);
                edges::sort(&mut found);
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
        let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("{self:?} {what}"));
        let (host, port) = self.rsplit_once(':').ok_or_else(|| invalid("has no port: host:port is expected"))?;
        let port = port.parse().map_err(|_| invalid("has a port that is none"))?;
        (host, port).to_socket_addrs()
    }
}

impl ToSocketAddrs for String {
    type Iter = std::vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        self.as_str().to_socket_addrs()
    }
}

impl<'a> ToSocketAddrs for &'a [SocketAddr] {
    type Iter = std::iter::Copied<std::slice::Iter<'a, SocketAddr>>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        Ok(self.iter().copied())
    }
}

impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {
    type Iter = T::Iter;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        (**self).to_socket_addrs()
    }
}
