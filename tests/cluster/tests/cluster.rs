//! The order service on a real Kubernetes: all that `deploy/kubernetes` promises, tried.
//!
//! The tests share one cluster and follow one another, so this is a program of its own, not cargo's harness of threads; it prints the
//! same lines. Words on the command line choose the tests whose names contain one of them.
#![expect(clippy::print_stdout, reason = "what a test run has to say")]

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use cluster::{Cluster, progress};
use testkit::readme;

mod client;
mod database;
mod faults;
mod manifests;
mod memory;
mod native;
mod rollout;
mod start;
mod support;
mod walkthrough;

use support::World;

/// A test's name, and the test.
type Test = (&'static str, fn(&mut World) -> Result<()>);

/// In this order: later ones find the service as earlier ones left it, running with at least its first orders.
const TESTS: &[Test] = &[
    ("every_overlay_passes_strict_validation_under_restricted", manifests::every_overlay_passes),
    ("a_pod_that_is_not_restricted_is_refused", manifests::a_lax_pod_is_refused),
    ("a_token_that_can_be_guessed_opens_nothing", manifests::a_guessed_token_is_refused),
    ("the_walkthrough_works_by_the_services_name", walkthrough::by_the_services_name),
    ("the_pod_runs_the_module_in_wasmedge_under_crun", walkthrough::in_wasmedge),
    ("rolling_updates_under_load_fail_no_request", rollout::under_load),
    ("a_changed_secret_is_rolled_out", rollout::of_a_changed_secret),
    ("a_killed_process_loses_nothing_acknowledged", faults::kill_9),
    ("a_deleted_pod_loses_nothing_and_fails_no_request", faults::deleted_pod),
    ("a_restarted_containerd_disturbs_nobody", faults::containerd),
    ("a_deleted_database_pod_turns_readiness_red_and_green_again", database::deleted_pod),
    ("a_million_rows_stream_out_of_a_small_pod", memory::million_rows),
    ("a_wrong_configuration_crashes_and_says_why", start::wrong_configuration),
    ("the_native_overlay_takes_the_place_under_load", native::takes_the_place),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let chosen: Vec<&Test> = TESTS
        .iter()
        .filter(|(name, _)| words.is_empty() || words.iter().any(|word| name.contains(word.as_str())))
        .collect();
    println!("\nrunning {} tests", chosen.len());
    let start = Instant::now();
    let failures = match prepared() {
        Ok(mut world) => chosen.iter().filter(|(name, test)| !passes(name, *test, &mut world)).count(),
        Err(error) => {
            println!("the cluster did not come up: {error:#}");
            chosen.len()
        }
    };
    let verdict = if failures == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {verdict}. {} passed; {failures} failed; 0 ignored; 0 measured; {} filtered out; finished in {:.2}s",
        chosen.len() - failures,
        TESTS.len() - chosen.len(),
        start.elapsed().as_secs_f64()
    );
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn prepared() -> Result<World> {
    let cluster = Cluster::start()?;
    cluster.push_images()?;
    let [apply] = <[String; 1]>::try_from(readme::commands("kubernetes")?).ok().context("README names one command")?;
    cluster.deploy(&apply)?;
    World::new(cluster)
}

fn passes(name: &str, test: fn(&mut World) -> Result<()>, world: &mut World) -> bool {
    progress(name);
    let start = Instant::now();
    let outcome = test(world).and_then(|()| world.cluster.components().check_running());
    let seconds = start.elapsed().as_secs_f64();
    match outcome {
        Ok(()) => println!("test {name} ... ok ({seconds:.1} s)"),
        Err(error) => {
            println!("test {name} ... FAILED ({seconds:.1} s)\n{error:?}\n{}", world.cluster.describe());
            return false;
        }
    }
    true
}
