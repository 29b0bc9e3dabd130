//! Hashes samples into a seed, and counts the bits that an attacker cannot predict.

use sha2::{Digest, Sha256};

use crate::Error;
use crate::minstd::Engine;

/// The length of a seed in bytes, and of a sample of the kernel's.
pub(crate) const SEED_BYTES: usize = 32;

/// Less than this is not fit for keys.
const MIN_BITS: u32 = 128;

/// A version 4 UUID (RFC 9562) has 122 random bits.
const UUID_BITS: u32 = 122;

/// The seed of WasmEdge 0.14's engine is a number of 32 bits modulo 2³¹ − 1. The most probable seed comes from three of
/// 2³² numbers: 30.4 bits.
const ENGINE_SEED_BITS: u32 = 30;

/// The state of WasmEdge 0.17's `random_get`. Nothing better is assumed of a runtime that is not recognised.
const UNKNOWN_RUNTIME_BITS: u32 = 64;

/// Samples, and what they are worth.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    hash: Sha256,
    kernel_bits: u32,
    uuids: Vec<[u8; 16]>,
    /// The engine of each recognised call of `random_get` that had a new seed, after its first word.
    engines: Vec<Engine>,
    /// The engine after the last call.
    last_engine: Option<Engine>,
    runtime_is_unknown: bool,
}

impl Pool {
    /// Adds bytes of `/dev/urandom`.
    pub(crate) fn add_kernel(&mut self, sample: &[u8; SEED_BYTES]) {
        self.add(1, sample);
        // A device such as /dev/zero in its place is worth nothing.
        if sample.iter().any(|byte| byte != &sample[0]) {
            self.kernel_bits = 8 * SEED_BYTES as u32;
        }
    }

    /// Adds the content of `/proc/sys/kernel/random/uuid`. A file with the same content at each read is worth nothing.
    pub(crate) fn add_uuid(&mut self, text: &str) {
        self.add(2, text.as_bytes());
        match parse_uuid(text) {
            Some(uuid) if !self.uuids.contains(&uuid) => self.uuids.push(uuid),
            _ => {}
        }
    }

    /// Adds the output of one call of `random_get`.
    pub(crate) fn add_random_get(&mut self, words: &[u32; 4]) {
        for word in words {
            self.add(3, &word.to_le_bytes());
        }
        let Some(engine) = Engine::recognise(words) else {
            self.runtime_is_unknown = true;
            return;
        };
        let is_continued = self.last_engine.as_mut().is_some_and(|last| last.word() == words[0]);
        if !is_continued && !self.engines.contains(&engine) {
            self.engines.push(engine);
        }
        self.last_engine = Some(engine.after(words));
    }

    /// Adds a clock reading. It is worth nothing: an attacker may know it.
    pub(crate) fn add_clock(&mut self, nanoseconds: u128) {
        self.add(4, &nanoseconds.to_le_bytes());
    }

    /// Adds a secret of the previous generator. It is worth nothing: it is as good as its old seed.
    pub(crate) fn add_secret(&mut self, secret: &[u8; SEED_BYTES]) {
        self.add(5, secret);
    }

    fn add(&mut self, source: u8, sample: &[u8]) {
        self.hash.update([source]);
        self.hash.update(sample.len().to_le_bytes());
        self.hash.update(sample);
    }

    /// The bits that an attacker cannot predict.
    pub(crate) fn bits(&self) -> u32 {
        let count = |items: usize, bits: u32| u32::try_from(items).unwrap_or(u32::MAX).saturating_mul(bits);
        let runtime =
            if self.runtime_is_unknown { UNKNOWN_RUNTIME_BITS } else { count(self.engines.len(), ENGINE_SEED_BITS) };
        // One UUID alone may be an ordinary file.
        let uuids = if self.uuids.len() > 1 { count(self.uuids.len(), UUID_BITS) } else { 0 };
        self.kernel_bits.saturating_add(uuids).saturating_add(runtime)
    }

    /// The seed.
    ///
    /// # Errors
    /// [`Error::TOO_FEW_BITS`].
    pub(crate) fn seed(self) -> Result<[u8; SEED_BYTES], Error> {
        if self.bits() < MIN_BITS {
            return Err(Error::TOO_FEW_BITS);
        }
        Ok(self.hash.finalize().into())
    }
}

