//! The occurrences that a reader of the journal has seen begin: what a fact about an alarm says is only what is new, and clients want all of it.

use std::sync::Arc;

use foldhash::HashMap;
use smol_str::SmolStr;

use crate::alarm::{AlarmState, Change, Occurrence, What};
use crate::reading::TwinNo;

use super::facts::Names;

/// Identities that a reader remembers. Beyond it, it begins anew: what it does not know it asks the twin for.
pub const OCCURRENCES_MAX: usize = 16_384;

/// An alarm behind one of its changes.
#[derive(Debug, Clone, PartialEq)]
pub struct After {
    pub state: Arc<AlarmState>,
    pub occurrence: Arc<Occurrence>,
}

#[derive(Debug, Default)]
pub struct Occurrences(HashMap<(TwinNo, SmolStr), AlarmState>);

impl Occurrences {
    /// These are open as of now; what comes to pass from here on is known as a whole.
    pub fn learn(&mut self, twin: TwinNo, rule: &SmolStr, state: &AlarmState) {
        if self.0.len() < OCCURRENCES_MAX {
            self.0.insert((twin, rule.clone()), state.clone());
        }
    }

    /// The alarm behind a change. Of one that was raised before this reader began, as it is now, and nothing if that is closed.
    pub(super) fn take(&mut self, twin: TwinNo, rule: &SmolStr, change: &Change, names: &dyn Names) -> Option<After> {
        let key = (twin, rule.clone());
        let begins = matches!(change.what, What::Raised { .. });
        let is_about = |known: &AlarmState| known.open.as_ref().is_some_and(|open| open.no == change.no);
        if !self.0.get(&key).is_some_and(|known| begins || change.no == 0 || is_about(known)) {
            let present = names.alarm(twin, rule);
            let known = if begins {
                AlarmState { suppressions: present.and_then(|present| present.suppressions), ..AlarmState::default() }
            } else {
                present.filter(is_about)?
            };
            self.remember(key.clone(), known);
        }
        let known = self.0.get_mut(&key)?;
        let has_it = is_about(known) && known.open.as_ref().is_some_and(|open| open.changes >= change.serial);
        let closed = if has_it { None } else { known.apply(change) };
        let is_over = closed.is_some();
        let occurrence = closed.or_else(|| known.open.as_deref().filter(|open| open.no == change.no).cloned());
        let state = Arc::new(AlarmState { open: None, ..known.clone() });
        if is_over && known.suppressions.is_none() {
            self.0.remove(&key);
        }
        occurrence.map(|occurrence| After { state, occurrence: Arc::new(occurrence) })
    }

    fn remember(&mut self, key: (TwinNo, SmolStr), state: AlarmState) {
        if self.0.len() >= OCCURRENCES_MAX {
            self.0.clear();
        }
        self.0.insert(key, state);
    }
}
