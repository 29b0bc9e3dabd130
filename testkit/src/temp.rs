//! Temporary directories that are removed with their value, and also when the process is killed.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use anyhow::{Context, Result};

use crate::sync::lock;

/// Reads one directory per line until the writing process has ended, then removes them. It retries once, because a
/// server that the kernel kills at the same moment may still write.
const CLEANUP_SCRIPT: &str = r#"
set --
while IFS= read -r directory; do set -- "$@" "$directory"; done
[ $# -gt 0 ] || exit 0
rm -rf -- "$@" 2>/dev/null || { sleep 1; rm -rf -- "$@"; }
"#;

/// A new directory, readable by this user only. It is removed on drop, and at the process's end however it ends.
#[derive(Debug)]
pub struct TempDir {
    directory: tempfile::TempDir,
}

impl TempDir {
    /// Creates one in the system's temporary directory (`TMPDIR`).
    ///
    /// # Errors
    /// When the directory cannot be created.
    pub fn new() -> Result<Self> {
        let prefix = format!("testkit-{}-", std::process::id());
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).permissions(Permissions::from_mode(0o700));
        let directory = builder.tempdir().context("cannot create a directory")?;
        CleanupProcess::register(directory.path());
        Ok(Self { directory })
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// A child process that outlives this one and removes its directories. Without `sh` there is none, and directories are
/// removed on drop only.
struct CleanupProcess {
    child: Option<Child>,
}

impl CleanupProcess {
    /// Has `directory` removed when this process has ended.
    fn register(directory: &Path) {
        static CLEANUP: OnceLock<Mutex<CleanupProcess>> = OnceLock::new();
        let mut cleanup = lock(CLEANUP.get_or_init(|| Mutex::new(Self::start())));
        if let Some(input) = cleanup.child.as_mut().and_then(|child| child.stdin.as_mut()) {
            let line = [directory.as_os_str().as_bytes(), b"\n"].concat();
            let _ = input.write_all(&line);
        }
    }

    fn start() -> Self {
        let mut command = Command::new("sh");
        // A process group of its own: Ctrl-C on a terminal must not end it.
        command.args(["-c", CLEANUP_SCRIPT]).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { child: command.spawn().ok() }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::{Process, wait_for, wait_until};

    const TIMEOUT: Duration = Duration::from_secs(20);

    /// Names the file that the killed process writes its directory's path to.
    const PATH_FILE: &str = "TESTKIT_TEMP_PATH_FILE";

    #[test]
    fn a_directory_is_private_and_is_removed_with_its_contents_on_drop() -> Result<()> {
        let directory = TempDir::new()?;
        let path = directory.path().to_path_buf();
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o700);
        fs::write(path.join("file"), "content")?;
        drop(directory);
        assert!(!path.exists());
        Ok(())
    }

    /// Runs in a process of its own, which the test below starts and kills.
    #[test]
    fn helper_that_keeps_a_directory_until_it_is_killed() -> Result<()> {
        let Some(path_file) = std::env::var_os(PATH_FILE).map(PathBuf::from) else { return Ok(()) };
        let directory = TempDir::new()?;
        fs::write(directory.path().join("file"), "content")?;
        fs::write(path_file.with_extension("partial"), directory.path().as_os_str().as_bytes())?;
        fs::rename(path_file.with_extension("partial"), &path_file)?;
        std::thread::park();
        Ok(())
    }

    #[test]
    fn a_directory_is_removed_after_its_process_was_killed() -> Result<()> {
        let own = TempDir::new()?;
        let path_file = own.path().join("path");
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--exact", "temp::tests::helper_that_keeps_a_directory_until_it_is_killed"]);
        let process = Process::start(command.env(PATH_FILE, &path_file), &own.path().join("log"))?;
        let path = wait_for("the directory", TIMEOUT, || fs::read_to_string(&path_file).ok().map(PathBuf::from))?;
        assert!(path.join("file").exists());
        process.kill();
        wait_until("its removal", TIMEOUT, || !path.exists())
    }
}
