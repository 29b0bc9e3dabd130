//! The order service on a real Kubernetes cluster: tests of everything that `deploy/kubernetes` promises.
//!
//! All tests share one cluster and run one after another, so this is a program of its own in place of cargo's test
//! harness; its output has the same form. Each test first brings the cluster into the state that it needs
//! ([`TestContext::deploy`]), so any selection of tests runs in any order. Words on the command line select the tests
//! whose names contain them; the tests then run in the order of the words.
#![expect(clippy::print_stdout, reason = "the output of a test run")]

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, ensure};
use cluster::{Cluster, progress};
use testkit::readme;

mod backup;
mod client_pod;
mod configuration;
mod context;
mod database;
mod faults;
mod manifests;
mod memory;
mod monitoring;
mod native;
mod pods;
mod rollout;
mod tokens;
mod walkthrough;

use context::TestContext;

/// A test's name and function.
type Test = (&'static str, fn(&mut TestContext) -> Result<()>);

const TESTS: &[Test] = &[
    ("every_overlay_passes_strict_validation_under_restricted", manifests::every_overlay_is_valid),
    ("a_pod_that_is_not_restricted_is_rejected", manifests::an_unrestricted_pod_is_rejected),
    ("a_guessed_token_gives_no_access_to_the_api", manifests::a_guessed_token_is_rejected),
    ("the_walkthrough_works_by_the_services_name", walkthrough::by_the_services_name),
    ("the_pod_runs_the_module_in_wasmedge_under_crun", walkthrough::in_wasmedge),
    ("rolling_updates_under_load_fail_no_request", rollout::rolling_updates),
    ("a_changed_secret_is_rolled_out", rollout::changed_secret),
    ("the_kubelet_drains_with_the_operators_token", tokens::drain_with_token),
    ("a_killed_process_loses_no_acknowledged_write", faults::killed_process),
    ("a_deleted_pod_loses_no_write_and_fails_no_request", faults::deleted_pod),
    ("a_restarted_containerd_disturbs_no_request", faults::restarted_containerd),
    ("a_deleted_database_pod_turns_readiness_red_and_green_again", database::deleted_pod),
    ("a_deleted_installation_keeps_its_data", database::deleted_installation),
    ("the_backup_job_writes_a_backup_that_restores", backup::backup_and_restore),
    ("a_million_rows_stream_out_of_a_small_pod", memory::million_rows),
    ("the_monitors_are_valid_and_find_every_pod", monitoring::monitors_find_every_pod),
    ("a_wrong_configuration_fails_the_rollout_and_logs_the_reason", configuration::wrong_value),
    ("the_native_overlay_replaces_wasm_under_load", native::replaces_wasm),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let tests = select(&words);
    println!("\nrunning {} tests", tests.len());
    let start = Instant::now();
    let failures = match prepare() {
        Ok(mut context) => tests.iter().filter(|(name, test)| !passes(name, *test, &mut context)).count(),
        Err(error) => {
            println!("the cluster did not start: {error:?}");
            tests.len()
        }
    };
    let verdict = if failures == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {verdict}. {} passed; {failures} failed; 0 ignored; 0 measured; {} filtered out; \
         finished in {:.2}s",
        tests.len() - failures,
        TESTS.len() - tests.len(),
        start.elapsed().as_secs_f64()
    );
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The tests whose names contain one of the words, in the words' order; all of them without words.
fn select(words: &[String]) -> Vec<&'static Test> {
    let mut selected: Vec<&Test> = Vec::new();
    for word in words {
        let matching = TESTS.iter().filter(|(name, _)| name.contains(word.as_str()));
        let new: Vec<_> = matching.filter(|(name, _)| selected.iter().all(|(other, _)| name != other)).collect();
        selected.extend(new);
    }
    if words.is_empty() { TESTS.iter().collect() } else { selected }
}

/// The cluster with the service, deployed by README's command.
fn prepare() -> Result<TestContext> {
    let cluster = Cluster::start()?;
    cluster.push_images()?;
    let commands = readme::commands("kubernetes")?;
    ensure!(commands.len() == 2, "README has the namespace and the overlay: {commands:?}");
    cluster.deploy(&commands.join(" && "))?;
    TestContext::new(cluster)
}

fn passes(name: &str, test: fn(&mut TestContext) -> Result<()>, context: &mut TestContext) -> bool {
    progress(name);
    let start = Instant::now();
    let result = test(context).and_then(|()| context.cluster.components().check_running());
    let seconds = start.elapsed().as_secs_f64();
    match result {
        Ok(()) => println!("test {name} ... ok ({seconds:.1} s)"),
        Err(error) => {
            println!("test {name} ... FAILED ({seconds:.1} s)\n{}\n{error:?}", context.cluster.describe());
            return false;
        }
    }
    true
}
