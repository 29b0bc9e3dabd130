//! A client that a common generator makes of the description works.

use e2e::TestApp;
use testkit::TempDir;

use super::tools::{program, settings, text, write_description};

#[test]
fn a_generated_client_creates_reads_changes_and_deletes_orders() {
    let app = TestApp::spawn();
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("openapi.json");
    write_description(&app, &file);
    let generated = program("openapi-python-client")
        .args(["generate", "--meta", "none", "--path"])
        .arg(&file)
        .arg("--output-path")
        .arg(directory.path().join("shop"))
        .output()
        .unwrap();
    let said = text(&generated);
    assert!(generated.status.success(), "{said}");
    // The generator knows no `*/*`, which only the echo has.
    assert!(said.matches("WARNING").count() == 1 && said.contains("Unsupported content type */*"), "{said}");

    let output = program("python")
        .env("PYTHONPATH", directory.path())
        .arg(settings().join("client.py"))
        .arg(app.base())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "created, read, changed, listed, deleted");
    assert_eq!(app.count_orders(), 0);
}
