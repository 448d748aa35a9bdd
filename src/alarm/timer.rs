//! What time alone does to an alarm. What people are waiting for runs on the wall; chatter is counted in the time of the data.

use crate::reading::Timestamp;

use super::When;
use super::change::{Change, What};
use super::draft::Draft;
use super::occurrence::Condition;
use super::policy::Policy;
use super::state::AlarmState;
use super::suppression::{OutOfService, Suppression};

impl AlarmState {
    /// The next end of a shelf, of being out of service, or of the time after which it is announced again.
    pub fn due_on_wall(&self, policy: &Policy) -> Option<Timestamp> {
        [self.shelf_ends(), self.service_resumes(), self.alarms_again(policy)].into_iter().flatten().min()
    }

    /// When it stops chattering, in the time of the data.
    pub fn due_in_data(&self) -> Option<Timestamp> {
        self.chatter.as_ref().and_then(|chatter| chatter.ends_at())
    }

    /// What has fallen due by `when.now` on the wall. Each once, however long nobody looked.
    pub fn elapse_on_wall(&self, policy: &Policy, when: When, twin: Option<&OutOfService>) -> Vec<Change> {
        let is_due = |due: Option<Timestamp>| due.is_some_and(|due| due <= when.now);
        if !is_due(self.due_on_wall(policy)) {
            return Vec::new();
        }
        let mut draft = Draft::new(self, policy, twin, when);
        // A shelf that ends in the same instant as another suppression must not find that one still there.
        if is_due(self.service_resumes()) {
            draft.release(Suppression::OutOfService);
        }
        if is_due(self.shelf_ends()) {
            draft.release(Suppression::Shelved);
        }
        if is_due(draft.state.alarms_again(policy)) {
            draft.push(What::AlarmedAgain { acknowledged: policy.begins_acknowledged() });
        }
        draft.changes
    }

    /// What has fallen due by `when.at` in the time of the data.
    pub fn elapse_in_data(&self, when: When) -> Vec<Change> {
        let calm = self.due_in_data().is_some_and(|due| due <= when.at);
        if calm { vec![self.change(when, What::Calmed)] } else { Vec::new() }
    }

    fn shelf_ends(&self) -> Option<Timestamp> {
        self.suppressions.as_ref()?.shelf.as_ref()?.until
    }

    fn service_resumes(&self) -> Option<Timestamp> {
        self.suppressions.as_ref()?.out_of_service.as_ref()?.until
    }

    fn alarms_again(&self, policy: &Policy) -> Option<Timestamp> {
        let open = self.open.as_ref().filter(|open| open.condition == Condition::Active && open.acknowledged && open.shown)?;
        Some(open.quiet_since?.plus(policy.re_alarm?))
    }
}
