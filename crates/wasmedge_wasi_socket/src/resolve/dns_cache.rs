//! Bounds the time that lookups take if a name server is slow or silent.
//!
//! A lookup blocks the only thread of the process: by default for ten seconds if no server responds, and for five each
//! time if the first of two is dead. So the result of a lookup of more than 50 ms, addresses or a failure, is cached
//! for nine times as long as the lookup took. Lookups of a name then take a tenth of the time at most. If no server
//! responded, the failure is cached for at least a second, and the addresses that were found last are returned, if
//! there are any. A fast lookup is not cached, so a change is visible at once. "No such name" is a response, not a
//! failure.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::sys::errno;

/// The maximum number of names; when it is reached, all are forgotten.
const MAX_ENTRIES: usize = 256;

/// A lookup that takes longer is slow, in nanoseconds. A name server in the same network takes some milliseconds.
const SLOW_LOOKUP: u64 = 50_000_000;

/// The result of a slow lookup is cached for this many times the duration of the lookup.
const TTL_FACTOR: u64 = 9;

/// The shortest time for which a temporary failure is cached, in nanoseconds.
const MIN_FAILURE_TTL: u64 = 1_000_000_000;

/// The addresses of a name, or the error number.
type LookupResult = Result<Vec<SocketAddr>, u16>;

/// The cached results of lookups.
#[derive(Debug, Default)]
pub(crate) struct DnsCache {
    entries: HashMap<String, Entry>,
}

/// What is known of one name.
#[derive(Debug, Default)]
struct Entry {
    /// The addresses that were found last.
    addresses: Vec<SocketAddr>,
    /// The error of the last lookup.
    error: Option<u16>,
    /// When the entry expires.
    expires: u64,
}

impl DnsCache {
    /// The cached result for a name, unless it has expired. `now` is in nanoseconds.
    pub(crate) fn get(&self, name: &str, now: u64) -> Option<LookupResult> {
        self.entries.get(name).filter(|entry| now < entry.expires).map(Entry::result)
    }

    /// Caches the result of a lookup and returns the result for the caller.
    pub(crate) fn insert(&mut self, name: &str, result: LookupResult, began: u64, ended: u64) -> LookupResult {
        if self.entries.len() >= MAX_ENTRIES && !self.entries.contains_key(name) {
            self.entries.clear();
        }
        let entry = self.entries.entry(name.to_owned()).or_default();
        entry.update(result, ended.saturating_sub(began), ended);
        entry.result()
    }
}

impl Entry {
    /// Sets the result of a lookup and the time until it expires.
    fn update(&mut self, result: LookupResult, duration: u64, ended: u64) {
        let is_temporary = result.as_ref().is_err_and(|number| errno::is_temporary(*number));
        self.error = result.as_ref().err().copied();
        // After a temporary failure the addresses that were found last may still be right.
        if !is_temporary {
            self.addresses = result.unwrap_or_default();
        }
        let slow_ttl = if duration > SLOW_LOOKUP || is_temporary { duration.saturating_mul(TTL_FACTOR) } else { 0 };
        self.expires = ended.saturating_add(if is_temporary { slow_ttl.max(MIN_FAILURE_TTL) } else { slow_ttl });
    }

