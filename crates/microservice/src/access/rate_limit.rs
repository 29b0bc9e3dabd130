//! Rate limits: a number of requests in a window of time, for each address or caller.
//!
//! The algorithm is GCRA, a token bucket that stores one number: a key may send its whole quota at once, and gets it
//! back evenly over the window.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::recent_map::RecentMap;
use super::tokens::Hash;
use crate::sync::lock;

/// The keys that are remembered for each of two generations, about 1.5 MB in all. With more of them at one time, those
/// that were not used for longest start again with a full quota.
const MAX_KEYS: usize = 8192;

/// The longest window.
const MAX_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// The largest quota.
const MAX_REQUESTS: u32 = 1_000_000;

/// A quota: at most `requests` in each `window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RateLimit {
    requests: u32,
    /// In whole seconds: the response's header fields have no finer unit.
    window: Duration,
}

impl RateLimit {
    /// At most this many requests, which must not be zero, in each second.
    pub(super) const fn per_second(requests: u32) -> Self {
        Self { requests, window: Duration::from_secs(1) }
    }

    /// Parses `100/10s`: requests and a window.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(requests, window)| {
            let requests = requests.parse().ok().filter(|requests| (1..=MAX_REQUESTS).contains(requests))?;
            let window = humantime::parse_duration(window)
                .ok()
                .filter(|window| window.subsec_nanos() == 0 && !window.is_zero() && *window <= MAX_WINDOW)?;
            Some(Self { requests, window })
        });
        let is_plain = |_: &Self| !text.contains(char::is_whitespace);
        parsed.filter(is_plain).ok_or_else(|| "must be requests in whole seconds, such as 100/10s or 5000/1h".into())
    }

    /// The time in which one request of the quota comes back, in nanoseconds; at least 1,000.
    fn interval(self) -> u64 {
        nanoseconds(self.window) / u64::from(self.requests)
    }

    /// Counts a request. `full_at` is the moment at which the key's quota is full again; all in nanoseconds.
    fn count(self, full_at: &mut u64, now: u64) -> Usage {
        let (interval, tolerance) = (self.interval(), self.interval() * u64::from(self.requests));
        let next = (*full_at).max(now) + interval;
        let used = next - now;
        if used > tolerance {
            return Usage { limit: self, remaining: 0, wait: seconds(used - tolerance), is_exceeded: true };
        }
        *full_at = next;
        let remaining = u32::try_from((tolerance - used) / interval).unwrap_or(0);
        Usage { limit: self, remaining, wait: seconds(used), is_exceeded: false }
    }
}

/// What a key has used of its quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usage {
    limit: RateLimit,
    /// The requests that the key may send now.
    remaining: u32,
    /// The seconds until the quota is full again; for an exceeded one until the next request is served.
    wait: u32,
    /// The request is one too many.
    pub(super) is_exceeded: bool,
}

impl Usage {
    /// For `Retry-After`.
    pub(super) fn retry_after(&self) -> u32 {
        self.wait
    }
}

/// The quotas of all keys. A key is a hash or an address.
#[derive(Debug)]
pub(super) struct RateLimiter {
    limit: RateLimit,
    started: Instant,
    /// For each key the moment at which its quota is full again, in nanoseconds from the start.
    full_at: Mutex<RecentMap<u64>>,
}

impl RateLimiter {
    pub(super) fn new(limit: RateLimit) -> Self {
        Self { limit, started: Instant::now(), full_at: Mutex::new(RecentMap::new(MAX_KEYS)) }
    }

    /// Counts a request of a key.
    pub(super) fn count(&self, key: &Hash) -> Usage {
        let now = nanoseconds(self.started.elapsed());
        let mut full_at = lock(&self.full_at);
        if let Some(full_at) = full_at.get_mut(key) {
            return self.limit.count(full_at, now);
        }
        let mut first = 0;
        let usage = self.limit.count(&mut first, now);
        full_at.insert(*key, first);
        usage
    }
}

/// The key of an address: an IPv6 client has a whole /64.
pub(super) fn address_key(address: IpAddr) -> Hash {
    let bits = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits() & !u128::from(u64::MAX),
    };
    let mut key = Hash::default();
    for (byte, part) in key.iter_mut().zip(bits.to_be_bytes()) {
        *byte = part;
    }
    key
}

/// The values of `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10), for named policies.
pub(super) fn header_fields(usages: &[(&'static str, Usage)]) -> (String, String) {
    let (mut policies, mut remaining) = (String::new(), String::new());
    for (name, Usage { limit, remaining: r, wait, .. }) in usages {
        let separator = if policies.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(policies, "{separator}\"{name}\";q={};w={}", limit.requests, limit.window.as_secs());
        let _ = write!(remaining, "{separator}\"{name}\";r={r};t={wait}");
    }
    (policies, remaining)
}

fn nanoseconds(duration: Duration) -> u64 {
    // Enough for 584 years.
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Rounded up.
fn seconds(nanoseconds: u64) -> u32 {
    u32::try_from(nanoseconds.div_ceil(1_000_000_000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_quota_is_available_at_once_and_comes_back_evenly() {
        let limit = RateLimit::parse("4/8s").unwrap();
        let mut full_at = 0;
        let start = 100 * SECOND;
        let counts: Vec<_> = (0..5).map(|_| limit.count(&mut full_at, start)).collect();
        assert_eq!(counts.iter().map(|usage| usage.remaining).collect::<Vec<_>>(), [3, 2, 1, 0, 0]);
        assert_eq!(
            counts.iter().map(|usage| usage.is_exceeded).collect::<Vec<_>>(),
            [false, false, false, false, true]
        );
        assert_eq!(counts.iter().map(|usage| usage.wait).collect::<Vec<_>>(), [2, 4, 6, 8, 2]);
        assert!(limit.count(&mut full_at, start + 2 * SECOND - 1).is_exceeded);
        assert!(!limit.count(&mut full_at, start + 2 * SECOND).is_exceeded);
        assert!(limit.count(&mut full_at, start + 2 * SECOND).is_exceeded);
        let usage = limit.count(&mut full_at, start + 1000 * SECOND);
        assert_eq!((usage.is_exceeded, usage.remaining), (false, 3), "never more than the quota");
    }

    #[test]
    fn keys_have_quotas_of_their_own() {
        let limiter = RateLimiter::new(RateLimit::parse("1/1h").unwrap());
        assert!(!limiter.count(&[1; 32]).is_exceeded);
        assert!(!limiter.count(&[2; 32]).is_exceeded);
        assert!(limiter.count(&[1; 32]).is_exceeded);
    }

    #[test]
    fn an_ipv6_network_has_one_key() {
        let key = |text: &str| address_key(text.parse().unwrap());
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1:2:3"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_ne!(key("192.0.2.1"), key("::"));
    }

    #[test]
    fn header_fields_are_structured_fields() {
        let limit = RateLimit::parse("100/1m").unwrap();
        let usage = Usage { limit, remaining: 7, wait: 56, is_exceeded: false };
        let (policies, remaining) = header_fields(&[("address", usage), ("token", usage)]);
        assert_eq!(policies, r#""address";q=100;w=60, "token";q=100;w=60"#);
        assert_eq!(remaining, r#""address";r=7;t=56, "token";r=7;t=56"#);
    }

    #[test]
    fn other_forms_are_invalid() {
        for text in ["", "100", "0/1s", "100/0s", "100/1500ms", "1/25h", "1000001/1s", "a/1s", "1/s", "1 /1s", "-1/1s"]
        {
            assert!(RateLimit::parse(text).is_err(), "{text}");
        }
    }
}
