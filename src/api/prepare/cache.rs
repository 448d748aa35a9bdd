//! A cache that forgets what was not used for longest, bounded by how many it keeps and by their bytes.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

#[derive(Debug)]
pub(super) struct Lru<K, V> {
    entries: HashMap<K, Entry<V>>,
    /// By when they were used last.
    order: BTreeMap<u64, K>,
    clock: u64,
    bytes: usize,
    count_max: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    bytes: usize,
    used: u64,
}

impl<K: Hash + Eq + Clone, V: Clone> Lru<K, V> {
    pub(super) fn new(count_max: usize, bytes_max: usize) -> Lru<K, V> {
        Lru { entries: HashMap::new(), order: BTreeMap::new(), clock: 0, bytes: 0, count_max, bytes_max }
    }

    pub(super) fn get<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let entry = self.entries.get_mut(key)?;
        self.clock += 1;
        if let Some(key) = self.order.remove(&entry.used) {
            self.order.insert(self.clock, key);
        }
        entry.used = self.clock;
        Some(entry.value.clone())
    }

    /// What alone is larger than the bound is not kept.
    pub(super) fn insert(&mut self, key: K, value: V, bytes: usize) {
        if let Some(old) = self.entries.remove(&key) {
            self.order.remove(&old.used);
            self.bytes -= old.bytes;
        }
        if bytes > self.bytes_max || self.count_max == 0 {
            return;
        }
        while self.entries.len() >= self.count_max || self.bytes + bytes > self.bytes_max {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            if let Some(old) = self.entries.remove(&oldest) {
                self.bytes -= old.bytes;
            }
        }
        self.clock += 1;
        self.order.insert(self.clock, key.clone());
        self.entries.insert(key, Entry { value, bytes, used: self.clock });
        self.bytes += bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let mut cache = Lru::new(2, 100);
        cache.insert("a", 1, 10);
        cache.insert("b", 2, 10);
        assert_eq!(cache.get("a"), Some(1));
        cache.insert("c", 3, 10);
        assert_eq!((cache.get("a"), cache.get("b"), cache.get("c")), (Some(1), None, Some(3)));
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut cache = Lru::new(100, 100);
        cache.insert("a", 1, 60);
        cache.insert("b", 2, 30);
        cache.insert("b", 3, 40);
        assert_eq!((cache.get("a"), cache.get("b")), (Some(1), Some(3)));
        cache.insert("c", 4, 61);
        assert_eq!((cache.get("a"), cache.get("b"), cache.get("c")), (None, None, Some(4)));
        cache.insert("d", 5, 101);
        assert_eq!((cache.get("c"), cache.get("d")), (Some(4), None));
        assert_eq!(cache.bytes, 61);
    }
}
