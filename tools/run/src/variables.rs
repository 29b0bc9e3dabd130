//! The service's table of variables, as the module prints it with `--variables`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// A variable of the service.
#[derive(Debug, Deserialize)]
pub(crate) struct Variable {
    pub(crate) name: String,
    r#type: String,
}

impl Variable {
    /// Whether the value is the path of a file.
    pub(crate) fn is_file(&self) -> bool {
        self.r#type == "file"
    }
}

/// Asks the module.
pub(crate) fn of_module(wasm: &Path) -> Result<Vec<Variable>> {
    let output = Command::new("wasmedge").arg(wasm).arg("--variables").output().context("cannot start wasmedge")?;
    if !output.status.success() {
        bail!("{} does not print its variables: {}", wasm.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    parse(&String::from_utf8_lossy(&output.stdout))
}

/// Parses the table: one JSON object a line.
pub(crate) fn parse(table: &str) -> Result<Vec<Variable>> {
    let variables = table.lines().map(|line| serde_json::from_str(line).context("a row of --variables is not JSON"));
    variables.collect()
}
