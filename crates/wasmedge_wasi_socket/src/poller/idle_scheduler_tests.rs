//! The scheduler against a model that records when each descriptor was selected.
#![expect(clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use super::*;

/// The number of random runs, and the maximum number of descriptors of one. The tests run in WasmEdge's interpreter
/// too, which is some fifty times slower.
const RUNS: u64 = if cfg!(target_os = "wasi") { 2 } else { 60 };
const MAX_DESCRIPTORS: u64 = if cfg!(target_os = "wasi") { 300 } else { 3_000 };

/// Begins a wait that polls.
fn begin(scheduler: &mut IdleScheduler, count: usize, now: u64) -> Plan {
    scheduler.begin();
    scheduler.plan(count, now)
}

/// A random number generator, SplitMix64.
struct Random(u64);

impl Random {
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

/// Descriptors of one of three kinds: random ones as from the runtime, small consecutive ones, and multiples of 256.
fn descriptors(random: &mut Random, count: usize) -> Vec<u32> {
    let kind = random.below(3);
    let mut all = std::collections::BTreeSet::new();
    while all.len() < count {
        let fd = match kind {
            0 => random.below(1 << 31) as u32,
            1 => all.len() as u32 + 3,
            _ => (all.len() as u32) << 8,
        };
        all.insert(fd);
    }
    all.into_iter().collect()
}

/// One run with waits at random times and random busy descriptors. Returns the longest time that a descriptor was not
/// selected, the longest time between two waits, and the cycle time.
fn longest_gap(seed: u64) -> (u64, u64, u64) {
    let mut random = Random(seed);
    let count = POLL_ALL_MAX + 1 + random.below(MAX_DESCRIPTORS) as usize;
    let all = descriptors(&mut random, count);
    let busy = 1 + random.below(20) as usize;
    let pace = [20_000, 200_000, 3_000_000][random.below(3) as usize];
    let (mut scheduler, mut now) = (IdleScheduler::new(), 1_000);
    let mut selected = vec![now; count];
    let (mut gap, mut pause) = (0, 0);
    for _ in 0..1_000 {
        let began = now;
        let plan = begin(&mut scheduler, count, now);
        for (fd, selected) in all.iter().zip(&mut selected) {
            if plan == Plan::All || scheduler.select(*fd, true) != Selection::Skip {
                gap = gap.max(now - *selected);
                *selected = now;
            }
        }
        for _ in 0..busy {
            scheduler.mark_active(all[random.below(busy as u64) as usize]);
        }
        now += 1 + random.below(pace);
        pause = pause.max(now - began);
        scheduler.end(plan == Plan::All, count, began, now);
    }
    let rest = selected.iter().map(|selected| now - selected).max().unwrap_or(0);
    (gap.max(rest), pause, cycle_time(count))
}

#[test]
fn no_descriptor_is_skipped_for_longer_than_a_cycle_and_a_pause() {
    for seed in 0..RUNS {
        let (gap, pause, cycle) = longest_gap(seed);
        let allowed = cycle + cycle / CLASSES + 2 * pause;
        assert!(gap <= allowed, "seed {seed}: skipped for {gap} ns, a cycle is {cycle}, the longest pause {pause}");
    }
}

#[test]
fn an_active_descriptor_is_always_polled() {
    for seed in 0..RUNS {
        let mut random = Random(seed);
        let all = descriptors(&mut random, 3_000);
        let mut scheduler = IdleScheduler::new();
        scheduler.end(true, all.len(), 0, 1);
        let mut recent: Vec<(u32, u32)> = Vec::new();
        for wait in 0..400 {
            let plan = begin(&mut scheduler, all.len(), u64::from(wait) * 30_000);
            assert_ne!(plan, Plan::All, "the process is busy");
            for (fd, when) in &recent {
                if wait - when < GENERATION {
                    assert_eq!(
                        scheduler.select(*fd, true),
                        Selection::Poll,
                        "seed {seed}: {fd} was active {} waits ago",
                        wait - when
                    );
                }
            }
            let fd = all[random.below(all.len() as u64) as usize];
            scheduler.mark_active(fd);
            recent.push((fd, wait));
        }
    }
}

#[test]
fn a_busy_process_selects_few_descriptors() {
    let mut random = Random(7);
    let all: Vec<u32> = (0..2_000).map(|_| random.below(1 << 31) as u32).collect();
    let mut scheduler = IdleScheduler::new();
    scheduler.end(true, all.len(), 0, 1);
    let (mut selected, waits) = (0, 10_000);
    for wait in 0..waits {
        begin(&mut scheduler, all.len(), wait * 50_000);
        selected += all.iter().filter(|fd| scheduler.select(**fd, true) != Selection::Skip).count() as u64;
        scheduler.mark_active(all[0]);
    }
    // 50 µs of a cycle of 11.2 ms are 9 of 2,000. The active one and those that share its bit are added.
    assert!(selected / waits <= 12, "{} per wait", selected / waits);
}

#[test]
fn all_are_polled_if_they_are_few_or_the_process_is_quiet() {
    let mut scheduler = IdleScheduler::new();
    assert_eq!(begin(&mut scheduler, 5_000, 0), Plan::All, "at first");
    scheduler.end(true, 5_000, 0, 1_000_000_000);
    assert_eq!(begin(&mut scheduler, 5_000, 1_000_000_000), Plan::All, "after a long wait");
    scheduler.end(true, 5_000, 1_000_000_000, 1_000_050_000);
    assert_eq!(begin(&mut scheduler, POLL_ALL_MAX, 1_000_060_000), Plan::All, "few");
    match begin(&mut scheduler, 5_000, 1_000_070_000) {
        Plan::Subset { timeout } => assert_eq!(timeout, MAX_SUBSET_TIMEOUT),
        Plan::All => panic!("a busy process polls a subset"),
    }
}

#[test]
fn all_are_polled_after_the_quiet_time() {
    let (count, mut now, mut steps) = (5_000, 1_000, 0);
    let mut scheduler = IdleScheduler::new();
    scheduler.end(true, count, 0, now);
    let (began, mut plan) = (now, begin(&mut scheduler, count, now));
    while let Plan::Subset { timeout } = plan {
        assert!(timeout > 0 && timeout <= MAX_SUBSET_TIMEOUT);
        now += timeout;
        steps += 1;
        plan = scheduler.resume(count, now - began, now);
    }
    assert_eq!((steps, now - began), (14, scheduler.quiet_time(count)));
}

#[test]
fn silences_that_active_descriptors_end_are_waited_for_longer() {
    let (count, mut scheduler) = (1_000, IdleScheduler::new());
    let [short, long] = [MIN_QUIET_FACTOR, MAX_QUIET_FACTOR].map(|quiet_factor| quiet_factor * REGISTER_COST * 1_000);
    assert_eq!(scheduler.quiet_time(count), short);
    scheduler.learn(count, short - 1, true);
    assert_eq!(scheduler.quiet_time(count), short, "the silence was too short for a choice");
    scheduler.learn(count, short, true);
    assert_eq!(scheduler.quiet_time(count), long);
    for expected in [long / 2, long / 4, long / 8, short] {
        scheduler.learn(count, 2 * long, false);
        assert_eq!(scheduler.quiet_time(count), expected);
    }
}

#[test]
fn a_caller_with_other_work_asks_an_eighth_of_the_time() {
    let mut scheduler = IdleScheduler::new();
    assert!(scheduler.is_due(0), "at first");
    scheduler.record_selection(400, 1_000);
    assert!(!scheduler.is_due(1_000) && !scheduler.is_due(1_000 + 8 * 400 * PEEK_COST - 1));
    assert!(scheduler.is_due(1_000 + 8 * 400 * PEEK_COST));
    assert!(scheduler.is_due(999), "the clock went back");
    scheduler.record_selection(SMALL_SELECTION, 1_000);
    assert!(scheduler.is_due(1_000), "few descriptors");
}

#[test]
fn a_clock_that_stops_or_goes_back_causes_no_panic() {
    let mut scheduler = IdleScheduler::new();
    scheduler.end(true, 1_000, 5, 6);
    for now in [10, 10, 3, 0, u64::MAX, 1, u64::MAX] {
        begin(&mut scheduler, 1_000, now);
        scheduler.select(1, true);
    }
}
