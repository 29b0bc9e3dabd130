//! A file of tokens that `scripts/new-token.sh` makes.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use testkit::TempDir;

/// A tokens file in a directory of its own.
pub(crate) struct TokenFile {
    dir: TempDir,
}

impl TokenFile {
    /// An empty one: tokens have to be added before a service starts with it.
    pub(crate) fn new() -> Self {
        Self { dir: TempDir::new().expect("a directory") }
    }

    /// Adds a token with these scopes. Returns the token.
    #[track_caller]
    pub(crate) fn add(&self, name: &str, scopes: &str) -> String {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/new-token.sh");
        let output = Command::new(script).args([name, scopes]).arg(self.path()).output().expect("the script runs");
        assert!(output.status.success(), "{output:?}");
        let token = String::from_utf8(output.stdout).expect("text");
        token.trim_end().to_owned()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("tokens")
    }

    /// The value of `API_TOKENS_FILE`.
    pub(crate) fn variable(&self) -> String {
        self.path().display().to_string()
    }

    pub(crate) fn read(&self) -> String {
        fs::read_to_string(self.path()).expect("the file")
    }

    pub(crate) fn write(&self, text: &str) {
        fs::write(self.path(), text).expect("the file");
    }
}
