//! The choice against a model: who was asked about when.
#![expect(clippy::indexing_slicing, clippy::panic, reason = "a test may end")]

use super::*;

/// Runs with different numbers, and the most descriptors of one that asks about each; the interpreter, where the tests run too, is some fifty times slower.
const RUNS: u64 = if cfg!(target_os = "wasi") { 2 } else { 60 };
const MOST: u64 = if cfg!(target_os = "wasi") { 300 } else { 3_000 };

/// A generator of numbers, the same ones for the same seed (SplitMix64's constants).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Descriptors of one of three kinds: random ones as the runtime gives them, small ones in a row, and ones that share a class.
fn descriptors(numbers: &mut Numbers, count: usize) -> Vec<u32> {
    let kind = numbers.below(3);
    let mut all = std::collections::BTreeSet::new();
    while all.len() < count {
        let fd = match kind {
            0 => numbers.below(1 << 31) as u32,
            1 => all.len() as u32 + 3,
            _ => (all.len() as u32) << 8,
        };
        all.insert(fd);
    }
    all.into_iter().collect()
}

/// One run: waits at random moments, random descriptors busy; returns the longest time that any descriptor was not asked about, and the longest
/// time between two waits.
fn longest_neglect(seed: u64) -> (u64, u64, u64) {
    let mut numbers = Numbers(seed);
    let count = FEW + 1 + numbers.below(MOST) as usize;
    let all = descriptors(&mut numbers, count);
    let busy = 1 + numbers.below(20) as usize;
    let pace = [20_000, 200_000, 3_000_000][numbers.below(3) as usize];
    let (mut choice, mut now) = (Choice::new(), 1_000);
    let mut asked = vec![now; count];
    let (mut neglect, mut pause) = (0, 0);
    for _ in 0..1_000 {
        let began = now;
        let ask = choice.begin(count, now);
        for (fd, asked) in all.iter().zip(&mut asked) {
            if ask == Ask::All || choice.wants(*fd) != Want::Nothing {
                neglect = neglect.max(now - *asked);
                *asked = now;
            }
        }
        for _ in 0..busy {
            choice.active(all[numbers.below(busy as u64) as usize]);
        }
        now += 1 + numbers.below(pace);
        pause = pause.max(now - began);
        choice.end(ask == Ask::All, count, began, now);
    }
    let rest = asked.iter().map(|asked| now - asked).max().unwrap_or(0);
    (neglect.max(rest), pause, round(count))
}

#[test]
fn no_descriptor_is_left_out_for_longer_than_a_round_and_the_longest_pause() {
    for seed in 0..RUNS {
        let (neglect, pause, round) = longest_neglect(seed);
        let allowed = round + round / CLASSES + 2 * pause;
        assert!(
            neglect <= allowed,
            "seed {seed}: left out for {neglect} ns, a round is {round}, the longest pause {pause}"
        );
    }
}

#[test]
fn an_active_descriptor_is_always_asked_about() {
    for seed in 0..RUNS {
        let mut numbers = Numbers(seed);
        let all = descriptors(&mut numbers, 3_000);
        let mut choice = Choice::new();
        choice.end(true, all.len(), 0, 1);
        let mut recent: Vec<(u32, u32)> = Vec::new();
        for wait in 0..400 {
            let ask = choice.begin(all.len(), u64::from(wait) * 30_000);
            assert_ne!(ask, Ask::All, "the process is busy");
            for (fd, when) in &recent {
                if wait - when < GENERATION {
                    assert_eq!(choice.wants(*fd), Want::Wait, "seed {seed}: {fd} was active {} waits ago", wait - when);
                }
            }
            let fd = all[numbers.below(all.len() as u64) as usize];
            choice.active(fd);
            recent.push((fd, wait));
        }
    }
}

#[test]
fn a_busy_process_asks_about_few() {
    let mut numbers = Numbers(7);
    let all: Vec<u32> = (0..2_000).map(|_| numbers.below(1 << 31) as u32).collect();
    let mut choice = Choice::new();
    choice.end(true, all.len(), 0, 1);
    let (mut asked, waits) = (0, 10_000);
    for wait in 0..waits {
        choice.begin(all.len(), wait * 50_000);
        asked += all.iter().filter(|fd| choice.wants(**fd) != Want::Nothing).count() as u64;
        choice.active(all[0]);
    }
    // 50 µs of a round of 11.2 ms are 9 of 2,000; the active one and those that share its bit come to it.
    assert!(asked / waits <= 12, "{} a wait", asked / waits);
}

#[test]
fn few_are_always_asked_about_and_a_calm_process_asks_about_all() {
    let mut choice = Choice::new();
    assert_eq!(choice.begin(5_000, 0), Ask::All, "at first");
    choice.end(true, 5_000, 0, 1_000_000_000);
    assert_eq!(choice.begin(5_000, 1_000_000_000), Ask::All, "after a long wait");
    choice.end(true, 5_000, 1_000_000_000, 1_000_050_000);
    assert_eq!(choice.begin(FEW, 1_000_060_000), Ask::All, "few");
    match choice.begin(5_000, 1_000_070_000) {
        Ask::Some { step } => assert_eq!(step, STEP),
        Ask::All => panic!("a busy process does not ask about all"),
    }
}

#[test]
fn silence_is_waited_out_in_steps_and_then_all_are_asked_about() {
    let (count, mut now, mut steps) = (5_000, 1_000, 0);
    let mut choice = Choice::new();
    choice.end(true, count, 0, now);
    let (began, mut ask) = (now, choice.begin(count, now));
    while let Ask::Some { step } = ask {
        assert!(step > 0 && step <= STEP);
        now += step;
        steps += 1;
        ask = choice.go_on(count, now - began, now);
    }
    assert_eq!((steps, now - began), (4, silence(count)));
}

#[test]
fn a_clock_that_stands_still_or_goes_back_does_no_harm() {
    let mut choice = Choice::new();
    choice.end(true, 1_000, 5, 6);
    for now in [10, 10, 3, 0, u64::MAX, 1, u64::MAX] {
        choice.begin(1_000, now);
        choice.wants(1);
    }
}
