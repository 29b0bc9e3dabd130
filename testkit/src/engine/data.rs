//! The directory an engine keeps its images in: the same one each time, or one for this time where that is in use.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::fs::{FlockOperation, flock};

use crate::temp::TempDir;

/// An engine's data directory, nobody else's for as long as this value lives.
#[derive(Debug)]
pub(super) struct Data {
    path: PathBuf,
    /// Held until the end: the kernel gives the lock back however this process ends.
    _lock: Option<File>,
    _temporary: Option<TempDir>,
}

impl Data {
    /// The lasting directory of that name, or a temporary one while another process has it.
    pub(super) fn open(name: &str) -> Result<Self> {
        let lasting = cache()?.join(name);
        fs::create_dir_all(&lasting).with_context(|| format!("cannot make {}", lasting.display()))?;
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

/// `ORDER_SERVICE_CACHE`, else `order-service` where this user's programs keep what they can make again.
fn cache() -> Result<PathBuf> {
    if let Some(named) = env::var_os("ORDER_SERVICE_CACHE") {
        return Ok(named.into());
    }
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    Ok(cache.or_else(home).context("neither XDG_CACHE_HOME nor HOME is set")?.join("order-service"))
}
