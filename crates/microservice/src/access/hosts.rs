//! Which names a service may be called by. A page whose name resolves to this machine (DNS rebinding) counts as the
//! service's own page for a browser; only its name gives it away.

use std::net::{IpAddr, Ipv4Addr};

use hyper::header::HOST;
use hyper::{HeaderMap, Uri};

/// The hosts that a listener accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AllowedHosts {
    /// Any.
    Any,
    /// The names and addresses of the loopback interface.
    Loopback,
    /// These.
    Listed(HostList),
}

/// The value of `ALLOWED_HOSTS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostList(Vec<Pattern>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    /// `*`
    Any,
    /// A name or address, in lower case.
    Host(String),
    /// The names that end with this text, which begins with a dot.
    Subdomains(String),
}

impl AllowedHosts {
    /// The hosts of a listener: the configured ones. By default loopback names on a loopback address, and any on other
    /// addresses: behind a proxy or in a container the service cannot know its names.
    pub(super) fn new(configured: Option<&HostList>, listen: IpAddr) -> Self {
        match configured {
            Some(list) if list.0.contains(&Pattern::Any) => Self::Any,
            Some(list) => Self::Listed(list.clone()),
            None if listen.is_loopback() => Self::Loopback,
            None => Self::Any,
        }
    }

    /// True where the host, with or without a port, is allowed.
    pub(super) fn allow(&self, host: &str) -> bool {
        let name = without_port(host).trim_end_matches('.');
        match self {
            Self::Any => true,
            Self::Loopback => is_loopback(name),
            Self::Listed(list) => list.0.iter().any(|pattern| pattern.matches(name)),
        }
    }
}

impl HostList {
    /// Parses names and addresses without ports, separated by commas. `*` stands for any host, `*.example.org` for the
    /// subdomains of example.org.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let patterns: Option<Vec<_>> = text.split(',').map(|entry| Pattern::parse(entry.trim())).collect();
        patterns.map(Self).ok_or_else(|| "must be host names without ports, separated by commas, or *".into())
    }
}

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Any);
        }
        let text = text.to_ascii_lowercase();
        let is_name = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        };
        if let Some(suffix) = text.strip_prefix('*') {
            let is_valid = suffix.strip_prefix('.').is_some_and(is_name);
            return is_valid.then(|| Self::Subdomains(suffix.to_owned()));
        }
        let is_ipv6 = |text: &str| text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
        (is_name(&text) || is_ipv6(&text).is_some_and(|address| address.is_ipv6())).then_some(Self::Host(text))
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Host(host) => host.eq_ignore_ascii_case(name),
            Self::Subdomains(suffix) => ends_with_ignoring_case(name, suffix),
        }
    }
}

/// The request's host with its port: the target's if it has one, otherwise the `Host` header's (RFC 9112 §3.2.2).
pub(super) fn of_request<'r>(target: &'r Uri, headers: &'r HeaderMap) -> Option<&'r str> {
    match target.authority() {
        // Without a user name and password.
        Some(authority) => Some(authority.as_str().rsplit('@').next().unwrap_or_default()),
        None => headers.get(HOST).map(|host| host.to_str().unwrap_or_default()),
    }
}

/// The host of `host`, `host:port`, `[address]` or `[address]:port`.
fn without_port(host: &str) -> &str {
    if host.starts_with('[') {
        host.find(']').and_then(|end| host.get(..=end)).unwrap_or(host)
    } else {
        host.split(':').next().unwrap_or(host)
    }
}

/// RFC 6761 §6.3 reserves `localhost` and the names below it for loopback.
fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || name == "[::1]"
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || ends_with_ignoring_case(name, ".localhost")
}

fn ends_with_ignoring_case(name: &str, suffix: &str) -> bool {
    let start = name.len().checked_sub(suffix.len()).filter(|start| *start > 0);
    start.and_then(|start| name.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn on_a_loopback_address_only_loopback_names_are_allowed() {
        let hosts = AllowedHosts::new(None, LOOPBACK);
        for host in
            ["localhost", "LocalHost:8080", "localhost.", "127.0.0.1:80", "127.1.2.3", "[::1]:80", "a.localhost"]
        {
            assert!(hosts.allow(host), "{host}");
        }
        for host in ["", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", ".localhost"] {
            assert!(!hosts.allow(host), "{host}");
        }
        for host in ["xlocalhost", "0.0.0.0", "[::2]", "10.0.0.1", "[", "::1", "[::1"] {
            assert!(!hosts.allow(host), "{host}");
        }
    }

    #[test]
    fn on_another_address_any_host_is_allowed() {
        let hosts = AllowedHosts::new(None, IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        assert!(hosts.allow("orders.example") && hosts.allow("10.1.2.3:8080"));
    }

    #[test]
    fn a_list_allows_its_names_with_every_port() {
        let list = HostList::parse("Orders.example, *.shop.example,10.0.0.1,[fd00::1]").unwrap();
        let hosts = AllowedHosts::new(Some(&list), LOOPBACK);
        for host in ["orders.example:8080", "ORDERS.example.", "a.shop.example", "10.0.0.1:1", "[fd00::1]:8080"] {
            assert!(hosts.allow(host), "{host}");
        }
        for host in ["localhost", "shop.example", ".shop.example", "evil.example", "a.orders.example", "10.0.0.11"] {
            assert!(!hosts.allow(host), "{host}");
        }
        let any = HostList::parse("*").unwrap();
        assert_eq!(AllowedHosts::new(Some(&any), LOOPBACK), AllowedHosts::Any);
    }

    #[test]
    fn a_list_with_ports_urls_or_empty_entries_is_invalid() {
        for text in ["", "a,", "a:80", "http://a", "a/b", "*a", "*.", "[a]", "[1.2.3.4]", "::1", "a b"] {
            assert!(HostList::parse(text).is_err(), "{text}");
        }
    }
}
