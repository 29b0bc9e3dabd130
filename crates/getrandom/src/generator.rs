//! Makes any number of bytes from a seed.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

use crate::pool::SEED_BYTES;

/// The bytes that one seed gives.
const RESEED_INTERVAL: usize = 1024 * 1024;

/// A ChaCha20 generator.
pub(crate) struct Generator {
    cipher: ChaCha20Rng,
    remaining: usize,
}

impl Generator {
    pub(crate) fn new(seed: [u8; SEED_BYTES]) -> Self {
        Self { cipher: ChaCha20Rng::from_seed(seed), remaining: RESEED_INTERVAL }
    }

    /// Whether the seed has given enough bytes.
    pub(crate) fn needs_reseeding(&self) -> bool {
        self.remaining == 0
    }

    /// Fills `dest`, then takes a new key from the cipher: the bytes cannot be computed from the state any more.
    pub(crate) fn fill(&mut self, dest: &mut [u8]) {
        self.cipher.fill_bytes(dest);
        self.remaining = self.remaining.saturating_sub(dest.len());
        self.cipher = ChaCha20Rng::from_seed(self.draw_secret());
    }

    /// Bytes that depend on the seed and are given to no caller.
    pub(crate) fn draw_secret(&mut self) -> [u8; SEED_BYTES] {
        let mut secret = [0; SEED_BYTES];
        self.cipher.fill_bytes(&mut secret);
        secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(generator: &mut Generator) -> [u8; 32] {
        let mut bytes = [0; 32];
        generator.fill(&mut bytes);
        bytes
    }

    #[test]
    fn the_bytes_depend_on_the_seed_and_never_repeat() {
        let (mut first, mut same, mut other) =
            (Generator::new([1; 32]), Generator::new([1; 32]), Generator::new([2; 32]));
        let drawn = draw(&mut first);
        assert_eq!(drawn, draw(&mut same));
        assert_ne!(drawn, draw(&mut other));
        assert_ne!(drawn, draw(&mut first));
    }

    #[test]
    fn a_new_key_replaces_the_old_one_after_each_request() {
        let mut generator = Generator::new([1; 32]);
        let mut plain = ChaCha20Rng::from_seed([1; 32]);
        let mut stream = [0; 96];
        plain.fill_bytes(&mut stream);
        assert_eq!(draw(&mut generator), stream[..32]);
        // The second request does not come from the first key's stream.
        let second = draw(&mut generator);
        assert!(stream.windows(32).all(|window| window != second));
    }

    #[test]
    fn a_mebibyte_uses_the_seed_up() {
        let mut generator = Generator::new([1; 32]);
        generator.fill(&mut vec![0; RESEED_INTERVAL - 1]);
        assert!(!generator.needs_reseeding());
        generator.fill(&mut [0]);
        assert!(generator.needs_reseeding());
    }
}
