//! Changes as they are decided, one upon the other: each sees what the earlier ones left.

use smol_str::SmolStr;

use super::change::{Change, CloseReason, What};
use super::occurrence::Condition;
use super::policy::Policy;
use super::signal::cut;
use super::state::AlarmState;
use super::suppression::{OutOfService, Suppression};
use super::{Occurrence, When};

pub(super) struct Draft<'a> {
    pub(super) state: AlarmState,
    pub(super) policy: &'a Policy,
    /// The twin's own being out of service.
    pub(super) twin: Option<&'a OutOfService>,
    when: When,
    by: Option<SmolStr>,
    comment: Option<SmolStr>,
    pub(super) changes: Vec<Change>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(state: &AlarmState, policy: &'a Policy, twin: Option<&'a OutOfService>, when: When) -> Draft<'a> {
        Draft { state: state.clone(), policy, twin, when, by: None, comment: None, changes: Vec::new() }
    }

    /// Who does it, and what they say about it. The first change carries both; what follows from it, only who.
    pub(super) fn by(mut self, by: &str, comment: Option<&str>) -> Draft<'a> {
        self.by = Some(SmolStr::new(by));
        self.comment = comment.map(|comment| cut(&SmolStr::new(comment)));
        self
    }

    pub(super) fn open(&self) -> Option<&Occurrence> {
        self.state.open.as_deref()
    }

    pub(super) fn is_active(&self) -> bool {
        self.state.condition().is_active()
    }

    pub(super) fn push(&mut self, what: What) {
        let mut change = self.state.change(self.when, what);
        if matches!(change.what, What::Raised { .. }) {
            (change.no, change.serial) = (self.state.last_no.saturating_add(1), 1);
        }
        (change.by, change.comment) = (self.by.clone(), self.comment.take());
        drop(self.state.apply(&change));
        self.changes.push(change);
    }

    /// Back to normal. It is over unless somebody still has to acknowledge or reset it. A one-shot shelf ends with it.
    pub(super) fn clear(&mut self, explain: Option<SmolStr>) {
        self.push(What::Cleared { explain });
        self.end_one_shot();
        self.close_if_done();
    }

    pub(super) fn close(&mut self, reason: CloseReason) {
        if self.is_active() {
            self.push(What::Cleared { explain: None });
            self.end_one_shot();
        }
        self.push(What::Closed(reason));
    }

    pub(super) fn close_if_done(&mut self) {
        let done = self.open().is_some_and(|open| open.condition == Condition::Normal && open.acknowledged && !open.latched);
        if done {
            self.push(What::Closed(CloseReason::Returned));
        }
    }

    fn end_one_shot(&mut self) {
        let shelf = self.state.suppressions.as_ref().and_then(|suppressions| suppressions.shelf.as_ref());
        if shelf.is_some_and(|shelf| shelf.until.is_none()) {
            self.push(What::Unshelved { announced: false, acknowledged: true });
        }
    }

    /// Ends one suppression. If no other holds and the alarm is active, it is announced again and has to be acknowledged again.
    pub(super) fn release(&mut self, ends: Suppression) {
        let mut rest = self.state.suppressions.as_deref().cloned().unwrap_or_default();
        let twin = self.twin;
        match ends {
            Suppression::Shelved => rest.shelf = None,
            Suppression::ByDesign => rest.by_design = None,
            Suppression::OutOfService => rest.out_of_service = None,
            Suppression::None => {}
        }
        let announced = !rest.shown(twin).holds() && self.is_active();
        let acknowledged = self.policy.begins_acknowledged();
        self.push(match ends {
            Suppression::Shelved => What::Unshelved { announced, acknowledged },
            Suppression::ByDesign => What::Unsuppressed { announced, acknowledged },
            Suppression::OutOfService | Suppression::None => What::BackInService { announced, acknowledged },
        });
    }
}
