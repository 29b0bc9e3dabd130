//! The corpus, and some thousand mutations of it, through each target.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking, and says what it tried")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use fuzz::{Mutator, TARGETS, Target, corpus};

/// Mutations for each target. They are the same ones in each run.
const INPUTS: usize = 20_000;

/// A slow machine tries fewer.
const MAX_DURATION: Duration = Duration::from_secs(3);

#[test]
fn no_input_of_the_corpus_and_no_mutation_breaks_a_promise() {
    for target in TARGETS {
        let corpus = corpus::read(target.name).unwrap();
        corpus.iter().for_each(|input| run(target, input));
        let mut mutator = Mutator::new(&corpus, target.dictionary, 7);
        let started = Instant::now();
        let tried = (0..INPUTS).take_while(|_| started.elapsed() < MAX_DURATION);
        let tried = tried.map(|_| run(target, &mutator.next_input())).count();
        println!("{}: {} inputs of the corpus, {tried} mutations", target.name, corpus.len());
        assert!(tried > 0, "{}: not one mutation was tried", target.name);
    }
}

#[test]
fn each_corpus_belongs_to_a_target() {
    let all = corpus::directory("");
    for entry in std::fs::read_dir(all).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(fuzz::find(&name).is_some(), "corpus/{name} has no target");
    }
}

/// Runs the target and shows the input if it panics.
fn run(target: &Target, input: &[u8]) {
    let result = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    assert!(result.is_ok(), "{} fails with {:?}", target.name, String::from_utf8_lossy(input));
}
