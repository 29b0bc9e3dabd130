//! The programs of `tools/openapi`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use e2e::TestApp;
use serde_json::Value;
use testkit::artifacts;
use testkit::engine::run;

/// One of the programs. `scripts/openapi-tools.sh` installs them where they are not there yet.
pub(crate) fn program(name: &str) -> Command {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(|| {
        let script = artifacts::root().join("scripts/openapi-tools.sh");
        PathBuf::from(run(&mut Command::new(script)).unwrap().trim())
    });
    let mut command = Command::new(directory.join(name));
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", directory.display())).current_dir(settings());
    command.env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    command
}

/// The directory of the programs' settings.
pub(crate) fn settings() -> PathBuf {
    artifacts::root().join("tools/openapi")
}

/// Standard output and standard error.
pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Writes the description that a running service gives.
pub(crate) fn write_description(app: &TestApp, file: &Path) -> Value {
    let description = app.get("/openapi.json").expect(200).json();
    fs::write(file, description.to_string()).unwrap();
    description
}
