//! A map of bounded size that forgets what was not used for longest.

use std::collections::BTreeMap;
use std::mem;

use super::tokens::Hash;

/// A map of at most twice `max` entries, in two generations. Once the younger one is full it becomes the older one, and
/// the entries of the former older one are forgotten. An entry that is used moves to the younger one.
///
/// Clients choose the keys. No choice makes an ordered map slow, unlike a `HashMap`, whose hash key can be guessed in
/// WasmEdge (docs/PLATFORM.md, "Predictable random numbers").
#[derive(Debug)]
pub(super) struct RecentMap<V> {
    max: usize,
    young: BTreeMap<Hash, V>,
    old: BTreeMap<Hash, V>,
}

impl<V> RecentMap<V> {
    pub(super) fn new(max: usize) -> Self {
        Self { max, young: BTreeMap::new(), old: BTreeMap::new() }
    }

    /// The value of a key that was not forgotten.
    pub(super) fn get_mut(&mut self, key: &Hash) -> Option<&mut V> {
        if let Some(value) = self.old.remove(key) {
            self.insert(*key, value);
        }
        self.young.get_mut(key)
    }

    pub(super) fn insert(&mut self, key: Hash, value: V) {
        if self.young.len() >= self.max {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tokens;
    use super::*;

    #[test]
    fn used_entries_are_kept_and_the_number_of_entries_is_bounded() {
        let mut map = RecentMap::new(10);
        let key = |number: u32| tokens::hash(&number.to_string());
        map.insert(key(0), "used");
        for number in 1..1000 {
            map.insert(key(number), "new");
            assert_eq!(map.get_mut(&key(0)).copied(), Some("used"), "after {number}");
            assert!(map.young.len() + map.old.len() <= 20);
        }
        assert_eq!(map.get_mut(&key(1)), None, "the unused one is forgotten");
    }
}
