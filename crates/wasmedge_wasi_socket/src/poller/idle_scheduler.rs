//! Selects the descriptors for each poll.
//!
//! The runtime makes one or two system calls for each descriptor of each poll (`Poller::read` and `Poller::wait` in
//! `inode-linux.cpp`: `EPOLL_CTL_ADD` or `_MOD` for a new subscription, `_DEL` for one that is gone). So a thousand
//! idle connections would add hundreds of microseconds to each request of a busy one. With more than [`POLL_ALL_MAX`]
//! subscriptions a poll therefore has
//!
//! - the descriptors that were active in the last 64 to 128 waits;
//! - a slice of the others. Its size follows the time that has passed, so each descriptor is selected once per
//!   [`cycle_time`] under any load, and the pause of a busy caller (below);
//! - all of them, once the active ones have been silent for a while, and as long as waits are rare. To poll all costs
//!   much at first, and lets an idle descriptor be noticed at once. How long the while is depends on who ended the last
//!   silences: if it was an active descriptor, to poll all was or would have been in vain.
//!
//! Of the active descriptors only those are polled that expect input (see [`crate::fd_table`]); the others have their
//! turn in a slice. Listeners are in every poll.
//!
//! A caller that has other work does not want to wait: its timeout is zero. If hundreds of descriptors are active, each
//! such poll would cost as much as the work between two of them. So such a wait is due only once the time since the
//! last one is about eight times what that one cost; before, nothing is asked.
//!
//! This module makes no calls: times and descriptors are arguments, and the tests run it against a model.

/// Up to this number of subscriptions, all are polled: a selection would save nothing.
pub(crate) const POLL_ALL_MAX: usize = 32;

/// After this number of waits without activity a descriptor becomes idle; after twice as many at the latest.
const GENERATION: u32 = 64;

/// The cost of selecting one idle descriptor, in nanoseconds: one `recv`, measured at 400 to 700.
const PEEK_COST: u64 = 700;

/// The cost of adding a descriptor to the runtime's poller and removing it again, in nanoseconds: two `epoll_ctl` and
/// the runtime's own work.
const REGISTER_COST: u64 = 1_400;

/// The number of classes that descriptors are divided into, by a hash of their number. A slice is a range of classes.
const CLASSES: u64 = 256;

/// The number of bits that record which descriptors were active.
const ACTIVE_BITS: usize = 8192;

/// How long the active descriptors must be silent before all are polled, as a multiple of the time that adding all of
/// them to the runtime's poller takes: 2.8 ms with 1,000 descriptors, and 22 ms.
const MIN_QUIET_FACTOR: u64 = 2;
const MAX_QUIET_FACTOR: u64 = 16;

/// The part of the time that the slices take: one in this number.
const SLICE_SHARE: u64 = 8;

/// Up to this number of selected descriptors, a caller that has other work is never put off: they cost little.
const SMALL_SELECTION: usize = 64;

/// The longest timeout of a poll of a subset; then the next slice is due. What becomes ready during a slice waits for
/// its end: an eighth of this time.
const MAX_SUBSET_TIMEOUT: u64 = 1_000_000;

/// The time in which every descriptor is selected at least once, in nanoseconds: so long that selecting all of them
/// takes an eighth of it, and at least 2 ms. It is 5.6 ms with 1,000 descriptors and 28 ms with 5,000.
pub(crate) fn cycle_time(count: usize) -> u64 {
    (SLICE_SHARE * PEEK_COST * count as u64).max(2_000_000)
}

/// How long a caller that has other work goes on with that after `selected` descriptors were polled, in nanoseconds.
/// Polling one that was polled before takes about as long as a peek.
pub(crate) fn busy_pause(selected: usize) -> u64 {
    SLICE_SHARE * PEEK_COST * selected as u64
}

/// The descriptors of a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Every descriptor.
    All,
    /// The descriptors that [`IdleScheduler::select`] selects; after the timeout, see [`IdleScheduler::resume`].
    Subset {
        /// The longest time for this poll, in nanoseconds.
        timeout: u64,
    },
}

/// What to do with one descriptor in a poll of a subset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// Poll it.
    Poll,
    /// Peek, and poll it only if it is ready. A writer is polled: a peek does not show whether it is writable.
    Peek,
    /// Leave it out.
    Skip,
}

/// The state from one wait to the next.
#[derive(Debug)]
pub(crate) struct IdleScheduler {
    /// The active descriptors of this generation and of the one before. Several descriptors share a bit.
    active: [[u64; ACTIVE_BITS / 64]; 2],
    /// The number of waits in this generation.
    waits: u32,
    /// When the slice was last moved on.
    last_move: u64,
    /// Where the next slice begins: a class, with 16 bits of fraction.
    position: u64,
    /// The slice of this wait: its first class and the number of classes.
    slice: (u64, u64),
    /// Whether waits are rare enough to poll all descriptors.
    is_quiet: bool,
    /// The present multiple, from [`MIN_QUIET_FACTOR`] to [`MAX_QUIET_FACTOR`].
    quiet_factor: u64,
    /// When descriptors were last polled or peeked at, and how many.
    last_selection: (u64, usize),
}

impl IdleScheduler {
    /// A scheduler that knows no descriptor.
    pub(crate) const fn new() -> Self {
        let active = [[0; ACTIVE_BITS / 64]; 2];
        Self {
            active,
            waits: 0,
            last_move: 0,
            position: 0,
            slice: (0, 0),
            is_quiet: true,
            quiet_factor: MIN_QUIET_FACTOR,
            last_selection: (0, 0),
        }
    }

