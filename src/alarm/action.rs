//! What people do with alarms. Everything can be said twice: what changes nothing answers so (`NOT_APPLICABLE`).

use std::time::Duration;

use smol_str::SmolStr;

use crate::reading::Timestamp;

use super::When;
use super::change::{Change, CloseReason, What};
use super::draft::Draft;
use super::occurrence::Condition;
use super::policy::Policy;
use super::state::AlarmState;
use super::suppression::{OutOfService, Shelf, Suppression};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Acknowledge {
        comment: Option<SmolStr>,
    },
    /// By hand. The rule is disarmed until its condition has been false once.
    Clear {
        comment: Option<SmolStr>,
    },
    /// Takes the latch off.
    Reset {
        comment: Option<SmolStr>,
    },
    Comment {
        text: SmolStr,
    },
    /// Without a time: one-shot, until it next returns to normal.
    Shelve {
        time: Option<Duration>,
        comment: Option<SmolStr>,
    },
    Unshelve,
    /// Only this rule on this twin; the twin as a whole is the twin's.
    TakeOut {
        until: Option<Timestamp>,
        reason: SmolStr,
    },
    BackInService,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Done,
    /// It is that way already, or it makes no sense now. Nothing changed.
    NotApplicable,
    /// There never was such an occurrence.
    NotFound,
}

/// One alarm's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub verdict: Verdict,
    pub changes: Vec<Change>,
    /// The condition behind it was ended by hand: the rule has to be told.
    pub ends_condition: bool,
}

impl AlarmState {
    /// `no` names an occurrence; without it, the identity itself is meant, as for shelving before anything is raised.
    pub fn act(&self, policy: &Policy, no: Option<u32>, action: &Action, by: &str, when: When, twin: Option<&OutOfService>) -> Answer {
        if no.is_some_and(|no| no == 0 || no > self.last_no) {
            return Answer { verdict: Verdict::NotFound, changes: Vec::new(), ends_condition: false };
        }
        let comment = match action {
            Action::Acknowledge { comment } | Action::Clear { comment } | Action::Reset { comment } | Action::Shelve { comment, .. } => {
                comment
            }
            Action::Comment { text } => &Some(text.clone()),
            Action::TakeOut { reason, .. } => &Some(reason.clone()),
            Action::Unshelve | Action::BackInService => &None,
        };
        let mut draft = Draft::new(self, policy, twin, when).by(by, comment.as_deref());
        let was_active = draft.is_active();
        let is_open_one = no.is_none() || no == self.open.as_ref().map(|open| open.no);
        match action {
            Action::Comment { .. } => draft.comment_on(no),
            Action::Shelve { time, .. } => draft.shelve(*time, by, when.now),
            Action::Unshelve if draft.is_shelved() => draft.release(Suppression::Shelved),
            Action::TakeOut { until, reason } => {
                draft.take_out(&OutOfService { until: *until, by: SmolStr::new(by), reason: reason.clone() }, when.now);
            }
            Action::BackInService if draft.is_out_of_service() => draft.release(Suppression::OutOfService),
            Action::Acknowledge { .. } if is_open_one => draft.acknowledge(),
            Action::Clear { .. } if is_open_one => draft.clear_by_hand(),
            Action::Reset { .. } if is_open_one => draft.reset(),
            Action::Acknowledge { .. } | Action::Clear { .. } | Action::Reset { .. } | Action::Unshelve | Action::BackInService => {}
        }
        let ends_condition = was_active && !draft.is_active();
        let verdict = if draft.changes.is_empty() { Verdict::NotApplicable } else { Verdict::Done };
        Answer { verdict, changes: draft.changes, ends_condition }
    }
}

impl Draft<'_> {
    fn acknowledge(&mut self) {
        if self.open().is_none_or(|open| open.acknowledged) {
            return;
        }
        self.push(What::Acknowledged);
        if self.is_active() && self.policy.ends_when_acknowledged {
            self.clear(None);
        } else {
            self.close_if_done();
        }
    }

    fn clear_by_hand(&mut self) {
        if self.open().is_none_or(|open| !open.shown) {
            return;
        }
        if !self.is_active() {
            // It has returned already; who ended it is noted all the same.
            self.push(What::Cleared { explain: None });
        }
        self.close(CloseReason::Manual);
    }

    fn reset(&mut self) {
        if self.open().is_some_and(|open| open.latched && open.condition == Condition::Normal) {
            self.push(What::Reset);
            self.close_if_done();
        }
    }

    /// Also of an occurrence that is closed: it is history, and so is the comment.
    fn comment_on(&mut self, no: Option<u32>) {
        self.push(What::Commented);
        let closed = no.filter(|no| self.open().is_none_or(|open| open.no != *no));
        if let (Some(no), Some(change)) = (closed, self.changes.last_mut()) {
            (change.no, change.serial) = (no, 0);
        }
    }

    fn shelve(&mut self, time: Option<Duration>, by: &str, now: Timestamp) {
        if time.is_some_and(|time| time.is_zero() || time > self.policy.shelve_max) || !self.policy.shown {
            return;
        }
        let until = time.map(|time| now.plus(time));
        let present = self.state.suppressions.as_ref().and_then(|suppressions| suppressions.shelf.as_ref());
        if present.is_none_or(|present| present.until != until) {
            self.push(What::Shelved(Shelf { until, by: SmolStr::new(by) }));
        }
    }

    fn take_out(&mut self, out: &OutOfService, now: Timestamp) {
        let present = self.state.suppressions.as_ref().and_then(|suppressions| suppressions.out_of_service.as_ref());
        let same = present.is_some_and(|present| present.until == out.until && present.reason == out.reason);
        if !same && out.until.is_none_or(|until| until > now) {
            self.push(What::TakenOut(out.clone()));
        }
    }

    fn is_shelved(&self) -> bool {
        self.state.suppressions.as_ref().is_some_and(|suppressions| suppressions.shelf.is_some())
    }

    fn is_out_of_service(&self) -> bool {
        self.state.suppressions.as_ref().is_some_and(|suppressions| suppressions.out_of_service.is_some())
    }
}
