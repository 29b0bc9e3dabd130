//! Whose turn it is.

/// Rounds in which everybody has one turn, each round in another order; the same orders in every run.
#[derive(Debug)]
pub(crate) struct Turns {
    state: u64,
}

impl Turns {
    /// The orders that belong to `seed`, which is not 0.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next round: a Fisher–Yates shuffle.
    pub(crate) fn round<T: Copy>(&mut self, of: &[T]) -> Vec<T> {
        let mut order = of.to_vec();
        for last in (1..order.len()).rev() {
            let other = self.next() % (last as u64 + 1);
            order.swap(last, usize::try_from(other).unwrap_or_default());
        }
        order
    }

    /// Marsaglia's xorshift64: as random as the order of a few containers needs to be.
    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_one_turn_a_round_and_every_place_is_anybodys() {
        let mut turns = Turns::seeded(5);
        let rounds: Vec<Vec<u8>> = (0..400).map(|_| turns.round(&[0, 1, 2, 3])).collect();
        for round in &rounds {
            let mut sorted = round.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3]);
        }
        for who in 0..4 {
            for place in 0..4 {
                let times = rounds.iter().filter(|round| round.get(place) == Some(&who)).count();
                assert!((60..140).contains(&times), "{who} is {times} times at place {place}");
            }
        }
    }
}
