//! `.run/`: what is kept from one run to the next.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};

/// The directory, held by this process alone until the value is dropped or the process is gone, however it ends.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    _lock: File,
}

impl Home {
    /// Makes the directory if need be and takes it.
    pub(crate) fn take(path: &Path) -> Result<Self> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.with_context(|| format!("cannot make {}", path.display()))?;
        let mut lock = private(&path.join("lock")).context("cannot write .run/lock")?;
        let mut holder = String::new();
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            lock.read_to_string(&mut holder)?;
            bail!("it runs already here (process {}); end that one first", holder.trim());
        }
        lock.set_len(0)?;
        writeln!(lock, "{}", std::process::id())?;
        Ok(Self { path: path.to_path_buf(), _lock: lock })
    }

    /// A file or directory in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The password of the private database: made once, readable by this user only.
    pub(crate) fn password(&self) -> Result<String> {
        let path = self.join("password");
        let known = fs::read_to_string(&path).unwrap_or_default();
        if !known.trim().is_empty() {
            return Ok(known.trim().to_owned());
        }
        let mut random = [0; 16];
        File::open("/dev/urandom")?.read_exact(&mut random)?;
        let password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        self.write("password", &password)?;
        Ok(password)
    }

    /// Writes a file that only this user can read, whole or not at all.
    pub(crate) fn write(&self, name: &str, content: &str) -> Result<PathBuf> {
        let (path, partial) = (self.join(name), self.join(&format!("{name}.partial")));
        let mut file = private(&partial)?;
        file.set_len(0)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        fs::rename(&partial, &path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

fn private(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_second_one_is_refused_with_the_first_ones_process_id() -> Result<()> {
        let dir = testkit::TempDir::new()?;
        let first = Home::take(dir.path())?;
        let refused = Home::take(dir.path()).map(drop).map_err(|error| error.to_string()).err().unwrap_or_default();
        assert!(refused.contains(&std::process::id().to_string()), "{refused}");
        drop(first);
        Home::take(dir.path()).map(drop)
    }

    #[test]
    fn the_password_is_kept_and_private() -> Result<()> {
        let dir = testkit::TempDir::new()?;
        let home = Home::take(dir.path())?;
        let password = home.password()?;
        assert_eq!((password.len(), home.password()?), (32, password));
        assert_eq!(fs::metadata(home.join("password"))?.permissions().mode() & 0o777, 0o600);
        Ok(())
    }
}
