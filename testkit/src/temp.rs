//! Directories that go away with their value, and also when the process is killed.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::{env, fs};

use anyhow::{Context, Result};

use crate::sync::lock;

/// Reads directories, one a line, until the process that wrote them is gone, then removes them. Twice, because a server
/// that the kernel ends at the same moment may still write.
const JANITOR: &str = r#"
set --
while IFS= read -r directory; do set -- "$@" "$directory"; done
[ $# -gt 0 ] || exit 0
rm -rf -- "$@" 2>/dev/null || { sleep 1; rm -rf -- "$@"; }
"#;

/// A new directory, readable by this user only, removed on drop or at the process's end however it ends.
#[derive(Debug)]
pub struct TempDir {
    path: PathBuf,
}

impl TempDir {
    /// Makes one under the system's temporary directory (`TMPDIR`).
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn new() -> Result<Self> {
        let path = env::temp_dir().join(format!("testkit-{}-{:016x}", std::process::id(), random()));
        fs::DirBuilder::new().mode(0o700).create(&path).with_context(|| format!("cannot make {}", path.display()))?;
        remove_at_the_end(&path);
        Ok(Self { path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the janitor, or by whoever clears the temporary directory.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// 64 random bits, from the seed std takes for its hash tables.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// The janitor is an extra: without `sh`, directories are still removed on drop.
fn remove_at_the_end(path: &Path) {
    static JANITORS: OnceLock<Mutex<Option<Child>>> = OnceLock::new();
    let mut janitor = lock(JANITORS.get_or_init(|| Mutex::new(start_janitor())));
    if let Some(input) = janitor.as_mut().and_then(|child| child.stdin.as_mut()) {
        let _ = input.write_all(path.as_os_str().as_bytes()).and_then(|()| input.write_all(b"\n"));
    }
}

fn start_janitor() -> Option<Child> {
    let mut command = Command::new("sh");
    // A process group of its own: Ctrl-C on a terminal must not end the one that cleans up after it.
    command.args(["-c", JANITOR]).process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().ok()
}
