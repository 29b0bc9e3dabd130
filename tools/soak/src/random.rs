//! Random numbers that depend on the run's seed only: the same seed repeats a run's requests and faults.

use std::ops::Range;
use std::time::Duration;

use fastrand::Rng;

/// The generator of one client. Clients of a run have different numbers.
pub(crate) fn for_client(seed: u64, client: u64) -> Rng {
    // Without the factor, client 1 of seed 2 would have the numbers of client 2 of seed 1.
    Rng::with_seed(seed ^ client.wrapping_mul(0xA076_1D64_78BD_642F))
}

/// True with a probability of one in `count`.
pub(crate) fn one_in(rng: &mut Rng, count: u32) -> bool {
    rng.u32(0..count) == 0
}

/// A duration in milliseconds, with the resolution of a microsecond.
pub(crate) fn millis(rng: &mut Rng, range: Range<u32>) -> Duration {
    Duration::from_micros(u64::from(rng.u32(range.start * 1000..range.end * 1000)))
}
