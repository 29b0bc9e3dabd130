//! Files whose content is read again while the service runs, so that tokens and keys change without a restart.

use std::fs::File;
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use crate::config::{ConfigError, Variable};
use crate::sync::lock;

/// The interval at which files are read. A new content counts once two readings agree, so that a half-written file does
/// not: a change is in force after two to three intervals at most. WASI cannot watch a file.
pub(super) const READ_INTERVAL: Duration = Duration::from_secs(1);

/// The largest file, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// What a file's content becomes.
pub(super) trait Content: Sized {
    /// The number of its entries, for the log.
    fn count(&self) -> usize;
}

type Parse<T> = dyn Fn(&str) -> Result<T, String> + Send + Sync;

/// A file. Of a wrong content nothing is taken: the content before it stays in force.
pub(super) struct WatchedFile<T> {
    path: String,
    parse: Box<Parse<T>>,
    current: RwLock<Arc<T>>,
    readings: Mutex<Readings>,
}

/// A file's text, or why it cannot be read.
type Reading = Result<String, String>;

struct Readings {
    /// The last one.
    last: Reading,
    /// The last one that was put in force or reported as wrong.
    handled: Reading,
}

impl<T: Content> WatchedFile<T> {
    /// Reads the file that a variable names.
    ///
    /// # Errors
    /// The file cannot be read, or its content is wrong.
    pub(super) fn open(
        variable: &Variable<String>,
        path: String,
        parse: impl Fn(&str) -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        let problem = |problem: String| ConfigError::new(variable, &format!("names {path:?}, but {problem}"));
        let text = read(&path).map_err(problem)?;
        let content = parse(&text).map_err(problem)?;
        let readings = Mutex::new(Readings { last: Ok(text.clone()), handled: Ok(text) });
        Ok(Self { path, parse: Box::new(parse), current: RwLock::new(Arc::new(content)), readings })
    }

    /// The content that is in force.
    pub(super) fn current(&self) -> Arc<T> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file again. True where another content is in force now.
    pub(super) fn refresh(&self) -> bool {
        let reading = read(&self.path);
        let mut readings = lock(&self.readings);
        if readings.last != reading {
            readings.last = reading;
            return false;
        }
        if readings.handled == reading {
            return false;
        }
        let parsed = reading.as_deref().map_err(String::clone).and_then(|text| (self.parse)(text));
        let is_valid = parsed.is_ok();
        match parsed {
            Ok(content) => {
                let entries = content.count() as u64;
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(content);
                tracing::info!(file = self.path, entries, "a file has changed and is in force");
            }
            Err(problem) => {
                tracing::error!(
                    file = self.path,
                    problem,
                    "a file has become invalid; its last valid content stays in force"
                );
            }
        }
        readings.handled = reading;
        is_valid
    }
}

fn read(path: &str) -> Reading {
    let cannot_read = |error| format!("it cannot be read ({error}; WasmEdge needs --dir for it)");
    let file = File::open(path).map_err(cannot_read)?;
    let mut text = String::new();
    let length = file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(cannot_read)?;
    if length as u64 > MAX_FILE_BYTES { Err("it is larger than 1 MiB".into()) } else { Ok(text) }
}
