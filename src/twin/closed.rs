//! Alarms of the past: occurrences that are closed, as far as the twin keeps them, so that it can be asked what happened last night. All of them
//! are history; a twin keeps the newest.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::alarm::{Change, Occurrence, What};
use crate::rule::Fact;

/// Of one rule: one that chatters does not make the others be forgotten.
pub const CLOSED_PER_RULE_MAX: usize = 10;
/// What happened to all of them together (`rules.md`, 16).
pub const CLOSED_LOG_ENTRIES_MAX: usize = 100;
/// Why all of them were raised.
pub const CLOSED_EXPLAIN_BYTES_MAX: usize = 64 << 10;

/// In the order in which they were closed. Shared with readers until one more is closed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Closed(Option<Arc<Vec<Kept>>>);

/// With the id of its rule.
type Kept = (SmolStr, Arc<Occurrence>);

impl Closed {
    pub fn restore(closed: Vec<(SmolStr, Occurrence)>) -> Closed {
        let closed: Vec<_> = closed.into_iter().map(|(rule, occurrence)| (rule, Arc::new(occurrence))).collect();
        Closed(Some(closed).filter(|closed| !closed.is_empty()).map(Arc::new))
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&SmolStr, &Arc<Occurrence>)> {
        self.0.iter().flat_map(|closed| closed.iter()).map(|(rule, occurrence)| (rule, occurrence))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// What nobody was shown is not worth remembering.
    pub(super) fn remember(&mut self, rule: &SmolStr, occurrence: Occurrence) {
        if !occurrence.shown {
            return;
        }
        let closed = Arc::make_mut(self.0.get_or_insert_default());
        closed.push((rule.clone(), Arc::new(occurrence)));
        if closed.iter().filter(|(known, _)| known == rule).count() > CLOSED_PER_RULE_MAX
            && let Some(oldest) = closed.iter().position(|(known, _)| known == rule)
        {
            closed.remove(oldest);
        }
        forget(closed);
    }

    /// Somebody says something about one of them.
    pub(super) fn hear(&mut self, rule: &str, fact: &Fact) {
        let Fact::Alarm(change @ Change { what: What::Commented, .. }) = fact else { return };
        let is_meant = |(known, occurrence): &Kept| known == rule && occurrence.no == change.no;
        let Some(closed) = self.0.as_mut().filter(|closed| closed.iter().any(is_meant)) else { return };
        let closed = Arc::make_mut(closed);
        if let Some((_, occurrence)) = closed.iter_mut().rev().find(|known| is_meant(known)) {
            Arc::make_mut(occurrence).commented(change);
        }
        forget(closed);
    }
}

/// The oldest, until the bounds hold. One alone always fits: its log and its explanation have bounds of their own.
fn forget(closed: &mut Vec<Kept>) {
    let (mut entries, mut bytes) = (0_usize, 0_usize);
    let fit = closed.iter().rev().take_while(|(_, occurrence)| {
        entries = entries.saturating_add(occurrence.log.len());
        bytes = bytes.saturating_add(occurrence.explain.as_ref().map_or(0, SmolStr::len));
        entries <= CLOSED_LOG_ENTRIES_MAX && bytes <= CLOSED_EXPLAIN_BYTES_MAX
    });
    let kept = fit.count().max(1);
    closed.drain(..closed.len().saturating_sub(kept));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarm::{AlarmState, CloseReason, LOG_ENTRIES_MAX, Severity};
    use crate::reading::Timestamp;

    fn change(no: u32, what: What) -> Change {
        let at = Timestamp(i64::from(no));
        Change { no, serial: 1, at, received: at, by: None, comment: Some("seen".into()), what }
    }

    /// As one is raised, commented on and closed.
    fn occurrence(no: u32, comments: usize, explain: usize, shown: bool) -> Occurrence {
        let mut alarm = AlarmState::default();
        alarm.apply(&change(
            no,
            What::Raised {
                first_true_at: Timestamp(0),
                level: 0,
                severity: Severity::Major,
                text: "hot".into(),
                acknowledged: true,
                latched: false,
                shown,
                explain: Some("x".repeat(explain).into()),
            },
        ));
        for _ in 0..comments {
            alarm.apply(&change(no, What::Commented));
        }
        alarm.apply(&change(no, What::Closed(CloseReason::Returned))).unwrap()
    }

    fn kept(closed: &Closed) -> Vec<String> {
        closed.iter().map(|(rule, occurrence)| format!("{rule}/{}", occurrence.no)).collect()
    }

    #[test]
    fn the_newest_are_kept_of_each_rule_and_of_all() {
        let mut closed = Closed::default();
        closed.remember(&"rare".into(), occurrence(1, 0, 10, true));
        (1..=30).for_each(|no| closed.remember(&"chatters".into(), occurrence(no, 0, 10, true)));
        assert_eq!(kept(&closed).len(), 1 + CLOSED_PER_RULE_MAX);
        assert_eq!((&*kept(&closed)[0], &*kept(&closed)[1]), ("rare/1", "chatters/21"));
        // The log of one that was long talked about takes the place of others.
        closed.remember(&"talked".into(), occurrence(1, CLOSED_LOG_ENTRIES_MAX - 6, 10, true));
        assert_eq!(kept(&closed), ["chatters/29", "chatters/30", "talked/1"]);
        closed.remember(&"long".into(), occurrence(1, 2 * LOG_ENTRIES_MAX, 10, true));
        assert_eq!(kept(&closed), ["long/1"]);
    }

    #[test]
    fn explanations_have_a_bound_and_what_nobody_saw_is_not_kept() {
        let mut closed = Closed::default();
        for no in 1..=8 {
            closed.remember(&"hot".into(), occurrence(no, 0, CLOSED_EXPLAIN_BYTES_MAX / 4, true));
            closed.remember(&"acts".into(), occurrence(no, 0, 0, false));
        }
        assert_eq!(kept(&closed), ["hot/5", "hot/6", "hot/7", "hot/8"]);
    }

    #[test]
    fn the_next_morning_somebody_says_what_it_was() {
        let mut closed = Closed::default();
        closed.remember(&"hot".into(), occurrence(1, 0, 0, true));
        let before = closed.clone();
        closed.hear("cold", &Fact::Alarm(change(1, What::Commented)));
        closed.hear("hot", &Fact::Alarm(change(2, What::Commented)));
        closed.hear("hot", &Fact::Alarm(change(1, What::Reset)));
        assert_eq!(closed, before);
        closed.hear("hot", &Fact::Alarm(change(1, What::Commented)));
        let (_, occurrence) = closed.iter().next().unwrap();
        assert_eq!(occurrence.log.last().unwrap().comment.as_deref(), Some("seen"));
        assert_eq!(occurrence.log.len(), before.iter().next().unwrap().1.log.len() + 1);
    }
}
