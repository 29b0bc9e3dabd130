//! Which addresses could not be reached lately.
//!
//! tokio_wasi takes the first address of a name alone, and tells nobody when a connect has failed; the first read or write does. So each socket's first
//! outcome after a connect, or that it was closed without one, is noted here, and a name's addresses that failed in the last half minute come after the others: whoever tries
//! again is given the next one.

use std::collections::HashMap;
use std::net::SocketAddr;

/// How long a failure counts, in nanoseconds.
const COUNTS: u64 = 30_000_000_000;

/// The addresses that are remembered at most; beyond that the memory begins anew.
const MOST: usize = 256;

/// The addresses that failed, and when.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    failed: HashMap<SocketAddr, u64>,
}

impl Reach {
    /// Notes how a connect has ended.
    pub(crate) fn note(&mut self, address: SocketAddr, reached: bool, now: u64) {
        if reached {
            self.failed.remove(&address);
            return;
        }
        if self.failed.len() >= MOST {
            self.failed.clear();
        }
        self.failed.insert(address, now);
    }

    /// Puts what failed lately last, the longest ago first of it; the order is kept otherwise.
    pub(crate) fn sort(&self, addresses: &mut [SocketAddr], now: u64) {
        let failed =
            |address: &SocketAddr| self.failed.get(address).copied().filter(|when| now.saturating_sub(*when) < COUNTS);
        // None is less than any time.
        addresses.sort_by_key(failed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], 3306))
    }

    #[test]
    fn what_failed_comes_last_until_it_is_reached_or_forgotten() {
        let mut reach = Reach::default();
        reach.note(address(1), false, 100);
        reach.note(address(2), false, 50);
        let sorted = |reach: &Reach, now| {
            let mut all = [address(1), address(2), address(3), address(4)];
            reach.sort(&mut all, now);
            all.map(|one| one.to_string().replace(":3306", "").replace("10.0.0.", ""))
        };
        assert_eq!(sorted(&reach, 200), ["3", "4", "2", "1"]);
        assert_eq!(sorted(&reach, 60 + COUNTS), ["2", "3", "4", "1"]);
        reach.note(address(1), true, 300);
        assert_eq!(sorted(&reach, 300), ["1", "3", "4", "2"]);
    }

    #[test]
    fn any_number_of_addresses_is_remembered_in_bounded_room() {
        let mut reach = Reach::default();
        for number in 0..u16::MAX {
            reach.note(SocketAddr::from(([10, 0, 0, 1], number)), false, 1);
        }
        assert!(reach.failed.len() <= MOST);
    }
}
