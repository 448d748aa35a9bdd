//! The type of a twin has another form: what becomes of what its rules have kept.

use std::sync::Arc;

use crate::alarm::CloseReason;
use crate::catalog::Layout;
use crate::catalog::logic::RuleSpec;
use crate::rule::{Edited, compare};
use crate::twin::event::Event;

use super::changes::Changes;
use super::{Follower, Moment};

impl Follower<'_> {
    /// Rules that are gone or mean something else end, the others go on, and all are looked at.
    pub(in crate::twin) fn relaid(mut self, old: &Arc<Layout>, facts: Vec<Event>) {
        facts.into_iter().for_each(|event| self.push(event));
        self.layout = self.twin.state.layout.0.clone();
        let at = self.newest();
        let kept: Vec<_> = self.twin.state.watches.iter().map(|(id, _)| id.clone()).collect();
        for id in kept {
            let before = old.rule(&id);
            let now = self.layout.clone();
            match (before, now.rule(&id)) {
                (Some(before), None) => self.end(before, CloseReason::RuleRemoved, at),
                (Some(before), Some(after)) => match compare(&before.rule, &after.rule) {
                    Edited::Same => {}
                    Edited::Kept => self.keep(after, at),
                    Edited::Restarted => self.end(before, CloseReason::RuleChanged, at),
                },
                // What it was is not known any more; only a detector knows what its places are counted in.
                (None, Some(after)) if self.means_another(after) => self.end(after, CloseReason::RuleChanged, at),
                (None, Some(after)) => self.keep(after, at),
                (None, None) if RuleSpec::is_outside(&id) => {}
                (None, None) => self.end_unknown(&id, at),
            }
        }
        self.look_anew(old);
        let all = self.all_slots();
        let moment = Moment { is_heard: false, ..Moment::new(at, &[]) };
        self.settle_all(Changes::everything(&all, self.layout.logic.views.len()), moment);
        self.advance();
    }

    fn means_another(&self, spec: &RuleSpec) -> bool {
        self.watch(spec).detector.as_ref().is_some_and(|detector| detector.has_begun() && detector.meaning != spec.rule.meaning)
    }
}
