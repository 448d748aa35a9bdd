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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarm::Severity;
    use crate::reading::{SlotNo, Timestamp, TwinId};
    use crate::twin::{Edge, EdgeNo};

    /// What the twin has at present.
    struct Present(Option<AlarmState>);

    impl Names for Present {
        fn id(&self, _: TwinNo) -> Option<TwinId> {
            None
        }

        fn edge(&self, _: EdgeNo) -> Option<Arc<Edge>> {
            None
        }

        fn is_hierarchy(&self, _: &str) -> bool {
            false
        }

        fn slot(&self, _: u64, _: SlotNo) -> Option<Box<str>> {
            None
        }

        fn alarm(&self, _: TwinNo, _: &str) -> Option<AlarmState> {
            self.0.clone()
        }
    }

    fn change(no: u32, serial: u32, what: What) -> Change {
        let at = Timestamp(i64::from(serial));
        Change { no, serial, at, received: at, by: None, comment: None, what }
    }

    fn raised(no: u32) -> Change {
        let (text, severity) = ("hot".into(), Severity::Major);
        let what = What::Raised {
            first_true_at: Timestamp(0),
            level: 0,
            severity,
            text,
            acknowledged: false,
            latched: false,
            shown: true,
            explain: None,
        };
        change(no, 1, what)
    }

    /// The number of changes that the alarm has seen and whether it is open; nothing where it is not known.
    fn take(known: &mut Occurrences, change: &Change, present: &Present) -> Option<(u32, bool)> {
        let after = known.take(TwinNo(1), &"hot".into(), change, present)?;
        Some((after.occurrence.changes, after.occurrence.is_open()))
    }

    #[test]
    fn what_was_seen_to_begin_is_known_to_its_end() {
        let (mut known, gone) = (Occurrences::default(), Present(None));
        assert_eq!(take(&mut known, &raised(3), &gone), Some((1, true)));
        assert_eq!(take(&mut known, &change(3, 2, What::Acknowledged), &gone), Some((2, true)));
        assert_eq!(take(&mut known, &change(3, 3, What::Closed(crate::alarm::CloseReason::Manual)), &gone), Some((3, false)));
        assert_eq!(take(&mut known, &change(3, 0, What::Commented), &gone), None, "it is over");
        assert_eq!(take(&mut known, &raised(4), &gone), Some((1, true)));
    }

    #[test]
    fn what_began_before_is_as_it_is_now() {
        let mut present = AlarmState::default();
        for change in [raised(1), change(1, 2, What::Recovering), change(1, 3, What::Acknowledged)] {
            present.apply(&change);
        }
        let (mut known, present) = (Occurrences::default(), Present(Some(present)));
        // The twin is ahead of the reader: nothing is done twice.
        assert_eq!(take(&mut known, &change(1, 2, What::Recovering), &present), Some((3, true)));
        assert_eq!(take(&mut known, &change(1, 3, What::Acknowledged), &present), Some((3, true)));
        assert_eq!(take(&mut known, &change(1, 4, What::Resumed), &present), Some((4, true)));
        // Of one that is closed by now, nobody knows any more.
        assert_eq!(take(&mut Occurrences::default(), &change(1, 4, What::Resumed), &Present(None)), None);
    }
}
