//! Commands whose failure is an error with all they wrote.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Runs `command`: what it wrote to standard output.
///
/// # Errors
/// When it is not there or fails; both of its streams are in the error.
pub fn run(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {program}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("{program} {} ended with {}:\n{stdout}{stderr}", arguments.join(" "), output.status);
    }
    Ok(stdout)
}
