//! The addresses that could not be reached lately.
//!
//! tokio_wasi connects only to the first address of a name, and reports a failed connect only by the first read or
//! write. So the first result after each connect is recorded; closing the socket without a result is a failure. The
//! addresses that failed in the last half minute are sorted to the end, so a retry gets another one.

use std::collections::HashMap;
use std::net::SocketAddr;

/// How long a failure is remembered, in nanoseconds.
const FAILURE_TTL: u64 = 30_000_000_000;

/// The maximum number of addresses; when it is reached, all are forgotten.
const MAX_ENTRIES: usize = 256;

/// The addresses that failed, and when.
#[derive(Debug, Default)]
pub(crate) struct AddressHealth {
    failures: HashMap<SocketAddr, u64>,
}

impl AddressHealth {
    /// Records how a connect ended.
    pub(crate) fn record(&mut self, address: SocketAddr, reached: bool, now: u64) {
        if reached {
            self.failures.remove(&address);
            return;
        }
        if self.failures.len() >= MAX_ENTRIES {
            self.failures.clear();
        }
        self.failures.insert(address, now);
    }

    /// Moves the addresses that failed lately to the end, the earliest failure first. All others keep their order.
    pub(crate) fn sort(&self, addresses: &mut [SocketAddr], now: u64) {
        let is_recent = |failed_at: &u64| now.saturating_sub(*failed_at) < FAILURE_TTL;
        // None sorts before any time.
        addresses.sort_by_key(|address| self.failures.get(address).copied().filter(is_recent));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], 3306))
    }

    #[test]
    fn a_failed_address_is_last_until_it_is_reached_or_forgotten() {
        let mut health = AddressHealth::default();
        health.record(address(1), false, 100);
        health.record(address(2), false, 50);
        let sorted = |health: &AddressHealth, now| {
            let mut all = [address(1), address(2), address(3), address(4)];
            health.sort(&mut all, now);
            all.map(|one| one.to_string().replace(":3306", "").replace("10.0.0.", ""))
        };
        assert_eq!(sorted(&health, 200), ["3", "4", "2", "1"]);
        assert_eq!(sorted(&health, 60 + FAILURE_TTL), ["2", "3", "4", "1"]);
        health.record(address(1), true, 300);
        assert_eq!(sorted(&health, 300), ["1", "3", "4", "2"]);
    }

    #[test]
    fn the_number_of_remembered_addresses_is_bounded() {
        let mut health = AddressHealth::default();
        for number in 0..u16::MAX {
            health.record(SocketAddr::from(([10, 0, 0, 1], number)), false, 1);
        }
        assert!(health.failures.len() <= MAX_ENTRIES);
    }
}
