//! Which descriptors one wait asks about.
//!
//! The runtime makes one or two system calls for each descriptor of each wait (`Poller::read` and `Poller::wait` in `inode-linux.cpp`:
//! `EPOLL_CTL_ADD` or `_MOD` for what is asked, `_DEL` for what no longer is), so a thousand idle connections would cost a busy one hundreds of
//! microseconds a request. With more than [`FEW`] descriptors a wait therefore asks about
//!
//! - those that were active in the last 64 to 128 waits;
//! - a slice of the others, sized by the time that has passed, so that each is asked about once a [`round`] however busy the rest is;
//! - all of them, once the active ones have been silent for [`silence`], and for as long as waits are rare.
//!
//! Nothing here knows the runtime: time and descriptors come in as numbers, and the tests run the choice against a model.

/// Up to so many subscriptions all are asked about: choosing would save nothing.
pub(crate) const FEW: usize = 32;

/// Waits after which a descriptor that has not been active stops counting as active; at most twice as many.
const GENERATION: u32 = 64;

/// What asking about one idle descriptor costs, in nanoseconds: a look by `recv`, measured by hand at 400 to 700.
const LOOK: u64 = 700;

/// What adding a descriptor to a wait and taking it out again costs, in nanoseconds: two `epoll_ctl` and the runtime's notes of both.
const CHANGE: u64 = 1_400;

/// Descriptors are spread over so many classes by their number; slices are made of classes.
const CLASSES: u64 = 256;

/// The bits that remember who was active.
const BITS: usize = 8192;

/// The time in which every descriptor is asked about at least once, in nanoseconds: eight times what asking about all of them costs, so that the
/// slices take about an eighth of the time, and no less than 2 ms. With 1,000 descriptors 5.6 ms, with 5,000 28.
pub(crate) fn round(count: usize) -> u64 {
    (8 * LOOK * count as u64).max(2_000_000)
}

/// How long the active descriptors may be silent until all are asked about, in nanoseconds: twice what that change costs, so that a process
/// that is interrupted or served slowly does not change back and forth. The slices go on meanwhile.
fn silence(count: usize) -> u64 {
    (2 * CHANGE * count as u64).max(1_000_000)
}

/// How long one wait for the active descriptors lasts at most, in nanoseconds; then the next slice is looked at.
const STEP: u64 = 4_000_000;

/// What a wait asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Everything.
    All,
    /// What [`Choice::wants`] says, for so many nanoseconds; then see [`Choice::go_on`].
    Some {
        /// The nanoseconds.
        step: u64,
    },
}

/// What to do about one descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Ask the runtime to wait for it.
    Wait,
    /// See whether it is ready; if it is not, there is no need to wait for it.
    Look,
    /// Nothing, this time.
    Nothing,
}

/// The choice, from one wait to the next.
#[derive(Debug)]
pub(crate) struct Choice {
    /// Who was active in this generation and in the one before, one bit for several descriptors.
    active: [[u64; BITS / 64]; 2],
    /// Waits in this generation.
    waits: u32,
    /// When the slices were last moved on.
    last: u64,
    /// How far the slices have come, in classes, with 16 bits of fraction.
    position: u64,
    /// The classes of this wait's slice: the first and how many.
    slice: (u64, u64),
    /// Waits are rare enough to ask about everything.
    calm: bool,
}

impl Choice {
    /// A choice that knows nothing yet.
    pub(crate) const fn new() -> Self {
        Self { active: [[0; BITS / 64]; 2], waits: 0, last: 0, position: 0, slice: (0, 0), calm: true }
    }

    /// Begins a wait for `count` subscriptions.
    pub(crate) fn begin(&mut self, count: usize, now: u64) -> Ask {
        self.waits += 1;
        if self.waits >= GENERATION {
            self.waits = 0;
            let [this, before] = &mut self.active;
            std::mem::swap(this, before);
            this.fill(0);
        }
        if count <= FEW || self.calm {
            return Ask::All;
        }
        self.next_slice(count, now);
        Ask::Some { step: silence(count).min(STEP) }
    }

    /// Goes on with a wait that asked about some, began `passed` nanoseconds ago and has been silent.
    pub(crate) fn go_on(&mut self, count: usize, passed: u64, now: u64) -> Ask {
        let left = silence(count).saturating_sub(passed);
        if left == 0 {
            return Ask::All;
        }
        self.next_slice(count, now);
        Ask::Some { step: left.min(STEP) }
    }

    /// Moves the slice on by the time that has passed.
    fn next_slice(&mut self, count: usize, now: u64) {
        let round = round(count);
        let passed = now.saturating_sub(self.last).min(round);
        self.last = now;
        let next = self.position + ((passed * CLASSES) << 16) / round;
        self.slice = (self.position >> 16, (next >> 16) - (self.position >> 16));
        self.position = next;
    }

    /// What a wait that asks about some does about this one.
    pub(crate) fn wants(&self, fd: u32) -> Want {
        let (word, bit) = place(fd);
        if self.active.iter().any(|generation| generation.get(word).is_some_and(|bits| bits & bit != 0)) {
            return Want::Wait;
        }
        let (first, length) = self.slice;
        if class(fd).wrapping_sub(first) % CLASSES < length { Want::Look } else { Want::Nothing }
    }

    /// Says that a descriptor is active: it was ready, or it was written to.
    pub(crate) fn active(&mut self, fd: u32) {
        let (word, bit) = place(fd);
        let [this, _] = &mut self.active;
        if let Some(bits) = this.get_mut(word) {
            *bits |= bit;
        }
    }

    /// Ends a wait that began at `began`; `all` says whether it came to ask about everything.
    ///
    /// A wait for everything that lasted longer than it takes to add and remove everything shows that the process is not busy: then the next one
    /// asks about everything too, which is cheaper than taking out and adding again.
    pub(crate) fn end(&mut self, all: bool, count: usize, began: u64, now: u64) {
        if all {
            self.calm = now.saturating_sub(began) >= CHANGE * count as u64;
            self.last = now;
        }
    }
}

/// A descriptor's number, stirred: the runtime's numbers are random, other people's may not be.
fn stirred(fd: u32) -> u32 {
    fd.wrapping_mul(0x9E37_79B1)
}

/// The class of a descriptor.
fn class(fd: u32) -> u64 {
    u64::from(stirred(fd) >> 24)
}

/// A descriptor's word and bit among the active.
fn place(fd: u32) -> (usize, u64) {
    let index = (stirred(fd) >> 11) as usize % BITS;
    (index / 64, 1 << (index % 64))
}

#[cfg(test)]
#[path = "choice_tests.rs"]
mod tests;
