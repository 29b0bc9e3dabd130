//! Random numbers that are the same for the same seed, so that a run can be repeated (SplitMix64's constants).

use std::ops::Range;
use std::time::Duration;

/// A generator.
#[derive(Clone, Debug)]
pub(crate) struct Numbers(u64);

impl Numbers {
    /// The generator of one client among those of a run.
    pub(crate) fn of(seed: u64, client: u64) -> Self {
        let mut numbers = Self(seed ^ client.wrapping_mul(0xA076_1D64_78BD_642F));
        numbers.next();
        numbers
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from this range, which is not empty.
    pub(crate) fn within(&mut self, range: Range<u32>) -> u32 {
        let width = u64::from(range.end.saturating_sub(range.start)).max(1);
        range.start + u32::try_from(self.next() % width).unwrap_or_default()
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: u32) -> bool {
        self.within(0..times) == 0
    }

    /// A time of so many milliseconds.
    pub(crate) fn millis(&mut self, range: Range<u32>) -> Duration {
        Duration::from_micros(u64::from(self.within(range.start * 1000..range.end * 1000)))
    }
}
