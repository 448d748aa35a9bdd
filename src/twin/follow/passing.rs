//! Time has passed: what it alone brings, on the clock of the data and on the wall.

use crate::alarm::When;
use crate::catalog::logic::RuleSpec;

use super::changes::Changes;
use super::{Follower, Moment, clock};

impl Follower<'_> {
    /// Time has passed, and nothing else happened.
    pub(in crate::twin) fn wake(mut self) {
        let now = self.now;
        if !self.is_behind && self.serve_instants(|instant| instant <= now) {
            self.pass();
        }
    }

    /// All that time alone has brought until now.
    pub(super) fn pass(&mut self) {
        let now = self.now;
        self.resume_service();
        self.elapse_flood();
        let all = self.all_slots();
        let timers = self.timers_due(None);
        self.serve(&all, timers, |slot, due| due <= slot.clock(now));
        self.advance();
        let layout = self.layout.clone();
        let (mut moved, mut latest) = (Vec::new(), self.newest());
        for (place, spec) in (0_u16..).zip(&layout.logic.rules) {
            if self.watch(spec).is_at_rest() && spec.rule.active.is_none() {
                continue;
            }
            let was_active = self.watch(spec).rule.is_active();
            let clock = self.time_in(spec.view, now.shifted(clock::offset(&self.twin.state, spec)));
            let moment = Moment { view: spec.view, ..Moment::new(clock, &[]) };
            self.decide(spec, |watched, watch| watched.elapse(watch, clock, now), moment);
            self.decide(spec, |watched, watch| watched.elapse_on_wall(watch, When { at: clock, now }), moment);
            if spec.rule.active.is_some() {
                let truths = self.truths(spec, moment);
                // Where its hours end, its alarm does, whenever it looks.
                if spec.rule.at.is_none() || !truths.borrow().in_schedule {
                    self.evaluate(spec, &truths.borrow(), moment);
                }
            }
            if self.watch(spec).rule.is_active() != was_active {
                moved.push(place);
                latest = latest.max(clock);
            }
        }
        let outside: Vec<_> = self.twin.state.watches.iter().map(|(id, _)| id.clone()).filter(|id| RuleSpec::is_outside(id)).collect();
        for id in outside {
            let spec = RuleSpec::outside_as_it_is(&id);
            self.decide(&spec, |watched, watch| watched.elapse_on_wall(watch, When { at: now, now }), Moment::new(now, &[]));
        }
        self.judge(layout.logic.rules_that_ask(&moved), Changes::default(), Moment::new(latest, &[]));
    }
}
