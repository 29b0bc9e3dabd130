//! Redocly's linter finds nothing.

use std::path::Path;
use std::process::Command;

use e2e::{Client, TestApp};
use serde_json::Value;
use testkit::{TempDir, artifacts, ports};

use super::tools::{program, text, write_description};

/// Lints a file. An error is what was found; warnings count.
fn lint(file: &Path) -> Result<(), String> {
    let output = program("redocly").args(["lint", "--config", "redocly.yaml", "--format", "json"]).arg(file).output();
    let output = output.unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    let totals = &found["totals"];
    let is_clean = output.status.success() && totals["errors"] == 0 && totals["warnings"] == 0;
    if is_clean { Ok(()) } else { Err(format!("{found:#}")) }
}

#[test]
fn the_descriptions_of_both_listeners_are_clean() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("openapi.json");
    let admin = format!("127.0.0.1:{}", ports::free().unwrap());
    let app = TestApp::spawn_with(&[("ADMIN_ADDR", &admin)]);
    write_description(&app, &file);
    lint(&file).unwrap_or_else(|found| panic!("{found}"));
    let operators = Client::operators(&format!("http://{admin}")).get("/openapi.json").expect(200);
    std::fs::write(&file, &operators.body).unwrap();
    lint(&file).unwrap_or_else(|found| panic!("{found}"));
}

/// The tests of this package and the end-to-end tests judge by the native build's description.
#[test]
fn the_module_prints_the_same_description_as_the_native_build() {
    let output = Command::new("wasmedge").arg(artifacts::wasm().unwrap()).arg("--openapi").output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed, *e2e::described::public());
}

#[test]
fn the_whole_description_is_clean_and_a_flaw_in_it_is_found() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("openapi.json");
    let mut whole = e2e::described::public().clone();
    std::fs::write(&file, whole.to_string()).unwrap();
    lint(&file).unwrap_or_else(|found| panic!("{found}"));

    whole["paths"]["/orders"]["get"]["operationId"] = "getOrder".into();
    std::fs::write(&file, whole.to_string()).unwrap();
    let found = lint(&file).expect_err("an id that two operations have");
    assert!(found.contains("operation-operationId-unique"), "{found}");
}
