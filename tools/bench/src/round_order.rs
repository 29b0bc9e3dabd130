//! The order of runs in rounds.

use fastrand::Rng;

/// The items in a random order. The same seed gives the same orders in every run.
pub(crate) fn shuffled<T: Copy>(rng: &mut Rng, items: &[T]) -> Vec<T> {
    let mut order = items.to_vec();
    rng.shuffle(&mut order);
    order
}

/// All items forwards and then backwards (A B C C B A), `rounds` times: all share evenly in drifts over time.
pub(crate) fn forwards_and_backwards<T: Copy>(items: &[T], rounds: usize) -> Vec<T> {
    let round: Vec<_> = items.iter().chain(items.iter().rev()).copied().collect();
    round.repeat(rounds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_has_every_item_once_and_every_item_takes_every_position() {
        let mut rng = Rng::with_seed(5);
        let rounds: Vec<Vec<u8>> = (0..400).map(|_| shuffled(&mut rng, &[0, 1, 2, 3])).collect();
        for round in &rounds {
            let mut sorted = round.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3]);
        }
        for item in 0..4 {
            for position in 0..4 {
                let count = rounds.iter().filter(|round| round.get(position) == Some(&item)).count();
                assert!((60..140).contains(&count), "{item} is {count} times at position {position}");
            }
        }
    }

    #[test]
    fn items_run_forwards_and_backwards() {
        assert_eq!(forwards_and_backwards(&['A', 'B', 'C'], 1), ['A', 'B', 'C', 'C', 'B', 'A']);
        assert_eq!(forwards_and_backwards(&[1, 2, 3], 2).len(), 12);
    }
}
