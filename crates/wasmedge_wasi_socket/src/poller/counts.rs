//! What the poller has done, for metrics.

/// The gaps of the last one to two of these are known, in nanoseconds: half a minute.
const WINDOW: u64 = 30_000_000_000;

/// Counts since the start of the process.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Waits for events of a caller's list, without those that asked nothing.
    pub(crate) waits: u64,
    /// Polls of the runtime in these waits.
    pub(crate) polls: u64,
    /// Peeks at one socket each.
    pub(crate) peeks: u64,
    /// Whether such a wait is under way.
    is_asking: bool,
    /// When the last one ended.
    last_end: Option<u64>,
    gaps: RecentMax,
}

impl Counts {
    /// Counts for a process that begins.
    pub(crate) const fn new() -> Self {
        Self {
            waits: 0,
            polls: 0,
            peeks: 0,
            is_asking: false,
            last_end: None,
            gaps: RecentMax { began: 0, present: 0, previous: 0 },
        }
    }

    /// A wait begins to ask. The time since the last one is what the process did in between.
    pub(crate) fn begin(&mut self, now: u64) {
        self.is_asking = true;
        self.waits += 1;
        if let Some(last) = self.last_end {
            self.gaps.record(now.saturating_sub(last), now);
        }
    }

    /// A wait ends, whether it has asked or not.
    pub(crate) fn end(&mut self, now: u64) {
        if std::mem::take(&mut self.is_asking) {
            self.last_end = Some(now);
        }
    }

    /// The longest time between two waits, of those in the last minute or less, but at least half of one. In
    /// nanoseconds.
    pub(crate) fn longest_gap(&mut self, now: u64) -> u64 {
        self.gaps.get(now)
    }
}

/// The largest value of a recent time.
#[derive(Clone, Copy, Debug, Default)]
struct RecentMax {
    /// When the present window began.
    began: u64,
    present: u64,
    previous: u64,
}

impl RecentMax {
    fn record(&mut self, value: u64, now: u64) {
        self.rotate(now);
        self.present = self.present.max(value);
    }

    fn get(&mut self, now: u64) -> u64 {
        self.rotate(now);
        self.present.max(self.previous)
    }

    fn rotate(&mut self, now: u64) {
        let age = now.saturating_sub(self.began);
        if age >= WINDOW {
            self.previous = if age < 2 * WINDOW { self.present } else { 0 };
            self.present = 0;
            self.began = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_known_for_one_to_two_windows() {
        let mut counts = Counts::new();
        counts.begin(5);
        assert_eq!(counts.longest_gap(5), 0, "there was no wait before");
        counts.end(10);
        counts.begin(110);
        counts.end(120);
        counts.begin(150);
        assert_eq!(counts.longest_gap(150), 100);
        assert_eq!(counts.longest_gap(WINDOW + 1), 100, "in the window before");
        counts.end(WINDOW + 1);
        counts.begin(WINDOW + 8);
        assert_eq!(counts.longest_gap(WINDOW + 8), 100);
        assert_eq!(counts.longest_gap(2 * WINDOW + 1), 7);
        assert_eq!(counts.longest_gap(9 * WINDOW), 0);
        counts.end(9 * WINDOW);
        counts.begin(3);
        assert_eq!(counts.longest_gap(3), 0, "a clock that goes back");
    }

    #[test]
    fn waits_that_ask_nothing_end_no_gap() {
        let mut counts = Counts::new();
        counts.begin(10);
        counts.end(20);
        for now in [30, 40, 50] {
            counts.end(now);
        }
        counts.begin(60);
        assert_eq!((counts.longest_gap(60), counts.waits), (40, 2));
    }
}
