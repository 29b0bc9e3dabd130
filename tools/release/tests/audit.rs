//! `scripts/audit.sh test`: cargo-deny with an advisory database of the test's own, which needs no network.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::process::Command;

/// An audit that finds nothing proves nothing. Here there is an advisory against each fork, and it must be found.
#[test]
#[ignore = "compiles cargo-deny once, which takes minutes: make test"]
fn an_advisory_against_the_upstream_of_each_fork_is_found() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/audit.sh");
    let output = Command::new(script).arg("test").output().expect("the script runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("audit: an advisory against each of these is found: hyper tokio"), "{text}");
}
