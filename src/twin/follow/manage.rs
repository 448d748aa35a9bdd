//! What people do to the alarms and rules of one twin: they acknowledge, shelve or clear; a rule is switched on or off, or all of them are silent while
//! somebody works on it.

use crate::alarm::{Action, CloseReason, OutOfService, Verdict, When};
use crate::catalog::logic::RuleSpec;
use crate::catalog::places::Places;
use crate::rule::{Decision, Watch, Watched};
use crate::twin::event::Event;
use crate::twin::input::Managed;

use super::changes::Changes;
use super::{Follower, Moment, clock};

impl Follower<'_> {
    /// What somebody does to an alarm. Whether it could be done.
    pub(in crate::twin) fn act(mut self, id: &str, no: Option<u32>, action: &Action, by: &str) -> Verdict {
        let layout = self.layout.clone();
        let outside;
        let spec = match layout.rule(id) {
            Some(spec) => spec,
            None if self.twin.state.watches.find(id).is_some() => {
                outside = RuleSpec::outside_as_it_is(id);
                &outside
            }
            None => return Verdict::NotFound,
        };
        let timers = self.timers_due(None);
        self.serve(&[], timers, |_, _| false);
        let (at, now) = (self.time_in(spec.view, self.newest()), self.now);
        let mut verdict = Verdict::NotFound;
        let act = |watched: &Watched<'_>, watch: &Watch| {
            let (said, decision) = watched.act(watch, no, action, by, When { at, now });
            verdict = said;
            decision
        };
        let moment = Moment { view: spec.view, ..Moment::new(at, &[]) };
        let was_active = self.watch(spec).rule.is_active();
        self.decide(spec, act, moment);
        // A clear by hand is what rules hear that ask for this alarm.
        let moved: Vec<u16> = layout.logic.rule(id).and_then(|(place, _)| u16::try_from(place).ok()).into_iter().collect();
        let asking = if self.watch(spec).rule.is_active() == was_active { Places::default() } else { layout.logic.rules_that_ask(&moved) };
        self.judge(asking, Changes::default(), moment);
        verdict
    }

    pub(in crate::twin) fn manage(mut self, managed: &Managed) -> Verdict {
        match managed {
            Managed::Switched { rule, enabled } => self.switch(rule, *enabled),
            Managed::TakenOut(out) => self.take_out(out),
            Managed::BackInService { by } => self.back_in_service(by),
        }
    }

    /// Somebody switches one of its rules on or off for this twin alone. Off, its alarm is closed; on, it is looked at at once.
    fn switch(&mut self, id: &str, enabled: bool) -> Verdict {
        let layout = self.layout.clone();
        let place = layout.logic.rule(id).and_then(|(place, _)| u16::try_from(place).ok());
        let Some(place) = place else { return Verdict::NotFound };
        let spec = &layout.logic.rules[usize::from(place)];
        if self.twin.state.disabled.contains(&spec.rule.id) != enabled {
            return Verdict::NotApplicable;
        }
        let was_active = self.watch(spec).rule.is_active();
        let at = self.now.shifted(clock::offset(&self.twin.state, spec));
        self.push(Event::Switched { rule: spec.rule.id.clone(), enabled });
        let mut places = Places::default();
        if enabled {
            self.look_from_now(id);
            places.insert(place);
        } else if !self.watch(spec).is_default() {
            self.end(spec, CloseReason::RuleDisabled, at);
            if was_active {
                places.extend(layout.logic.rules_that_ask(&[place]).iter());
            }
        }
        self.judge(places, Changes::default(), Moment::new(at, &[]));
        Verdict::Done
    }

    fn take_out(&mut self, out: &OutOfService) -> Verdict {
        let standing = self.twin.state.out_of_service.as_deref();
        let same = standing.is_some_and(|standing| standing.until == out.until && standing.reason == out.reason);
        if same || out.until.is_some_and(|until| until <= self.now) {
            return Verdict::NotApplicable;
        }
        let is_new = standing.is_none();
        self.push(Event::TakenOut(Some(Box::new(out.clone()))));
        // Another end or reason is no news to the alarms.
        if is_new {
            self.tell_all(|watched, watch, when| watched.twin_taken_out(watch, out, when));
        }
        Verdict::Done
    }

    fn back_in_service(&mut self, by: &str) -> Verdict {
        if self.twin.state.out_of_service.is_none() {
            return Verdict::NotApplicable;
        }
        self.push(Event::TakenOut(None));
        self.tell_all(|watched, watch, when| watched.twin_back_in_service(watch, by, when));
        let at = self.newest();
        self.judge(Places::default(), Changes::default(), Moment::new(at, &[]));
        Verdict::Done
    }

    /// The time is over for which it was taken out of service.
    pub(super) fn resume_service(&mut self) {
        let over = self.twin.state.out_of_service.as_ref().filter(|out| out.until.is_some_and(|until| until <= self.now));
        if let Some(by) = over.map(|out| out.by.clone()) {
            self.back_in_service(&by);
        }
    }

    /// All alarms of the twin, those from outside, too.
    fn tell_all(&mut self, decide: impl Fn(&Watched<'_>, &Watch, When) -> Decision) {
        let layout = self.layout.clone();
        let ids: Vec<_> = self.twin.state.watches.iter().map(|(id, _)| id.clone()).collect();
        let (at, now) = (self.newest(), self.now);
        for id in ids {
            let outside = RuleSpec::outside_as_it_is(&id);
            let spec = layout.rule(&id).unwrap_or(&outside);
            self.decide(spec, |watched, watch| decide(watched, watch, When { at, now }), Moment::new(at, &[]));
        }
    }
}
