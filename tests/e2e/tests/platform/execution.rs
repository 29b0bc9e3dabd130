//! The service notices at its start whether WasmEdge runs machine code or interprets the module.

use serde_json::Value;
use testkit::Runtime;

use e2e::{TestApp, wait_for};

/// The service's log up to the line that follows those of the start. Lines are written in the background.
fn log_lines(runtime: Runtime, env: &[(&str, &str)]) -> Vec<Value> {
    let app = TestApp::setup().runtime(runtime).env(env).start();
    wait_for("the database's line", || {
        let log = app.service().log();
        let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        lines.iter().any(|line| line["message"] == "the database is ready").then_some(lines)
    })
}

/// The field `execution` of the line `listening`, and the levels of all lines about an interpreter.
fn execution(lines: &[Value]) -> (&str, Vec<&str>) {
    let listening = lines.iter().find(|line| line["message"] == "listening").expect("a line");
    let about = |line: &&Value| line["message"].as_str().is_some_and(|text| text.contains("interprets this module"));
    let levels = lines.iter().filter(about).filter_map(|line| line["level"].as_str()).collect();
    (listening["execution"].as_str().expect("a field"), levels)
}

#[test]
fn an_interpreted_module_warns_once() {
    let lines = log_lines(Runtime::Interpreter, &[]);
    assert_eq!(execution(&lines), ("interpreted", vec!["warn"]), "{lines:#?}");
}

#[test]
fn where_the_interpreter_is_allowed_it_is_no_warning() {
    let lines = log_lines(Runtime::Interpreter, &[("ALLOW_INTERPRETER", "true")]);
    assert_eq!(execution(&lines), ("interpreted", vec!["info"]), "{lines:#?}");
}

#[test]
fn a_compiled_module_does_not_mention_it() {
    let lines = log_lines(Runtime::Aot, &[]);
    assert_eq!(execution(&lines), ("compiled", vec![]), "{lines:#?}");
}
