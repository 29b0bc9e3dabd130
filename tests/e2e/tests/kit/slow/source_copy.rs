//! A copy of the source tree, in which a test adds a service.

use std::path::Path;
use std::process::{Command, Output};

use testkit::{TempDir, artifacts};

/// A copy of the source tree with this repository's target directory, so that dependencies are compiled once.
pub(super) struct SourceCopy {
    directory: TempDir,
}

impl SourceCopy {
    pub(super) fn new() -> Self {
        let directory = artifacts::copy_source_with_times().unwrap_or_else(|error| panic!("{error:#}"));
        std::os::unix::fs::symlink(artifacts::target_dir(), directory.path().join("target")).expect("a link");
        Self { directory }
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The command line in a shell at the copy's root.
    pub(super) fn shell(&self, command_line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", command_line]).current_dir(self.path());
        // What cargo sets for this test would make it compile dependencies again.
        let is_of_test = |name: &str| {
            let prefixes = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
            name == "CARGO" || name == "LD_LIBRARY_PATH" || prefixes.iter().any(|prefix| name.starts_with(prefix))
        };
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_of_test)) {
            command.env_remove(name);
        }
        command.env("CARGO_TARGET_DIR", artifacts::target_dir());
        command
    }

    /// Runs a command line, which must succeed.
    #[track_caller]
    pub(super) fn run(&self, command_line: &str) -> Output {
        output(self.shell(command_line), command_line)
    }
}

/// The output of a command, which must succeed.
#[track_caller]
pub(super) fn output(mut command: Command, command_line: &str) -> Output {
    let output = command.output().expect("sh runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command_line}: {}\n{errors}", String::from_utf8_lossy(&output.stdout));
    output
}
