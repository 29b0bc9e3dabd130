//! What the fuzzer calls: parsers of what a request shows. They are private otherwise.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;
use std::time::Duration;

use hyper::HeaderMap;

use super::hosts::{AllowedHosts, HostList};
use super::jwt::Verifier;
use super::network::TrustedProxies;
use super::tokens::TokenTable;
use super::{cross_site, hosts};

/// The key of RFC 7515 §A.3.
const JWKS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

static VERIFIER: LazyLock<Option<Verifier>> = LazyLock::new(|| Verifier::new(JWKS, "orders", None).ok());

/// Checks that only loopback names pass as such, that what a browser marks is rejected, and that no client chooses its
/// own address.
///
/// # Panics
/// One of these is broken.
pub fn head(headers: &HeaderMap) {
    let target = hyper::Uri::default();
    let host = hosts::of_request(&target, headers);
    let loopback = AllowedHosts::new(None, IpAddr::V4(Ipv4Addr::LOCALHOST));
    if let Some(host) = host.filter(|host| loopback.allow(host)) {
        let host = host.to_ascii_lowercase();
        assert!(host.contains("localhost") || host.starts_with("127.") || host.starts_with("[::1]"), "{host:?}");
    }
    let is_cross_site = headers.get_all("sec-fetch-site").iter().any(|value| value == "cross-site");
    assert!(!is_cross_site || cross_site::check(headers, host, None).is_err(), "a write of another site passes");
    let peer = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    for (proxies, is_trusted) in [("10.0.0.0/8,::1", false), ("0.0.0.0/0,::/0", true)] {
        let client = TrustedProxies::parse(proxies).map(|proxies| proxies.client_address(peer, headers));
        assert!(is_trusted || client == Ok(peer), "a client chooses its address: {client:?}");
    }
}

/// Checks that no token passes that nobody has signed.
///
/// # Panics
/// One does.
pub fn token(text: &str) {
    if let Some(verifier) = &*VERIFIER {
        assert!(verifier.verify(text, Duration::from_secs(1_300_000_000)).is_err(), "an unsigned token passes");
    }
}

/// Parses the operator's lists and files: hosts, proxies, tokens, keys.
///
/// # Panics
/// An error has more than one line.
pub fn access_settings(text: &str) {
    let errors = [
        HostList::parse(text).err(),
        TrustedProxies::parse(text).err(),
        TokenTable::parse(text).err(),
        Verifier::new(text, "orders", None).err(),
    ];
    for error in errors.into_iter().flatten() {
        assert!(!error.contains('\n') && error.len() < 300, "{error}");
    }
}
