//! Conversion between socket addresses and the runtime's forms.
//!
//! There are three forms: plain address bytes beside a port (`sock_bind`, `sock_connect`, `sock_send_to`,
//! `sock_getlocaladdr`: four bytes are IPv4, sixteen IPv6, `WasiSockBindV1` in `wasifunc.cpp`); 128 bytes that begin
//! with the family (`sock_recv_from`, `WasiAddrStorage`); and the kernel's own `sa_data` (`sock_getaddrinfo`,
//! `INode::getAddrinfo` in `inode-linux.cpp`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// `__WASI_ADDRESS_FAMILY_INET4`.
pub(crate) const INET4: u8 = 1;
/// `__WASI_ADDRESS_FAMILY_INET6`.
pub(crate) const INET6: u8 = 2;

/// The size of an address that begins with its family.
pub(crate) const STORAGE: usize = 128;

/// The bytes of an address, and how many of the sixteen are used.
pub(crate) fn plain(address: IpAddr) -> ([u8; 16], usize) {
    let mut bytes = [0; 16];
    match address {
        IpAddr::V4(v4) => {
            for (to, from) in bytes.iter_mut().zip(v4.octets()) {
                *to = from;
            }
            (bytes, 4)
        }
        IpAddr::V6(v6) => (v6.octets(), 16),
    }
}

/// The address in a buffer of `sock_getlocaladdr` or `sock_getpeeraddr`. These two functions return 4 and 6 for the
/// family, all others 1 and 2 (`WasiSockGetLocalAddrV1` keeps that for old programs). Both are accepted.
pub(crate) fn from_plain(bytes: [u8; 16], family: u32, port: u32) -> Option<SocketAddr> {
    let port = u16::try_from(port).ok()?;
    let [a, b, c, d, ..] = bytes;
    match family {
        4 | 1 => Some(SocketAddr::from((Ipv4Addr::new(a, b, c, d), port))),
        6 | 2 => Some(SocketAddr::from((Ipv6Addr::from(bytes), port))),
        _ => None,
    }
}

/// The address that `sock_recv_from` has written. Its port is in network byte order (`INode::sockRecvFrom` copies
/// `sin_port` unchanged).
pub(crate) fn from_storage(storage: &[u8; STORAGE], port: u16) -> Option<SocketAddr> {
    let (family, rest) = storage.split_first_chunk::<2>()?;
    let bytes: [u8; 16] = *rest.first_chunk()?;
    from_plain(bytes, u32::from(u16::from_le_bytes(*family)), u32::from(u16::from_be(port)))
}

/// The address in the kernel's `sa_data`: port, then for IPv4 the address, for IPv6 flow, address and scope.
pub(crate) fn from_sa_data(data: &[u8], family: u8) -> Option<SocketAddr> {
    let (port, rest) = data.split_first_chunk::<2>()?;
    let port = u16::from_be_bytes(*port);
    match family {
        INET4 => Some(SocketAddrV4::new(Ipv4Addr::from(*rest.first_chunk::<4>()?), port).into()),
        INET6 => {
            let (flow, rest) = rest.split_first_chunk::<4>()?;
            let (address, rest) = rest.split_first_chunk::<16>()?;
            let scope = rest.first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes));
            Some(SocketAddrV6::new(Ipv6Addr::from(*address), port, u32::from_be_bytes(*flow), scope).into())
        }
        _ => None,
    }
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn samples() -> Vec<SocketAddr> {
        ["127.0.0.1:1", "255.1.2.3:65535", "0.0.0.0:0", "[::1]:80", "[2001:db8::7]:443", "[::ffff:1.2.3.4]:5"]
            .iter()
            .map(|text| text.parse().expect("a sample"))
            .collect()
    }

    #[test]
    fn a_plain_address_is_read_with_either_number_for_its_family() {
        for address in samples() {
            let (bytes, length) = plain(address.ip());
            let numbers = if address.is_ipv4() { [4, 1] } else { [6, 2] };
            assert_eq!(length, if address.is_ipv4() { 4 } else { 16 });
            for number in numbers {
                assert_eq!(from_plain(bytes, number, u32::from(address.port())), Some(address));
            }
        }
    }

    #[test]
    fn a_stored_address_is_read_and_its_port_byte_swapped() {
        for address in samples() {
            let mut storage = [0; STORAGE];
            storage[0] = if address.is_ipv4() { INET4 } else { INET6 };
            storage[2..18].copy_from_slice(&plain(address.ip()).0);
            assert_eq!(from_storage(&storage, address.port().to_be()), Some(address));
        }
    }

    #[test]
    fn the_kernels_form_is_read_including_the_scope() {
        let v4 = [0x1f, 0x90, 10, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(from_sa_data(&v4, INET4), Some("10.0.0.7:8080".parse().expect("an address")));
        let mut v6 = vec![0, 80, 0, 0, 0, 0];
        v6.extend(Ipv6Addr::LOCALHOST.octets());
        v6.extend(3_u32.to_le_bytes());
        assert_eq!(from_sa_data(&v6, INET6), Some(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, 3).into()));
    }

    #[test]
    fn no_length_or_family_causes_a_panic() {
        let bytes = [0xff; 64];
        for family in 0..=255 {
            for length in 0..bytes.len() {
                let _ = from_sa_data(bytes.get(..length).expect("a prefix"), family);
            }
            assert_eq!(from_sa_data(&bytes[..1], family), None);
        }
        assert_eq!(from_plain([0; 16], 4, 70_000), None);
        assert_eq!(from_plain([0; 16], 9, 1), None);
    }
}
