//! A map of bounded size that forgets what was not used for longest.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;

/// A map of at most twice `max` entries, in two generations. Once the younger one is full it becomes the older one, and
/// the entries of the former older one are forgotten. An entry that is used moves to the younger one.
#[derive(Debug)]
pub(super) struct RecentMap<K, V> {
    max: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash + Clone, V> RecentMap<K, V> {
    pub(super) fn new(max: usize) -> Self {
        Self { max, young: HashMap::new(), old: HashMap::new() }
    }

    /// The value of a key that was not forgotten.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        if let Some(value) = self.old.remove(key) {
            self.insert(key.clone(), value);
        }
        self.young.get_mut(key)
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.max {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn used_entries_are_kept_and_the_number_of_entries_is_bounded() {
        let mut map = RecentMap::new(10);
        map.insert(0, "used");
        for key in 1..1000 {
            map.insert(key, "new");
            assert_eq!(map.get_mut(&0).copied(), Some("used"), "after {key}");
            assert!(map.young.len() + map.old.len() <= 20);
        }
        assert_eq!(map.get_mut(&1), None, "the unused one is forgotten");
    }
}
