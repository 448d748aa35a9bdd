//! Who says most about the roll-ups that rules of a twin look at: kept as it was when a roll-up last said something else, so that an alarm can tell
//! whose values raised it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::reading::{Quality, SlotNo, Timestamp};

/// Of one roll-up.
pub const CONTRIBUTORS_MAX: usize = 10;

/// One of those that a roll-up goes over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contributor {
    pub twin: SmolStr,
    /// In the unit of the roll-up; of what is true or false 1 or 0, of severities their place. `None`: it is not known.
    pub value: Option<f64>,
    /// The event time it is of.
    #[serde(with = "crate::alarm::stored_time")]
    pub time: Timestamp,
    /// The code of the worst of what it was made of.
    pub quality: u8,
}

impl Contributor {
    pub fn quality(&self) -> Quality {
        Quality::from_code(self.quality).unwrap_or(Quality::Missing)
    }
}

/// By the slot of the roll-up; nothing for nearly every twin. Shared with readers until it changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contributors(Option<Arc<Vec<OfSlot>>>);

/// The one that says most comes first.
type OfSlot = (SlotNo, Arc<[Contributor]>);

impl Contributors {
    pub fn restore(contributors: Vec<OfSlot>) -> Contributors {
        Contributors(Some(contributors).filter(|contributors| !contributors.is_empty()).map(Arc::new))
    }

    pub fn get(&self, slot: SlotNo) -> &[Contributor] {
        self.iter().find(|(known, _)| *known == slot).map_or(&[], |(_, contributors)| contributors)
    }

    pub fn iter(&self) -> impl Iterator<Item = &OfSlot> {
        self.0.iter().flat_map(|contributors| contributors.iter())
    }

    pub(super) fn set(&mut self, slot: SlotNo, contributors: &Option<Arc<[Contributor]>>) {
        if self.0.is_none() && contributors.is_none() {
            return;
        }
        let all = Arc::make_mut(self.0.get_or_insert_default());
        let place = all.iter().position(|(known, _)| *known == slot);
        match (place, contributors) {
            (Some(place), Some(contributors)) => all[place].1 = contributors.clone(),
            (Some(place), None) => drop(all.remove(place)),
            (None, Some(contributors)) => all.push((slot, contributors.clone())),
            (None, None) => {}
        }
        if all.is_empty() {
            self.0 = None;
        }
    }
}
