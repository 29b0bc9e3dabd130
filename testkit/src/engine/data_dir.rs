//! An engine's data directory: a lasting one, or a temporary one while another process uses that.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::fs::{FlockOperation, flock};

use crate::temp::TempDir;

/// A data directory that no other engine uses while this value lives.
#[derive(Debug)]
pub(super) struct DataDir {
    path: PathBuf,
    /// The kernel releases the lock however this process ends.
    _lock: Option<File>,
    _temporary: Option<TempDir>,
}

impl DataDir {
    /// The lasting directory `name`, or a temporary one while another process has locked it.
    pub(super) fn open(name: &str) -> Result<Self> {
        let lasting = cache_dir()?.join(name);
        fs::create_dir_all(&lasting).with_context(|| format!("cannot create {}", lasting.display()))?;
        let lock = File::create(lasting.with_extension("lock"))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return Ok(Self { path: lasting, _lock: Some(lock), _temporary: None });
        }
        let temporary = TempDir::new()?;
        Ok(Self { path: temporary.path().join(name), _lock: None, _temporary: Some(temporary) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// `ORDER_SERVICE_CACHE`, else `order-service` in the user's cache directory.
fn cache_dir() -> Result<PathBuf> {
    if let Some(path) = env::var_os("ORDER_SERVICE_CACHE") {
        return Ok(path.into());
    }
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    Ok(cache.or_else(home).context("neither XDG_CACHE_HOME nor HOME is set")?.join("order-service"))
}