    /// The addresses that were found last, or the error.
    fn result(&self) -> LookupResult {
        match self.error {
            Some(number) if self.addresses.is_empty() => Err(number),
            _ => Ok(self.addresses.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A name server whose lookups take `duration`, with the clock.
    struct Server {
        clock: Cell<u64>,
        duration: u64,
        queries: Cell<u32>,
    }

    impl Server {
        /// A lookup through the cache.
        fn look_up(&self, cache: &mut DnsCache, response: LookupResult) -> LookupResult {
            let began = self.clock.get();
            if let Some(cached) = cache.get("db", began) {
                return cached;
            }
            self.queries.set(self.queries.get() + 1);
            self.clock.set(began + self.duration);
            cache.insert("db", response, began, self.clock.get())
        }
    }

    /// The share of the time that lookups take, in tenths rounded up, if one is made every tenth of a second.
    fn tenths(server: &Server, response: &LookupResult) -> u64 {
        let (began, mut cache) = (server.clock.get(), DnsCache::default());
        for _ in 0..10_000 {
            assert_eq!(&server.look_up(&mut cache, response.clone()), response);
            server.clock.set(server.clock.get() + 100_000_000);
        }
        // The entry of the last lookup has not expired.
        let spent = u64::from(server.queries.get() - 1) * server.duration;
        (10 * spent).div_ceil(server.clock.get() - began)
    }

    fn server(duration: u64) -> Server {
        Server { clock: Cell::new(5), duration, queries: Cell::new(0) }
    }

    fn address() -> Vec<SocketAddr> {
        vec![SocketAddr::from(([10, 0, 0, 7], 0))]
    }

    #[test]
    fn a_dead_server_takes_a_tenth_of_the_time_and_the_last_address_is_used() {
        let (server, mut cache) = (server(10_000_000_000), DnsCache::default());
        assert_eq!(server.look_up(&mut cache, Ok(address())), Ok(address()));
        for _ in 0..10_000 {
            assert_eq!(server.look_up(&mut cache, Err(errno::AIAGAIN)), Ok(address()));
            server.clock.set(server.clock.get() + 100_000_000);
        }
        // The entry of the last lookup has not expired.
        let spent = (u64::from(server.queries.get()) - 1) * server.duration;
        assert!(spent <= server.clock.get() / 10, "{spent} of {}", server.clock.get());
    }

    #[test]
    fn a_slow_server_takes_a_tenth_of_the_time_and_is_queried_again() {
        for duration in [SLOW_LOOKUP + 1, 300_000_000, 5_000_000_000, 20_000_000_000] {
            for response in [Ok(address()), Err(errno::AINONAME), Err(errno::AINODATA), Err(errno::AIAGAIN)] {
                let server = server(duration);
                assert_eq!(tenths(&server, &response), 1, "{duration} ns for {response:?}");
                assert!(server.queries.get() > 2, "{duration} ns for {response:?}");
            }
        }
    }

    #[test]
    fn the_result_of_a_slow_lookup_is_cached_until_it_expires() {
        let (server, mut cache) = (server(SLOW_LOOKUP + 1), DnsCache::default());
        assert_eq!(server.look_up(&mut cache, Err(errno::AINONAME)), Err(errno::AINONAME));
        let ended = server.clock.get();
        server.clock.set(ended + TTL_FACTOR * (SLOW_LOOKUP + 1) - 1);
        assert_eq!(server.look_up(&mut cache, Ok(address())), Err(errno::AINONAME));
        server.clock.set(server.clock.get() + 1);
        assert_eq!(server.look_up(&mut cache, Ok(address())), Ok(address()));
        assert_eq!(server.queries.get(), 2);
    }

    #[test]
    fn a_fast_lookup_is_not_cached() {
        let (server, mut cache) = (server(SLOW_LOOKUP), DnsCache::default());
        for response in [Ok(address()), Err(errno::AINONAME), Ok(address()), Err(errno::AINODATA)] {
            assert_eq!(server.look_up(&mut cache, response.clone()), response);
        }
        assert_eq!(server.queries.get(), 4);
    }

    #[test]
    fn without_an_address_a_failure_is_cached_until_it_expires() {
        let (server, mut cache) = (server(1_000), DnsCache::default());
        for _ in 0..5 {
            assert_eq!(server.look_up(&mut cache, Err(errno::AIAGAIN)), Err(errno::AIAGAIN));
        }
        assert_eq!(server.queries.get(), 1);
        server.clock.set(server.clock.get() + MIN_FAILURE_TTL);
        assert_eq!(server.look_up(&mut cache, Ok(address())), Ok(address()));
    }

    #[test]
    fn a_changed_name_and_a_deleted_name_are_seen_at_once() {
        let (server, mut cache) = (server(1_000), DnsCache::default());
        assert!(server.look_up(&mut cache, Ok(address())).is_ok());
        let other = vec![SocketAddr::from(([10, 0, 0, 8], 0))];
        assert_eq!(server.look_up(&mut cache, Ok(other.clone())), Ok(other));
        assert_eq!(server.look_up(&mut cache, Err(errno::AINONAME)), Err(errno::AINONAME));
        assert_eq!(server.look_up(&mut cache, Err(errno::AIAGAIN)), Err(errno::AIAGAIN));
        assert_eq!(server.queries.get(), 4);
    }

    #[test]
    fn the_number_of_names_is_bounded() {
        let mut cache = DnsCache::default();
        for number in 0..10_000 {
            let _ = cache.insert(&number.to_string(), Ok(address()), 1, 1);
        }
        assert!(cache.entries.len() <= MAX_ENTRIES);
    }
}
