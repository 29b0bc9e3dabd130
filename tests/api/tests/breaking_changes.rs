//! Clients of the last release still work: nothing in the description breaks them, unless the version says so.

use std::fs;
use std::path::Path;

use e2e::described::{public as description, resolve};
use serde_json::Value;
use testkit::{TempDir, artifacts};

use super::tools::{program, settings, text};

/// The description of the last release. docs/VERSIONING.md says when it is written.
fn released() -> Value {
    serde_json::from_slice(&fs::read(settings().join("released.json")).unwrap()).unwrap()
}

/// What a version shares with those that its clients work with too: before 1.0 the minor version, later the major one
/// (docs/VERSIONING.md).
fn compatible_series(version: &str) -> (u32, u32) {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap());
    let (major, minor) = (numbers.next().unwrap(), numbers.next().unwrap());
    if major == 0 { (0, minor) } else { (major, 0) }
}

/// What breaks clients of `old` in `new`.
fn breaking_changes(old: &Value, new: &Value) -> Vec<String> {
    let directory = TempDir::new().unwrap();
    let files = [("old.json", old), ("new.json", new)].map(|(name, description)| {
        let file = directory.path().join(name);
        fs::write(&file, description.to_string()).unwrap();
        file
    });
    let output = program("oasdiff")
        .args(["breaking", "--fail-on", "ERR", "--format", "singleline", "--severity-levels", "oasdiff-levels.txt"])
        .args(&files)
        .output()
        .unwrap();
    let mut found: Vec<String> = Vec::new();
    match output.status.code() {
        Some(0) => {}
        Some(1) => found.push(text(&output)),
        _ => panic!("{}", text(&output)),
    }
    found.extend(removed_problems(old, new));
    found
}

/// The types of problems that an operation had with a status, and no longer has. oasdiff does not read extensions.
fn removed_problems(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (path, methods) in old["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let now = &new["paths"][path][method]["responses"][status];
                let (before, now) = (problem_types(old, response), problem_types(new, now));
                let removed = before.iter().filter(|name| !now.contains(name));
                found.extend(removed.map(|name| format!("{method} {path}: {status} no longer has {name}\n")));
            }
        }
    }
    found
}

fn problem_types(description: &Value, response: &Value) -> Vec<String> {
    let response = resolve(description, response);
    let types = response.get("x-problem-types").and_then(Value::as_array);
    types.into_iter().flatten().filter_map(|name| Some(name.as_str()?.to_owned())).collect()
}

#[test]
fn nothing_breaks_clients_of_the_last_release() {
    let (old, new) = (released(), description());
    let versions = [&old, new].map(|description| compatible_series(description["info"]["version"].as_str().unwrap()));
    let found = breaking_changes(&old, new);
    assert!(
        versions[0] != versions[1] || found.is_empty(),
        "this breaks clients, and the version in Cargo.toml does not say so (docs/VERSIONING.md):\n{}",
        found.concat()
    );
}

#[test]
fn the_description_is_that_of_the_last_release_in_the_changelog() {
    let changelog = fs::read_to_string(Path::new(&artifacts::root()).join("CHANGELOG.md")).unwrap();
    let releases = changelog.lines().filter_map(|line| line.strip_prefix("## ")?.split_once(" – "));
    let (version, _) = releases.into_iter().next().expect("a release in CHANGELOG.md");
    let described = released()["info"]["version"].clone();
    assert_eq!(described, version, "write it: make released-api");
}

#[test]
fn changes_that_break_clients_are_found() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 11] = [
        ("an operation is removed", |new| {
            new["paths"]["/orders/{id}"].as_object_mut().unwrap().remove("delete");
        }),
        ("a bound is tighter", |new| {
            new["components"]["schemas"]["Order"]["properties"]["quantity"]["maximum"] = 9.into();
        }),
        ("a parameter is removed", |new| {
            new["paths"]["/orders"]["get"]["parameters"].as_array_mut().unwrap().remove(0);
        }),
        ("a field of the response is removed", |new| {
            let order = &mut new["components"]["schemas"]["Order"];
            order["properties"].as_object_mut().unwrap().remove("tax");
            order["required"].as_array_mut().unwrap().retain(|name| name != "tax");
        }),
        ("an optional field is required", |new| {
            new["components"]["schemas"]["NewOrder"]["required"].as_array_mut().unwrap().push("order_id".into());
        }),
        ("a success has another status", |new| {
            let responses = new["paths"]["/orders"]["post"]["responses"].as_object_mut().unwrap();
            let created = responses.remove("201").unwrap();
            responses.insert("200".to_owned(), created);
        }),
        ("an open operation needs a token", |new| {
            new["paths"]["/health"]["get"]["security"] = serde_json::json!([{"bearer": ["read"]}]);
        }),
        ("an operation has another id", |new| new["paths"]["/orders"]["get"]["operationId"] = "allOrders".into()),
        ("a header of the response is removed", |new| {
            let headers = &mut new["paths"]["/orders"]["get"]["responses"]["200"]["headers"];
            headers.as_object_mut().unwrap().remove("Link");
        }),
        ("a status is removed", |new| {
            let responses = new["paths"]["/orders/{id}"]["get"]["responses"].as_object_mut().unwrap();
            responses.remove("304");
        }),
        ("a problem has another type", |new| {
            let text = new.to_string().replace("problem:order-not-found", "problem:no-such-order");
            *new = serde_json::from_str(&text).unwrap();
        }),
    ];
    for (what, change) in changes {
        let mut new = description().clone();
        change(&mut new);
        assert!(!breaking_changes(description(), &new).is_empty(), "{what}");
    }
}

#[test]
fn additions_break_no_client() {
    let mut new = description().clone();
    new["info"]["version"] = "9.0.0".into();
    new["paths"]["/more"] = new["paths"]["/health"].clone();
    new["paths"]["/more"]["get"]["operationId"] = "getMore".into();
    let mut parameter = new["paths"]["/orders"]["get"]["parameters"][0].clone();
    parameter["name"] = "more".into();
    new["paths"]["/orders"]["get"]["parameters"].as_array_mut().unwrap().push(parameter);
    assert_eq!(breaking_changes(description(), &new), Vec::<String>::new());
}