/// The bytes of a version 4 UUID.
fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let digits = text.trim_end().split('-').map(str::as_bytes);
    if !digits.clone().map(<[u8]>::len).eq([8, 4, 4, 4, 12]) {
        return None;
    }
    let digits = digits.flatten().map(|digit| char::from(*digit).to_digit(16)).collect::<Option<Vec<_>>>()?;
    let mut uuid = [0; 16];
    for (byte, pair) in uuid.iter_mut().zip(digits.chunks(2)) {
        *byte = pair.iter().fold(0, |byte, digit| byte << 4 | u8::try_from(*digit).unwrap_or_default());
    }
    (uuid[6] >> 4 == 4).then_some(uuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUIDS: [&str; 3] = [
        "3b241101-e2bb-4255-8caf-4136c566a962\n",
        "0e984725-c51c-4bf4-9960-e1c80e27aba0\n",
        "a3bb189e-8bf9-4888-9912-ace4e6543002\n",
    ];

    fn pool(add: impl FnOnce(&mut Pool)) -> Pool {
        let mut pool = Pool::default();
        add(&mut pool);
        pool
    }

    #[test]
    fn the_kernels_bytes_are_enough() {
        let pool = pool(|pool| pool.add_kernel(&std::array::from_fn(|index| index as u8)));
        assert_eq!(pool.bits(), 256);
        assert!(pool.seed().is_ok());
    }

    #[test]
    fn a_device_of_zeros_is_worth_nothing() {
        assert_eq!(pool(|pool| pool.add_kernel(&[0; SEED_BYTES])).seed(), Err(Error::TOO_FEW_BITS));
    }

    #[test]
    fn different_uuids_are_enough() {
        assert_eq!(pool(|pool| UUIDS.iter().for_each(|uuid| pool.add_uuid(uuid))).bits(), 366);
    }

    #[test]
    fn a_file_with_one_uuid_or_with_other_text_is_worth_nothing() {
        for text in
            [UUIDS[0], "", "hello", "3b241101-e2bb-1255-8caf-4136c566a962", "3b241101-e2bb-4255-8caf-4136c566a96é"]
        {
            let pool = pool(|pool| (0..4).for_each(|_| pool.add_uuid(text)));
            assert_eq!(pool.bits(), 0, "{text}");
        }
    }

    #[test]
    fn each_call_of_wasmedge_0_14_adds_its_own_seed() {
        let pool = pool(|pool| (1..=5).for_each(|seed| pool.add_random_get(&Engine::new(seed * 99_991).words())));
        assert_eq!(pool.bits(), 150);
        assert!(pool.seed().is_ok());
    }

    #[test]
    fn four_calls_of_wasmedge_0_14_are_too_few() {
        let pool = pool(|pool| (1..=4).for_each(|seed| pool.add_random_get(&Engine::new(seed * 99_991).words())));
        assert_eq!(pool.seed(), Err(Error::TOO_FEW_BITS));
    }

    #[test]
    fn a_repeated_seed_counts_once() {
        let pool = pool(|pool| (0..20).for_each(|_| pool.add_random_get(&Engine::new(7).words())));
        assert_eq!(pool.bits(), 30);
    }

    #[test]
    fn an_engine_that_goes_on_from_call_to_call_counts_once() {
        let mut engine = Engine::new(7);
        let pool = pool(|pool| (0..20).for_each(|_| pool.add_random_get(&engine.words())));
        assert_eq!(pool.bits(), 30);
    }

    #[test]
    fn calls_of_an_unknown_runtime_have_64_bits_together() {
        let unknown = |pool: &mut Pool| (0..20).for_each(|word| pool.add_random_get(&[word, 3, word ^ 99, 4]));
        assert_eq!(pool(unknown).seed(), Err(Error::TOO_FEW_BITS));
        let mixed = pool(|pool| {
            unknown(pool);
            pool.add_random_get(&Engine::new(7).words());
        });
        assert_eq!(mixed.bits(), 64);
    }

    #[test]
    fn clocks_and_the_old_generator_are_worth_nothing() {
        let pool = pool(|pool| {
            (0..1_000).for_each(|clock| pool.add_clock(clock));
            pool.add_secret(&[9; SEED_BYTES]);
        });
        assert_eq!(pool.bits(), 0);
    }

    #[test]
    fn every_sample_changes_the_seed() -> Result<(), Error> {
        let kernel = std::array::from_fn(|index| index as u8);
        let seed = |add: &dyn Fn(&mut Pool)| {
            let mut pool = pool(|pool| pool.add_kernel(&kernel));
            add(&mut pool);
            pool.seed()
        };
        let seeds = [
            seed(&|_| {})?,
            seed(&|pool| pool.add_kernel(&[1; SEED_BYTES]))?,
            seed(&|pool| pool.add_uuid("1"))?,
            seed(&|pool| pool.add_random_get(&[1, 0, 0, 0]))?,
            seed(&|pool| pool.add_random_get(&[0, 1, 0, 0]))?,
            seed(&|pool| pool.add_clock(1))?,
            seed(&|pool| pool.add_secret(&[1; SEED_BYTES]))?,
        ];
        for (index, seed) in seeds.iter().enumerate() {
            assert_eq!(seeds.iter().position(|other| other == seed), Some(index));
        }
        Ok(())
    }
}
