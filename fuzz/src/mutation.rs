//! Mutations of inputs, for the short run: the same ones each time.

use std::ops::Range;

use fastrand::Rng;

/// The longest input that mutations make, in bytes. The faults of parsers are in short inputs.
const MAX_LENGTH: usize = 4_096;

/// Bytes at the borders of what parsers distinguish.
const BORDER_BYTES: [u8; 12] = [0, 1, b'"', b'-', b'0', b'9', b'\\', 0x7f, 0x80, 0xbf, 0xc0, 0xff];

/// Makes inputs from a corpus and a dictionary.
#[derive(Debug)]
pub struct Mutator<'c> {
    corpus: &'c [Vec<u8>],
    dictionary: &'static [&'static str],
    random: Rng,
}

impl<'c> Mutator<'c> {
    /// The same arguments make the same inputs.
    #[must_use]
    pub fn new(corpus: &'c [Vec<u8>], dictionary: &'static [&'static str], seed: u64) -> Self {
        Self { corpus, dictionary, random: Rng::with_seed(seed) }
    }

    /// The next input: one of the corpus with one to eight changes.
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.random.choice(self.corpus).cloned().unwrap_or_default();
        for _ in 0..self.random.usize(1..=8) {
            self.mutate(&mut input);
        }
        input.truncate(MAX_LENGTH);
        input
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let range = self.range(input.len());
        match self.random.u8(0..8) {
            0 => self.replace(input, |random, byte| byte ^ (1 << random.u8(0..8))),
            1 => self.replace(input, |random, _| random.u8(..)),
            2 => self.replace(input, |random, byte| random.choice(BORDER_BYTES).unwrap_or(byte)),
            3 => drop(input.drain(range)),
            4 => {
                let piece = input.get(range.clone()).unwrap_or_default().repeat(self.random.usize(1..=16));
                insert(input, range.start, &piece);
            }
            5 | 6 => {
                let token = self.random.choice(self.dictionary.iter().copied()).unwrap_or_default();
                insert(input, range.start, token.as_bytes());
            }
            _ => {
                let other = self.random.choice(self.corpus).map(Vec::as_slice).unwrap_or_default();
                let piece = other.get(self.range(other.len())).unwrap_or_default();
                insert(input, range.start, piece);
            }
        }
    }

    /// Replaces one byte.
    fn replace(&mut self, input: &mut [u8], change: impl Fn(&mut Rng, u8) -> u8) {
        let index = self.random.usize(0..input.len().max(1));
        if let Some(byte) = input.get_mut(index) {
            *byte = change(&mut self.random, *byte);
        }
    }

    /// A part of an input of this length.
    fn range(&mut self, length: usize) -> Range<usize> {
        let start = self.random.usize(0..=length);
        start..self.random.usize(start..=length)
    }
}

fn insert(input: &mut Vec<u8>, at: usize, piece: &[u8]) {
    if input.len() + piece.len() <= MAX_LENGTH {
        input.splice(at..at, piece.iter().copied());
    }
}
