//! Names that a payload may say at one level of an object, found without hashing where they come in the expected order.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher as _;

use crate::reading::SlotNo;

/// Wire names of one level. Made once per type, asked once per key of every payload.
#[derive(Debug, Clone, Default)]
pub struct FieldTable {
    fields: Box<[(Box<str>, FieldTarget)]>,
    /// Places in `fields`, by the hash of the name.
    by_hash: HashTable<u16>,
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldTarget {
    Slot(SlotNo),
    /// An object whose leaves are slots.
    Object(Box<FieldTable>),
    /// A fixed-size array whose items are slots.
    FixedArray(Box<[SlotNo]>),
}

impl FieldTable {
    /// In the order in which payloads will probably name them. Of two of the same name the first counts; the loader refuses such a type.
    pub fn build(fields: impl IntoIterator<Item = (String, FieldTarget)>) -> FieldTable {
        let mut kept: Vec<(Box<str>, FieldTarget)> = Vec::new();
        let mut by_hash = HashTable::new();
        for (name, target) in fields {
            let (hash, Ok(place)) = (hash(&name), u16::try_from(kept.len())) else { break };
            if by_hash.find(hash, |place: &u16| *kept[usize::from(*place)].0 == *name).is_none() {
                kept.push((name.into(), target));
                by_hash.insert_unique(hash, place, |place| self::hash(&kept[usize::from(*place)].0));
            }
        }
        FieldTable { fields: kept.into(), by_hash }
    }

    /// `hint` is the place expected next; start an object with 0 and hand the same one to every call for it.
    #[inline]
    pub fn find(&self, name: &str, hint: &mut usize) -> Option<&FieldTarget> {
        if let Some((expected, target)) = self.fields.get(*hint)
            && **expected == *name
        {
            *hint += 1;
            return Some(target);
        }
        let place = usize::from(*self.by_hash.find(hash(name), |place| *self.fields[usize::from(*place)].0 == *name)?);
        *hint = place + 1;
        Some(&self.fields[place].1)
    }

    /// `motor.current`: a path of names, as in `telemetry/motor.current`.
    pub fn find_path(&self, path: &str) -> Option<&FieldTarget> {
        if let Some(target) = self.find(path, &mut 0) {
            return Some(target);
        }
        let (name, rest) = path.split_once('.')?;
        match self.find(name, &mut 0)? {
            FieldTarget::Object(inside) => inside.find_path(rest),
            FieldTarget::Slot(_) | FieldTarget::FixedArray(_) => None,
        }
    }

    /// For suggestions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| &**name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &FieldTarget)> {
        self.fields.iter().map(|(name, target)| (&**name, target))
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

impl PartialEq for FieldTable {
    fn eq(&self, other: &FieldTable) -> bool {
        self.fields == other.fields
    }
}

impl Eq for FieldTable {}

fn hash(name: &str) -> u64 {
    FixedState::default().hash_one(name)
}
