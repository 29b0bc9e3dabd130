//! Rejects writes that another web page makes a browser send.
//!
//! A browser sends a page's requests with the user's network access, and GETs, images and forms without asking the
//! service first. Browsers mark such requests. Other programs send none of these headers and pass.
//!
//! | header | a write is rejected where it is |
//! |---|---|
//! | `Sec-Purpose`, `Purpose`, `X-Moz` | a prefetch: the user has not decided to send it |
//! | `Origin` | another origin than the request's host, and not the one in `CORS_ALLOW_ORIGIN` |
//! | `Sec-Fetch-Site` | `cross-site` or `same-site`, without an allowed `Origin` |
//!
//! `same-site` is rejected too: it includes every port of this host and every subdomain, and those need not trust each
//! other (Fetch Metadata, §2.3). Values that the specification does not know are ignored, as it asks for.

use hyper::HeaderMap;
use hyper::header::{HeaderValue, ORIGIN};

use crate::problem::Problem;

/// Fails where a browser marks the request as made by another site, or as a prefetch. `host` is the request's host with
/// its port, `allowed_origin` the value of `CORS_ALLOW_ORIGIN`.
pub(super) fn check(headers: &HeaderMap, host: Option<&str>, allowed_origin: Option<&str>) -> Result<(), Problem> {
    if is_prefetch(headers) {
        return Err(Problem::cross_site("A browser must not prefetch this. Nothing was done."));
    }
    let mut origins = headers.get_all(ORIGIN).iter();
    let origin = match (origins.next(), origins.next()) {
        (_, Some(_)) => return Err(rejected()),
        (origin, None) => origin,
    };
    if origin.is_some_and(|origin| is_allowed(origin, allowed_origin)) {
        return Ok(());
    }
    match initiator(headers) {
        Some(Initiator::Other) => Err(rejected()),
        Some(Initiator::OwnPageOrUser) => Ok(()),
        // Browsers send Sec-Fetch-Site to HTTPS and loopback only.
        None if origin.is_none_or(|origin| is_of_host(origin, host)) => Ok(()),
        None => Err(rejected()),
    }
}

fn rejected() -> Problem {
    Problem::cross_site("A page of another site made the browser send this. Nothing was done.")
}

/// Who made the browser send a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Initiator {
    /// A page of the same origin, or the user: the address bar, a bookmark.
    OwnPageOrUser,
    /// A page of another origin.
    Other,
}

fn initiator(headers: &HeaderMap) -> Option<Initiator> {
    let mut found = None;
    for value in headers.get_all("sec-fetch-site") {
        match value.as_bytes() {
            b"cross-site" | b"same-site" => return Some(Initiator::Other),
            b"same-origin" | b"none" => found = Some(Initiator::OwnPageOrUser),
            _ => {}
        }
    }
    found
}

/// `Sec-Purpose` is the standard's (`prefetch;prerender` too), the others those of older browsers.
fn is_prefetch(headers: &HeaderMap) -> bool {
    let begins_with_prefetch =
        |value: &HeaderValue| value.as_bytes().get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"prefetch"));
    ["sec-purpose", "purpose", "x-moz"].iter().any(|name| headers.get_all(*name).iter().any(begins_with_prefetch))
}

fn is_allowed(origin: &HeaderValue, allowed: Option<&str>) -> bool {
    allowed.is_some_and(|allowed| allowed == "*" || origin == allowed)
}

/// Compares without the scheme: a proxy in front may add TLS. `null` is no host's origin.
fn is_of_host(origin: &HeaderValue, host: Option<&str>) -> bool {
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    origin.zip(host).is_some_and(|((_, authority), host)| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use hyper::header::HeaderName;

    use super::*;

    const SHOP: &str = "https://shop.example";

    fn passes(headers: &[(&str, &str)], allowed_origin: Option<&str>) -> bool {
        let pair = |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        let mut map = HeaderMap::new();
        for (name, value) in headers.iter().map(pair) {
            map.append(name, value);
        }
        check(&map, Some("orders.example:8080"), allowed_origin).is_ok()
    }

    #[test]
    fn requests_without_a_browser_s_marks_pass() {
        assert!(passes(&[], None));
        assert!(passes(&[("user-agent", "curl/8"), ("content-type", "application/x-www-form-urlencoded")], None));
    }

    #[test]
    fn requests_of_the_user_and_of_own_pages_pass() {
        for site in ["none", "same-origin"] {
            assert!(passes(&[("sec-fetch-site", site)], None), "{site}");
            // A proxy in front may replace Host.
            assert!(passes(&[("sec-fetch-site", site), ("origin", SHOP)], None), "{site}");
        }
        assert!(passes(&[("origin", "http://orders.example:8080")], None));
        assert!(passes(&[("origin", "https://Orders.example:8080")], None));
    }

    #[test]
    fn requests_of_other_sites_are_rejected() {
        for headers in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site"), ("origin", "http://orders.example:8080")],
            &[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "future"), ("origin", SHOP)],
            &[("origin", SHOP)],
            &[("origin", "null")],
            &[("origin", "http://orders.example")],
            &[("origin", "http://orders.example:8080"), ("origin", SHOP)],
        ] {
            assert!(!passes(headers, None), "{headers:?}");
        }
        assert!(passes(&[("sec-fetch-site", "future")], None), "unknown values are ignored");
    }

    #[test]
    fn the_configured_origin_passes_and_no_other_one() {
        let cross_site = ("sec-fetch-site", "cross-site");
        assert!(passes(&[cross_site, ("origin", SHOP)], Some(SHOP)));
        assert!(passes(&[("origin", SHOP)], Some(SHOP)));
        assert!(!passes(&[cross_site, ("origin", "https://evil.example")], Some(SHOP)));
        assert!(passes(&[cross_site, ("origin", "https://evil.example")], Some("*")));
        assert!(!passes(&[cross_site], Some("*")), "an image sends no Origin");
    }

    #[test]
    fn prefetches_are_rejected_even_if_the_user_seems_to_send_them() {
        for purpose in [("sec-purpose", "prefetch"), ("sec-purpose", "prefetch;prerender"), ("purpose", "Prefetch")] {
            assert!(!passes(&[("sec-fetch-site", "none"), purpose], None), "{purpose:?}");
        }
        assert!(passes(&[("sec-purpose", "other")], None));
    }
}
