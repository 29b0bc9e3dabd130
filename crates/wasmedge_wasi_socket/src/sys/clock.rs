//! The monotonic clock.

use super::abi;

/// Nanoseconds of the monotonic clock; 0 if the runtime has none.
pub(crate) fn now() -> u64 {
    /// `__WASI_CLOCKID_MONOTONIC`.
    const MONOTONIC: u32 = 1;
    let mut time = 0;
    // SAFETY: `time` is a live u64, the only memory that is written.
    let result = unsafe { abi::clock_time_get(MONOTONIC, 1, &mut time) };
    if result == 0 { time } else { 0 }
}
