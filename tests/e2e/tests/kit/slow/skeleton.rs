//! `scripts/new-service.sh`.

use std::fs;

use super::source_copy::SourceCopy;

/// The script's exit status, and what it says.
fn new_service(source: &SourceCopy, arguments: &str) -> (Option<i32>, String) {
    let output = source.shell(&format!("scripts/new-service.sh {arguments}")).output().expect("sh runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn skeletons_with_and_without_a_database_compile_without_a_warning() {
    let source = SourceCopy::new();
    // The longest name has other line breaks.
    let long = "a".repeat(40);
    for arguments in ["price-list", "--without-database greeter", &long] {
        let (status, text) = new_service(&source, arguments);
        assert_eq!(status, Some(0), "{text}");
        let name = arguments.rsplit(' ').next().unwrap_or_default();
        for part in [format!("services/{name}/src/lib.rs"), format!("build --release --package {name}")] {
            assert!(text.contains(&part), "{part} is not in\n{text}");
        }
    }
    let members = fs::read_to_string(source.path().join("Cargo.toml")).expect("Cargo.toml");
    assert!(members.contains("    \"services/price-list\",\n    \"services/greeter\",\n"), "{members}");
    let packages = format!("--package price-list --package greeter --package {long}");
    source.run(&format!("scripts/cargo.sh clippy --quiet {packages} --all-targets -- -D warnings"));
    source.run(&format!("scripts/cargo.sh fmt {packages} --check"));
}

#[test]
fn a_name_that_is_wrong_or_taken_is_rejected_in_one_line() {
    let source = SourceCopy::new();
    fs::create_dir_all(source.path().join("services/there")).expect("a directory");
    let before = fs::read_to_string(source.path().join("Cargo.toml")).expect("Cargo.toml");
    let long = "a".repeat(41);
    let names = ["", "''", "Stock", "1st", "-x", "a_b", "a/b", "'a b'", "ä", "fn", "std", "deps", "tokio"];
    for name in names.into_iter().chain(["microservice", "order-service", "pipe-status", "there", &long, "a b"]) {
        let (status, text) = new_service(&source, name);
        assert_eq!(status, Some(1), "{name}: {text}");
        assert!(text.starts_with("new-service: ") && text.lines().count() == 1, "{name}: {text}");
    }
    assert_eq!(fs::read_to_string(source.path().join("Cargo.toml")).expect("Cargo.toml"), before);
    assert_eq!(fs::read_dir(source.path().join("services")).expect("a directory").count(), 1);
}
