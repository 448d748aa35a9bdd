//! Who has subscribed to what: a tree of topic levels. Matching walks the levels of a topic once, along at most two branches per level.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::topic;

/// `T` is the subscriber; two are the same if `K` is.
#[derive(Debug)]
pub(super) struct Subscriptions<T> {
    root: Node<T>,
    count: usize,
}

#[derive(Debug)]
struct Node<T> {
    named: HashMap<Box<str>, Node<T>, FixedState>,
    /// `+`
    any: Option<Box<Node<T>>>,
    /// Filters that end here.
    here: Vec<Entry<T>>,
    /// Filters that end in `#` here; they match this level's parent too.
    rest: Vec<Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    key: u64,
    subscriber: T,
}

impl<T> Default for Node<T> {
    fn default() -> Node<T> {
        Node { named: HashMap::default(), any: None, here: Vec::new(), rest: Vec::new() }
    }
}

impl<T> Default for Subscriptions<T> {
    fn default() -> Subscriptions<T> {
        Subscriptions { root: Node::default(), count: 0 }
    }
}

impl<T> Subscriptions<T> {
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Adds a well-formed filter, or replaces the one this key already has.
    pub(super) fn add(&mut self, filter: &str, key: u64, subscriber: T) {
        let mut node = &mut self.root;
        let mut levels = filter.split('/').peekable();
        let entries = loop {
            match levels.next() {
                None => break &mut node.here,
                Some("#") if levels.peek().is_none() => break &mut node.rest,
                Some("+") => node = node.any.get_or_insert_default(),
                Some(level) => node = node.named.entry(level.into()).or_default(),
            }
        };
        match entries.iter_mut().find(|entry| entry.key == key) {
            Some(entry) => entry.subscriber = subscriber,
            None => {
                entries.push(Entry { key, subscriber });
                self.count += 1;
            }
        }
    }

    /// Says whether there was one.
    pub(super) fn remove(&mut self, filter: &str, key: u64) -> bool {
        let levels: Vec<&str> = filter.split('/').collect();
        let removed = self.root.remove(&levels, key);
        self.count -= usize::from(removed);
        removed
    }

    /// Calls `each` for every filter that matches; a subscriber with several such filters comes several times.
    pub(super) fn matches<'a>(&'a self, topic: &str, each: &mut dyn FnMut(u64, &'a T)) {
        let levels: Vec<&str> = topic.split('/').collect();
        self.root.matches(&levels, !topic::is_reserved(topic), each);
    }
}

impl<T> Node<T> {
    fn is_empty(&self) -> bool {
        self.named.is_empty() && self.any.is_none() && self.here.is_empty() && self.rest.is_empty()
    }

    fn remove(&mut self, levels: &[&str], key: u64) -> bool {
        let Some((&level, deeper)) = levels.split_first() else { return take(&mut self.here, key) };
        if level == "#" && deeper.is_empty() {
            return take(&mut self.rest, key);
        }
        if level == "+" {
            let Some(any) = &mut self.any else { return false };
            let removed = any.remove(deeper, key);
            if any.is_empty() {
                self.any = None;
            }
            return removed;
        }
        let Some(node) = self.named.get_mut(level) else { return false };
        let removed = node.remove(deeper, key);
        if node.is_empty() {
            self.named.remove(level);
        }
        removed
    }

    /// The recursion is as deep as the deepest filter, which has a bound.
    fn matches<'a>(&'a self, levels: &[&str], wildcards_match: bool, each: &mut dyn FnMut(u64, &'a T)) {
        if wildcards_match {
            self.rest.iter().for_each(|entry| each(entry.key, &entry.subscriber));
        }
        let Some((&level, deeper)) = levels.split_first() else {
            self.here.iter().for_each(|entry| each(entry.key, &entry.subscriber));
            return;
        };
        if wildcards_match && let Some(any) = &self.any {
            any.matches(deeper, true, each);
        }
        if let Some(node) = self.named.get(level) {
            node.matches(deeper, true, each);
        }
    }
}

fn take<T>(entries: &mut Vec<Entry<T>>, key: u64) -> bool {
    match entries.iter().position(|entry| entry.key == key) {
        Some(index) => {
            entries.swap_remove(index);
            true
        }
        None => false,
    }
}
