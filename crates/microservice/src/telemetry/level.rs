//! The level of the log, which an operator can change while the process runs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tracing::Level;

/// The levels, from the most severe one.
const LEVELS: [(Level, &str); 4] =
    [(Level::ERROR, "error"), (Level::WARN, "warn"), (Level::INFO, "info"), (Level::DEBUG, "debug")];

/// The levels' names, from the most severe one.
pub(crate) fn all_names() -> [&'static str; 4] {
    LEVELS.map(|(_, name)| name)
}

/// The least severe level that is logged: the configured one, or another for some time.
#[derive(Debug)]
pub(crate) struct CurrentLevel {
    /// Places in [`LEVELS`].
    current: AtomicUsize,
    configured: AtomicUsize,
    /// How often the level was changed. A change that ends later than a newer one began must not undo it.
    changes: AtomicUsize,
}

/// The one of this process. `tracing` has one subscriber for a process, too.
pub(crate) static LEVEL: CurrentLevel = CurrentLevel::new();

impl CurrentLevel {
    const fn new() -> Self {
        let [current, configured] = [const { AtomicUsize::new(2) }; 2];
        Self { current, configured, changes: AtomicUsize::new(0) }
    }

    /// The level.
    pub(super) fn get(&self) -> Level {
        LEVELS.get(self.current.load(Ordering::Relaxed)).map_or(Level::INFO, |(level, _)| *level)
    }

    /// Its name, and the name of the configured one.
    pub(crate) fn names(&self) -> (&'static str, &'static str) {
        (name_at(self.current.load(Ordering::Relaxed)), name_at(self.configured.load(Ordering::Relaxed)))
    }

    /// Sets the configured level, before the first line.
    pub(super) fn configure(&self, level: Level) {
        let place = place_of(level);
        self.configured.store(place, Ordering::Relaxed);
        self.current.store(place, Ordering::Relaxed);
    }

    /// Changes the level, for `duration` or until the process ends. Then it is the configured one again.
    pub(crate) fn change(&'static self, level: Level, duration: Option<Duration>) {
        let change = self.changes.fetch_add(1, Ordering::Relaxed) + 1;
        self.set(place_of(level));
        if let Some(duration) = duration {
            tokio::spawn(async move {
                tokio::time::sleep(duration).await;
                if self.changes.load(Ordering::Relaxed) == change {
                    self.set(self.configured.load(Ordering::Relaxed));
                }
            });
        }
    }

    fn set(&self, place: usize) {
        let (level, configured) = (name_at(place), name_at(self.configured.load(Ordering::Relaxed)));
        let log = || tracing::warn!(level, configured, "the log's level was changed");
        let was_logged = self.get() >= Level::WARN;
        // Nobody can silence the log without a line of it.
        if was_logged {
            log();
        }
        self.current.store(place, Ordering::Relaxed);
        // `tracing` remembers of each place in the code whether it is logged.
        tracing::callsite::rebuild_interest_cache();
        if !was_logged {
            log();
        }
    }
}

/// The name of the level at this place of [`LEVELS`].
fn name_at(place: usize) -> &'static str {
    LEVELS.get(place).map_or("info", |(_, name)| *name)
}

fn place_of(level: Level) -> usize {
    LEVELS.iter().position(|(known, _)| *known == level).unwrap_or(2)
}

/// The level of this name.
pub(crate) fn parse(text: &str) -> Result<Level, String> {
    let found = LEVELS.iter().find(|(_, name)| *name == text);
    found.map(|(level, _)| *level).ok_or_else(|| "must be error, warn, info or debug".into())
}
