//! WasmEdge 0.14's `random_get`, to recognise its output.
//!
//! Each call seeds `std::default_random_engine` from `std::random_device` (`Environ::randomGet`), and draws words of 32
//! bits with `std::uniform_int_distribution`. In libstdc++ the engine is `minstd_rand0`, a linear congruential
//! generator with 2³¹ − 2 states. Each word shows its state. So two words tell whether the engine made them, and which
//! state it had. A new state in each call is a new seed.

/// The engine's modulus, 2³¹ − 1.
const MODULUS: u64 = 0x7FFF_FFFF;
/// The engine's multiplier.
const MULTIPLIER: u64 = 16_807;
/// The number of the engine's states, 1 to 2³¹ − 2.
const STATES: u64 = MODULUS - 1;
/// The distribution makes a number below 3 from a state: it divides by this, and rejects numbers from 3 on.
const THIRD: u64 = (STATES - 1) / 3;

/// The engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Engine {
    state: u64,
}

impl Engine {
    fn next(&mut self) -> u64 {
        self.state = self.state * MULTIPLIER % MODULUS;
        self.state
    }

    /// A word of 32 bits: a number below 3 chooses a range of [`STATES`] numbers, a state chooses within the range.
    /// Words above 32 bits are drawn again.
    pub(crate) fn word(&mut self) -> u32 {
        loop {
            let range = loop {
                let range = (self.next() - 1) / THIRD;
                if range < 3 {
                    break range;
                }
            };
            if let Ok(word) = u32::try_from(range * STATES + self.next() - 1) {
                return word;
            }
        }
    }

    /// The engine after the first of these words, if it made all of them.
    pub(crate) fn recognise(words: &[u32; 4]) -> Option<Self> {
        let [first, others @ ..] = words;
        (0..3).find_map(|range| {
            let state = (u64::from(*first) + 1).checked_sub(range * STATES)?;
            let engine = Self { state };
            let mut copy = engine;
            ((1..MODULUS).contains(&state) && others.iter().all(|word| copy.word() == *word)).then_some(engine)
        })
    }

    /// The engine after these words, the first of which it has made already.
    pub(crate) fn after(mut self, words: &[u32; 4]) -> Self {
        for _ in words.iter().skip(1) {
            self.word();
        }
        self
    }
}

#[cfg(test)]
impl Engine {
    /// The engine with this seed.
    pub(crate) fn new(seed: u32) -> Self {
        let state = u64::from(seed) % MODULUS;
        Self { state: if state == 0 { 1 } else { state } }
    }

    /// Its next four words.
    pub(crate) fn words(&mut self) -> [u32; 4] {
        [(); 4].map(|()| self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_libstdcxx() {
        // Printed by a C++ program with std::default_random_engine(seed) and std::uniform_int_distribution<uint32_t>.
        assert_eq!(Engine::new(42).words(), [1_126_542_222, 2_569_004_246, 2_699_605_190, 1_751_246_342]);
        assert_eq!(Engine::new(u32::MAX).words(), [282_475_248, 2_617_694_917, 1_457_850_877, 3_262_921_810]);
    }

    #[test]
    fn the_output_of_every_seed_is_recognised() {
        for seed in (1..u32::MAX).step_by(1_000_003) {
            let words = Engine::new(seed).words();
            let mut engine = Engine::recognise(&words).map(|engine| engine.after(&words));
            let mut expected = Engine::new(seed);
            expected.words();
            assert_eq!(engine.as_mut().map(Engine::words), Some(expected.words()), "seed {seed}");
        }
    }

    #[test]
    fn other_numbers_are_not_recognised() {
        assert_eq!(Engine::recognise(&[0; 4]), None);
        assert_eq!(Engine::recognise(&[u32::MAX; 4]), None);
        for seed in (1..u32::MAX).step_by(10_000_019) {
            let [first, second, third, fourth] = Engine::new(seed).words();
            assert_eq!(Engine::recognise(&[first, second, third, fourth ^ 1]), None);
            assert_eq!(Engine::recognise(&[second, first, third, fourth]), None);
        }
    }
}
