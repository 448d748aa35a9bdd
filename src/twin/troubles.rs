//! What went wrong with what the modeller has asked for, once per cause: an action that could not be asked for or failed, rules in a ring.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::reading::Timestamp;

/// Causes that are kept, the newest.
pub const TROUBLES_MAX: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// `ACTION_FAILED`, `RULE_LOOP`, `LATE_DATA`
    pub code: SmolStr,
    pub rule: SmolStr,
    pub message: String,
    #[serde(with = "crate::alarm::stored_time")]
    pub at: Timestamp,
    /// How often, since it was last another one.
    pub count: u32,
}

/// Shared with readers until it changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Troubles(Option<Arc<Vec<Trouble>>>);

impl Troubles {
    pub fn restore(troubles: Vec<Trouble>) -> Troubles {
        Troubles(Some(troubles).filter(|troubles| !troubles.is_empty()).map(Arc::new))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Trouble> {
        self.0.iter().flat_map(|troubles| troubles.iter())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn take(&mut self, trouble: &Trouble) {
        let troubles = Arc::make_mut(self.0.get_or_insert_default());
        let same = |known: &Trouble| known.code == trouble.code && known.rule == trouble.rule && known.message == trouble.message;
        let count = match troubles.iter().position(same) {
            Some(place) => troubles.remove(place).count.saturating_add(1),
            None => 1,
        };
        if troubles.len() >= TROUBLES_MAX {
            troubles.remove(0);
        }
        troubles.push(Trouble { count, ..trouble.clone() });
    }
}
