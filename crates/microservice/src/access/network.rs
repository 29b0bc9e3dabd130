//! The client's address: the connection's, or the one that a trusted proxy reports.

use std::net::{IpAddr, SocketAddr};

use hyper::HeaderMap;

/// The value of `TRUSTED_PROXIES`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TrustedProxies(Vec<Prefix>);

/// An address prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Prefix {
    address: IpAddr,
    bits: u32,
}

impl TrustedProxies {
    /// Parses addresses and prefixes such as `10.0.0.0/8`, separated by commas.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let prefixes: Option<Vec<_>> = text.split(',').map(|entry| Prefix::parse(entry.trim())).collect();
        prefixes.map(Self).ok_or_else(|| "must be addresses or prefixes, separated by commas".into())
    }

    fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|prefix| prefix.contains(address))
    }

    /// The client's address. Each proxy appends the address of its own client to `X-Forwarded-For`, and anyone can
    /// send the header. So it is read from its end, and only as far as the proxies are trusted.
    pub(super) fn client_address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if self.0.is_empty() {
            return client;
        }
        let values = headers.get_all("x-forwarded-for").iter().rev();
        let mut reported = values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
        while self.contain(client) {
            match reported.next().and_then(parse_address) {
                Some(address) => client = address,
                None => break,
            }
        }
        client
    }
}

impl Prefix {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let width = width(address);
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= width)?,
            None => width,
        };
        Some(Self { address, bits })
    }

    fn contains(&self, address: IpAddr) -> bool {
        let prefix = |address| bits_of(address).checked_shr(width(address) - self.bits).unwrap_or(0);
        self.address.is_ipv4() == address.is_ipv4() && prefix(self.address) == prefix(address)
    }
}

const fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// An address, with or without a port: some proxies add it.
fn parse_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let without_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let address = text.parse().ok().or_else(with_port).or_else(without_brackets);
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn client(proxies: &str, peer: &str, forwarded: &[&str]) -> String {
        let proxies =
            if proxies.is_empty() { TrustedProxies::default() } else { TrustedProxies::parse(proxies).unwrap() };
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        proxies.client_address(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn without_trusted_proxies_the_connection_s_address_counts() {
        assert_eq!(client("", "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(client("10.0.0.0/8", "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(client("", "::ffff:192.0.2.1", &[]), "192.0.2.1");
    }

    #[test]
    fn a_trusted_proxy_s_report_counts_and_no_one_else_s() {
        assert_eq!(client("10.0.0.0/8", "10.1.1.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client("10.0.0.0/8", "10.1.1.1", &["203.0.113.9, 198.51.100.7, 10.2.2.2"]), "198.51.100.7");
        assert_eq!(client("10.0.0.0/8", "10.1.1.1", &["203.0.113.9", "198.51.100.7,10.2.2.2"]), "198.51.100.7");
        assert_eq!(client("fd00::/8", "fd00::1", &["[2001:db8::7]:4711"]), "2001:db8::7");
        assert_eq!(client("10.0.0.1", "10.0.0.1", &["198.51.100.7:80"]), "198.51.100.7");
    }

    #[test]
    fn a_missing_or_malformed_report_leaves_the_last_known_address() {
        for forwarded in [&[][..], &[""], &["unknown"], &["198.51.100.7, _hidden"], &["198.51.100.7,"]] {
            assert_eq!(client("10.0.0.0/8", "10.1.1.1", forwarded), "10.1.1.1", "{forwarded:?}");
        }
        assert_eq!(client("0.0.0.0/0", "10.1.1.1", &["1.1.1.1"]), "1.1.1.1");
    }

    #[test]
    fn wrong_prefixes_are_invalid() {
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0", "a", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.1,"] {
            assert!(TrustedProxies::parse(text).is_err(), "{text}");
        }
    }
}
