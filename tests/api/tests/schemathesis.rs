//! schemathesis makes requests from the description, valid and invalid, and compares each response with it. It runs all
//! of its checks, with examples, at the bounds of each schema, at random, and in sequences of operations.

use std::env;
use std::fs;
use std::process::Command;

use e2e::TestApp;
use serde_json::Value;
use testkit::TempDir;

use super::tools::{program, settings, text, write_description};

/// Requests of each kind for an operation, without `API_EXAMPLES`.
const SHORT_RUN: u32 = 20;

/// The fewest requests that the long run must have sent.
const MIN_LONG_RUN: u64 = 10_000;

/// schemathesis with its settings, in a directory of its own: what a run has learnt must not change the next one.
fn schemathesis(directory: &TempDir) -> Command {
    for file in ["schemathesis.toml", "checks.py"] {
        fs::copy(settings().join(file), directory.path().join(file)).unwrap();
    }
    let mut command = program("schemathesis");
    command.current_dir(directory.path());
    command.args(["--config-file", "schemathesis.toml", "run", "--no-color", "--checks", "all"]);
    command
}

/// Whether a run passed, the number of requests, and what it printed.
fn run(app: &TestApp, examples: u32, arguments: &[&str]) -> (bool, u64, String) {
    let directory = TempDir::new().unwrap();
    let mut command = schemathesis(&directory);
    command.args(["--max-examples", &examples.to_string()]).args(arguments);
    if examples <= SHORT_RUN {
        // The same requests each time: a change of the service is the only reason for another result.
        command.arg("--generation-deterministic");
    }
    let output = command.arg(format!("{}/openapi.json", app.base())).output().unwrap();
    let text = text(&output);
    // "  2546 generated, 2546 passed"
    let line = text.lines().find_map(|line| line.trim().split_once(" generated"));
    let sent = line.and_then(|(number, _)| number.parse().ok()).unwrap_or_else(|| panic!("no summary in:\n{text}"));
    (output.status.success(), sent, text)
}

#[test]
fn each_response_is_as_described() {
    let long_run = env::var("API_EXAMPLES").ok().map(|number| number.parse().expect("API_EXAMPLES is a number"));
    let app = TestApp::spawn_with(&[("LOG_LEVEL", "warn")]);
    let (passed, sent, text) = run(&app, long_run.unwrap_or(SHORT_RUN), &[]);
    println!("{}", summary(&text));
    assert!(passed, "{text}");
    for phase in ["Examples", "Coverage", "Fuzzing", "Stateful"] {
        assert!(text.contains(&format!("✅ {phase}")), "{phase} did not run:\n{text}");
    }
    let min = if long_run.is_some() { MIN_LONG_RUN } else { 500 };
    assert!(sent >= min, "{sent} requests");
    // A response of 500 or above fails the run, and is logged.
    assert!(!app.service().log().contains("a request failed"), "{}", app.service().log());
}

/// With tokens configured, each operation that is described as closed is closed.
#[test]
fn tokens_are_needed_where_the_description_says_so() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("tokens");
    // The hash of "test".
    let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    fs::write(&file, format!("shop read,write sha256:{hash}\n")).unwrap();
    let app = TestApp::spawn_with(&[("API_TOKENS_FILE", file.to_str().unwrap()), ("LOG_LEVEL", "warn")]);
    let (passed, sent, text) = run(&app, 5, &["--header", "Authorization: Bearer test"]);
    assert!(passed, "{text}");
    assert!(sent > 300, "{sent} requests");
}

/// What a run finds when it reads a description that `change` has made wrong. Only the examples of one operation are
/// sent.
fn find_in_wrong_description(operation: &str, change: impl FnOnce(&mut Value)) -> String {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("openapi.json");
    let app = TestApp::spawn();
    let mut description = write_description(&app, &file);
    change(&mut description);
    fs::write(&file, description.to_string()).unwrap();
    let output = schemathesis(&directory)
        .args(["--phases", "examples", "--url", app.base(), "--include-operation-id", operation])
        .arg(&file)
        .output()
        .unwrap();
    let text = text(&output);
    assert!(!output.status.success(), "{text}");
    text
}

#[test]
fn a_response_that_is_not_described_is_found() {
    let found = find_in_wrong_description("postOrder", |description| {
        description["components"]["schemas"]["Order"]["properties"]["tax"]["type"] = "string".into();
    });
    assert!(found.contains("Response violates schema"), "{found}");
}

/// The check of `checks.py`.
#[test]
fn a_problem_type_that_is_not_described_is_found() {
    let found = find_in_wrong_description("removeOrder", |description| {
        let text = description.to_string().replace("problem:order-not-found", "problem:other");
        *description = serde_json::from_str(&text).unwrap();
    });
    assert!(found.contains("is not among the described types"), "{found}");
}

fn summary(text: &str) -> &str {
    text.find("= SUMMARY =").map_or(text, |start| &text[start..])
}
