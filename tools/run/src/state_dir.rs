//! `.run/`: the state that is kept from one run to the next.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};

/// The directory. A lock keeps other runs out until the value is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct StateDir {
    path: PathBuf,
    _lock: File,
}

impl StateDir {
    /// Creates the directory if it is missing, and locks it.
    pub(crate) fn lock(path: &Path) -> Result<Self> {
        let created = DirBuilder::new().recursive(true).mode(0o700).create(path);
        created.with_context(|| format!("cannot create {}", path.display()))?;
        let mut lock = open_private(&path.join("lock")).context("cannot write .run/lock")?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            lock.read_to_string(&mut holder)?;
            bail!("another `make run` is already running here (process {}); stop it first", holder.trim());
        }
        lock.set_len(0)?;
        writeln!(lock, "{}", std::process::id())?;
        Ok(Self { path: path.to_path_buf(), _lock: lock })
    }

    /// The path of a file or directory in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The password of the private database: generated once, readable by this user only.
    pub(crate) fn password(&self) -> Result<String> {
        let path = self.join("password");
        let stored = fs::read_to_string(&path).unwrap_or_default();
        if !stored.trim().is_empty() {
            return Ok(stored.trim().to_owned());
        }
        let mut random = [0; 16];
        File::open("/dev/urandom")?.read_exact(&mut random)?;
        let password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        self.write("password", &password)?;
        Ok(password)
    }

    /// Writes a file that only this user can read. The rename makes the change atomic.
    pub(crate) fn write(&self, name: &str, content: &str) -> Result<PathBuf> {
        let (path, partial) = (self.join(name), self.join(&format!("{name}.partial")));
        let mut file = open_private(&partial)?;
        file.set_len(0)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        fs::rename(&partial, &path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

fn open_private(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_second_lock_is_refused_with_the_process_id_of_the_first() -> Result<()> {
        let dir = testkit::TempDir::new()?;
        let first = StateDir::lock(dir.path())?;
        let refused = StateDir::lock(dir.path()).map(drop).map_err(|error| error.to_string()).err().unwrap_or_default();
        assert!(refused.contains(&std::process::id().to_string()), "{refused}");
        drop(first);
        StateDir::lock(dir.path()).map(drop)
    }

    #[test]
    fn the_password_is_kept_and_private() -> Result<()> {
        let dir = testkit::TempDir::new()?;
        let state = StateDir::lock(dir.path())?;
        let password = state.password()?;
        assert_eq!((password.len(), state.password()?), (32, password));
        assert_eq!(fs::metadata(state.join("password"))?.permissions().mode() & 0o777, 0o600);
        Ok(())
    }
}