    /// Begins a wait.
    pub(crate) fn begin(&mut self) {
        self.waits += 1;
        if self.waits >= GENERATION {
            self.waits = 0;
            let [current, previous] = &mut self.active;
            std::mem::swap(current, previous);
            current.fill(0);
        }
    }

    /// Records that `selected` descriptors were polled or peeked at.
    pub(crate) fn record_selection(&mut self, selected: usize, now: u64) {
        self.last_selection = (now, selected);
    }

    /// Whether a wait is due whose caller has other work.
    pub(crate) fn is_due(&self, now: u64) -> bool {
        let (last, selected) = self.last_selection;
        // A clock that went back is not waited for.
        selected <= SMALL_SELECTION || now < last || now - last >= busy_pause(selected)
    }

    /// How long silences are waited for, as a multiple.
    #[cfg(test)]
    pub(crate) fn quiet_factor(&self) -> u64 {
        self.quiet_factor
    }

    /// How long the active descriptors must be silent before all are polled, in nanoseconds.
    fn quiet_time(&self, count: usize) -> u64 {
        (self.quiet_factor * REGISTER_COST * count as u64).max(1_000_000)
    }

    /// Learns from the end of a silence of `elapsed` nanoseconds. One that an active descriptor ends makes the next
    /// ones longer; those that only idle ones end make them shorter again.
    pub(crate) fn learn(&mut self, count: usize, elapsed: u64, is_any_active: bool) {
        if count > POLL_ALL_MAX && elapsed >= MIN_QUIET_FACTOR * REGISTER_COST * count as u64 {
            self.quiet_factor =
                if is_any_active { MAX_QUIET_FACTOR } else { (self.quiet_factor / 2).max(MIN_QUIET_FACTOR) };
        }
    }

    /// Plans a poll of `count` subscriptions.
    pub(crate) fn plan(&mut self, count: usize, now: u64) -> Plan {
        if count <= POLL_ALL_MAX || self.is_quiet {
            return Plan::All;
        }
        self.move_slice(count, now);
        Plan::Subset { timeout: self.quiet_time(count).min(MAX_SUBSET_TIMEOUT) }
    }

    /// Continues a wait whose subset has been silent for `elapsed` nanoseconds.
    pub(crate) fn resume(&mut self, count: usize, elapsed: u64, now: u64) -> Plan {
        let remaining = self.quiet_time(count).saturating_sub(elapsed);
        if remaining == 0 {
            return Plan::All;
        }
        self.move_slice(count, now);
        Plan::Subset { timeout: remaining.min(MAX_SUBSET_TIMEOUT) }
    }

    /// Moves the slice on by the time that has passed. A wait that peeks in vain polls at the same time; it keeps its
    /// slice.
    pub(crate) fn move_slice(&mut self, count: usize, now: u64) {
        if now == self.last_move {
            return;
        }
        let cycle = cycle_time(count);
        let elapsed = now.saturating_sub(self.last_move).min(cycle);
        self.last_move = now;
        let end = self.position + ((elapsed * CLASSES) << 16) / cycle;
        self.slice = (self.position >> 16, (end >> 16) - (self.position >> 16));
        self.position = end;
    }

    /// What to do with a descriptor in a poll of a subset. `expects_input` says whether its peer has reason to send.
    pub(crate) fn select(&self, fd: u32, expects_input: bool) -> Selection {
        if expects_input && self.is_active(fd) {
            return Selection::Poll;
        }
        let (first, length) = self.slice;
        if class(fd).wrapping_sub(first) % CLASSES < length { Selection::Peek } else { Selection::Skip }
    }

    /// Whether a descriptor was active in the last 64 waits; true for some of the 64 waits before, too.
    pub(crate) fn is_active(&self, fd: u32) -> bool {
        let (word, bit) = active_bit(fd);
        self.active.iter().any(|generation| generation.get(word).is_some_and(|bits| bits & bit != 0))
    }

    /// Records that a descriptor is active: it was ready, or it was written to.
    pub(crate) fn mark_active(&mut self, fd: u32) {
        let (word, bit) = active_bit(fd);
        let [current, _] = &mut self.active;
        if let Some(bits) = current.get_mut(word) {
            *bits |= bit;
        }
    }

    /// Ends a wait that began at `began`; `polled_all` says whether its last poll had every descriptor.
    ///
    /// If such a wait took longer than the quiet time, the process is not busy. The next wait then polls all of them
    /// too, because removing and adding them again would cost more.
    pub(crate) fn end(&mut self, polled_all: bool, count: usize, began: u64, now: u64) {
        if polled_all {
            self.is_quiet = now.saturating_sub(began) >= self.quiet_time(count);
            self.last_move = now;
        }
    }
}

/// A hash of a descriptor. WasmEdge's descriptors are random numbers, but those of other runtimes may not be.
fn hash(fd: u32) -> u32 {
    fd.wrapping_mul(0x9E37_79B1)
}

/// The class of a descriptor.
fn class(fd: u32) -> u64 {
    u64::from(hash(fd) >> 24)
}

/// The word and the bit of a descriptor in a generation.
fn active_bit(fd: u32) -> (usize, u64) {
    let index = (hash(fd) >> 11) as usize % ACTIVE_BITS;
    (index / 64, 1 << (index % 64))
}

#[cfg(test)]
#[path = "idle_scheduler_tests.rs"]
mod tests;
