//! Few places in long lists: the rules, windows or computed values of a type that have to be looked at now.

use smallvec::SmallVec;

/// In order, each once. Takes no memory of its own while there are few, which is nearly always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places(SmallVec<[u16; 16]>);

impl Places {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn insert(&mut self, place: u16) {
        if let Err(before) = self.0.binary_search(&place) {
            self.0.insert(before, place);
        }
    }

    pub fn pop_first(&mut self) -> Option<u16> {
        if self.0.is_empty() { None } else { Some(self.0.remove(0)) }
    }

    pub fn iter(&self) -> impl Iterator<Item = u16> + Clone {
        self.0.iter().copied()
    }
}

impl Extend<u16> for Places {
    fn extend<I: IntoIterator<Item = u16>>(&mut self, places: I) {
        places.into_iter().for_each(|place| self.insert(place));
    }
}

impl FromIterator<u16> for Places {
    fn from_iter<I: IntoIterator<Item = u16>>(places: I) -> Places {
        let mut made = Places::default();
        made.extend(places);
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_in_order_and_once() {
        let mut places: Places = [7, 3, 7, 200, 3, 1].into_iter().chain(10..40).collect();
        assert_eq!(places.iter().count(), 34);
        assert_eq!(std::iter::from_fn(|| places.pop_first()).take(5).collect::<Vec<_>>(), [1, 3, 7, 10, 11]);
        assert!(!places.is_empty());
    }
}
