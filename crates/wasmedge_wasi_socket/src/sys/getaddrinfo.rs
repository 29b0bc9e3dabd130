//! Name lookup by the runtime, which calls the C library of its host.

use std::net::SocketAddr;

use super::abi::{self, AddrInfo, SockAddr};
use super::{address, errno};

/// The maximum number of addresses of one name.
const MAX_ADDRESSES: usize = 16;

/// The addresses of a name, IPv4 first, or the error number.
pub(crate) fn getaddrinfo(node: &str, service: &str) -> Result<Vec<SocketAddr>, u16> {
    // The runtime's string ends at a NUL byte, so a name with a NUL inside would be another name.
    if node.is_empty() || node.contains('\0') || service.contains('\0') {
        return Err(errno::AINONAME);
    }
    let mut data = [[0_u8; 32]; MAX_ADDRESSES];
    let mut addresses = data.each_mut().map(|data| SockAddr { family: 0, len: 26, data: data.as_mut_ptr() });
    let mut entries = addresses.each_mut().map(|address| AddrInfo { addr: address, ..any_stream() });
    let mut first = std::ptr::null_mut();
    for entry in entries.iter_mut().rev() {
        entry.next = first;
        first = entry;
    }
    let (hint, max, mut count) = (any_stream(), MAX_ADDRESSES as u32, 0);
    let (node_len, service_len) = (node.len(), service.len());
    // SAFETY: the two strings are borrowed with their lengths. `first` is the head of a list of `max` entries, each
    // with an address of 32 bytes; the runtime writes at most 26. Nothing of it is read or written here until the call
    // returns.
    let result = unsafe {
        let (node, service) = (node.as_ptr(), service.as_ptr());
        abi::sock_getaddrinfo(node, node_len, service, service_len, &hint, &first, max, &mut count)
    };
    if result != 0 {
        return Err(u16::try_from(result).unwrap_or(errno::AIFAIL));
    }
    let lengths = entries.each_ref().map(|entry| entry.addrlen);
    let families = addresses.each_ref().map(|address| address.family);
    let mut found = Vec::new();
    for ((length, family), data) in lengths.iter().zip(families).zip(&data).take(count as usize) {
        if *length > 0 {
            found.extend(address::from_sa_data(data, family).filter(|address| !found.contains(address)));
        }
    }
    // tokio_wasi uses the first address only. Many servers listen on IPv4 only, few on IPv6 only, and `localhost`
    // resolves to both.
    found.sort_by_key(SocketAddr::is_ipv6);
    if found.is_empty() { Err(errno::AINODATA) } else { Ok(found) }
}

/// Any address of a TCP service, without the canonical name.
fn any_stream() -> AddrInfo {
    let (addr, canonname, next) = (std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut());
    AddrInfo { flags: 0, family: 0, kind: 2, protocol: 1, addrlen: 0, addr, canonname, canonname_len: 0, next }
}
