//! A ledger of writes: what clients sent, what was acknowledged, and what the server may therefore hold.
//!
//! For each key the ledger keeps the set of its possible states. An acknowledged write leaves one state. A write whose
//! outcome is unknown (the connection broke, 503 with an unknown outcome) adds one. A rejected write changes nothing.
//! A ledger belongs to one client, and each key to one ledger; [`Ledger::merge`] joins them at the end.

use std::collections::BTreeMap;
use std::fmt::Debug;

use anyhow::{Result, bail};

/// The writes of one or more clients. `V` is what is stored under a key: `()` where only the keys are checked.
#[derive(Clone, Debug)]
pub struct Ledger<V = ()> {
    keys: BTreeMap<u64, States<V>>,
    counts: Counts,
}

/// How many writes had which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The server acknowledged the write.
    pub acknowledged: usize,
    /// The server rejected the write.
    pub rejected: usize,
    /// The outcome is not known.
    pub unknown: usize,
}

/// The states that a key may have at the server, none of them twice; `None` is absence.
#[derive(Clone, Debug)]
struct States<V> {
    possible: Vec<Option<V>>,
    /// What was sent last and has no outcome yet.
    pending: Option<Option<V>>,
}

/// What differs between the ledger and the server's contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differences {
    /// Keys that must be stored and are not: lost writes.
    pub lost: Vec<u64>,
    /// Keys that must not be stored and are: rejected or deleted, or never sent.
    pub unexpected: Vec<u64>,
    /// Keys that are stored with a value that no possible write has left.
    pub different: Vec<u64>,
}

impl<V> Default for Ledger<V> {
    fn default() -> Self {
        Self { keys: BTreeMap::new(), counts: Counts::default() }
    }
}

impl<V: Clone + PartialEq + Debug> Ledger<V> {
    /// An empty ledger for an empty server.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records that a write of `value` under `key` is about to be sent; `None` deletes. Until its outcome is recorded,
    /// it is unknown.
    pub fn sent(&mut self, key: u64, value: Option<V>) {
        self.resolve_pending(key);
        let states = self.keys.entry(key).or_insert_with(States::absent);
        states.pending = Some(value);
    }

    /// Records that the server acknowledged the last write of `key`.
    pub fn acknowledged(&mut self, key: u64) {
        if let Some(value) = self.keys.get_mut(&key).and_then(|states| states.pending.take()) {
            self.keys.insert(key, States { possible: vec![value], pending: None });
            self.counts.acknowledged += 1;
        }
    }

    /// Records that the server rejected the last write of `key`.
    pub fn rejected(&mut self, key: u64) {
        if self.keys.get_mut(&key).and_then(|states| states.pending.take()).is_some() {
            self.counts.rejected += 1;
        }
    }

    /// Records that the outcome of the last write of `key` is unknown.
    pub fn unknown(&mut self, key: u64) {
        self.resolve_pending(key);
    }

    /// The acknowledged write of a value whose key the server chose.
    pub fn acknowledged_new(&mut self, key: u64, value: V) {
        self.sent(key, Some(value));
        self.acknowledged(key);
    }

    /// Adds the keys of another client, which must not have written any key of this one.
    pub fn merge(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.counts.acknowledged += other.counts.acknowledged;
        self.counts.rejected += other.counts.rejected;
        self.counts.unknown += other.counts.unknown;
    }

    /// The value under `key`, if it is certain that there is one.
    #[must_use]
    pub fn get(&self, key: u64) -> Option<&V> {
        match self.keys.get(&key) {
            Some(States { possible, pending: None }) if possible.len() == 1 => possible.first()?.as_ref(),
            _ => None,
        }
    }

    /// The keys with a value that is certain, in order.
    pub fn entries(&self) -> impl Iterator<Item = (u64, &V)> {
        self.keys.keys().filter_map(|key| Some((*key, self.get(*key)?)))
    }

    /// How many writes had which outcome; a write without a recorded outcome counts as unknown.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let pending = self.keys.values().filter(|states| states.pending.is_some()).count();
        Counts { unknown: self.counts.unknown + pending, ..self.counts }
    }

    /// Compares the ledger with everything that the server holds.
    pub fn compare(&self, stored: impl IntoIterator<Item = (u64, V)>) -> Differences {
        let stored: BTreeMap<u64, V> = stored.into_iter().collect();
        let certain = |key: &u64| self.keys.get(key).is_some_and(|states| !states.may_be(None));
        let lost = self.keys.keys().filter(|key| certain(key) && !stored.contains_key(key)).copied().collect();
        let (mut unexpected, mut different) = (Vec::new(), Vec::new());
        for (key, value) in &stored {
            match self.keys.get(key) {
                Some(states) if states.may_be(Some(value)) => {}
                Some(states) if states.may_be_present() => different.push(*key),
                _ => unexpected.push(*key),
            }
        }
        Differences { lost, unexpected, different }
    }

    /// Checks everything that the server holds.
    ///
    /// # Errors
    /// When an acknowledged write is missing or has another value, or a key is stored that must not be.
    pub fn check(&self, stored: impl IntoIterator<Item = (u64, V)>) -> Result<()> {
        let differences = self.compare(stored);
        if !differences.is_empty() {
            bail!("the server's contents differ from what clients wrote ({:?}): {differences:?}", self.counts());
        }
        Ok(())
    }

    fn resolve_pending(&mut self, key: u64) {
        if let Some(states) = self.keys.get_mut(&key) {
            if let Some(value) = states.pending.take() {
                states.add(value);
                self.counts.unknown += 1;
            }
        }
    }
}

impl Differences {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lost.is_empty() && self.unexpected.is_empty() && self.different.is_empty()
    }
}

impl<V: Clone + PartialEq> States<V> {
    fn absent() -> Self {
        Self { possible: vec![None], pending: None }
    }

    fn add(&mut self, state: Option<V>) {
        if !self.possible.contains(&state) {
            self.possible.push(state);
        }
    }

    fn all(&self) -> impl Iterator<Item = Option<&V>> {
        self.possible.iter().chain(&self.pending).map(Option::as_ref)
    }

    fn may_be(&self, state: Option<&V>) -> bool {
        self.all().any(|possible| possible == state)
    }

    fn may_be_present(&self) -> bool {
        self.all().any(|possible| possible.is_some())
    }
}

#[cfg(test)]
mod tests;
