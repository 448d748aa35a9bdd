//! Rules against what is true now: conditions first, all against the same state; then what follows from them, in the order of the file.

use smol_str::SmolStr;

use crate::alarm::{CloseReason, When};
use crate::catalog::detector::Language;
use crate::catalog::logic::RuleSpec;
use crate::catalog::places::Places;
use crate::expr::{Checked, Known};
use crate::reading::Timestamp;
use crate::rule::{Decision, Kind, LevelTruth, Truth, Truths, Watch, Watched};
use crate::twin::event::Event;

use super::changes::Changes;
use super::environment::Surroundings;
use super::voice::Speaker;
use super::{Follower, Moment, clock};

/// Rules that read the alarms of others are evaluated again after those, so often at most for one input.
const GENERATIONS_MAX: usize = 8;

/// What a rule makes of a moment, before anything of it is done.
enum Seen {
    Truths(OwnTruths),
    /// A detector of ours; `None`: it does not hear of it.
    Detected(Option<Decision>),
    /// An imported one hears each message by itself.
    Messages,
}

/// The truths of a rule with the lists that they lend.
pub(super) struct OwnTruths {
    plain: Truths<'static>,
    levels: Vec<LevelTruth>,
    steps: Vec<Truth>,
}

impl OwnTruths {
    /// `is_silent` is of rules that listen for missing data.
    pub(super) fn of(spec: &RuleSpec, surroundings: &Surroundings<'_>, is_silent: bool) -> OwnTruths {
        let truth = |checked: &Option<Checked>| checked.as_ref().and_then(|checked| known(checked.tree.is_true(surroundings)));
        let when = match &spec.rule.kind {
            Kind::NoData(_) => Some(is_silent),
            Kind::Condition | Kind::Pattern(_) | Kind::Detector(_) | Kind::Outside => truth(&spec.when),
        };
        let stay = match &spec.clear_when {
            Some(_) => truth(&spec.clear_when).map(|clear| !clear),
            None if spec.stay.is_some() => truth(&spec.stay),
            None => when,
        };
        let level = |checked: &Checked| known(checked.tree.is_true(surroundings));
        let in_schedule = spec.rule.active.as_ref().is_none_or(|hours| hours.contains(surroundings.now));
        OwnTruths {
            plain: Truths { when, stay, suppressed_by: truth(&spec.suppressed_by), in_schedule, levels: &[], steps: &[] },
            levels: spec.levels.iter().map(|spec| LevelTruth { when: level(&spec.when), stay: level(&spec.stay) }).collect(),
            steps: spec.steps.iter().map(level).collect(),
        }
    }

    pub(super) fn borrow(&self) -> Truths<'_> {
        Truths { levels: &self.levels, steps: &self.steps, ..self.plain }
    }
}

impl Follower<'_> {
    /// These rules, then those that ask for the alarms of those that moved, and so on.
    pub(super) fn judge(&mut self, mut places: Places, mut changes: Changes, moment: Moment<'_>) {
        let layout = self.layout.clone();
        for generation in 0..=GENERATIONS_MAX {
            let (set, events) = self.carry_out(moment.at);
            if !set.is_empty() || !events.is_empty() {
                changes.seen_by_mut(moment.view).extend(set);
                self.spread(&mut changes, Moment { events: &events, ..moment });
                places.extend(self.rules_that_see(&changes, &events).iter());
            }
            if places.is_empty() {
                return;
            }
            if generation == GENERATIONS_MAX {
                return self.break_ring(&places, moment.at);
            }
            let rules = places.iter().map(|place| (place, &layout.logic.rules[usize::from(place)]));
            let now = |follower: &Self, spec: &RuleSpec| follower.moment_in(spec.view, moment);
            for (_, spec) in rules.clone() {
                let moment = Moment { changed: changes.seen_by(spec.view), events: &events, ..now(self, spec) };
                self.prepare(spec, moment);
            }
            let seen: Vec<(u16, Moment<'_>, Seen)> = rules
                .filter_map(|(place, spec)| {
                    let moment = Moment { changed: changes.seen_by(spec.view), events: &events, ..now(self, spec) };
                    (!self.is_quiet(spec, moment)).then(|| (place, moment, self.see(spec, moment)))
                })
                .collect();
            let mut moved = Vec::new();
            for (place, moment, seen) in seen {
                let spec = &layout.logic.rules[usize::from(place)];
                let was_active = self.watch(spec).rule.is_active();
                // Delays come before what time alone brings about.
                if moment.is_timed && !self.watch(spec).is_default() {
                    let now = self.now;
                    let before = Moment { changed: &[], events: &[], ..moment };
                    self.decide(spec, |watched, watch| watched.elapse(watch, moment.at, now), before);
                }
                self.take(spec, seen, moment);
                if self.watch(spec).rule.is_active() != was_active {
                    moved.push(place);
                }
            }
            places = layout.logic.rules_that_ask(&moved);
            changes.clear();
        }
    }

    /// The common case, and the cheap one: nothing of the rule is on and its condition is false, so that nothing else it says matters.
    fn is_quiet(&self, spec: &RuleSpec, moment: Moment<'_>) -> bool {
        let Some(when) = spec.when.as_ref().filter(|_| matches!(spec.rule.kind, Kind::Condition)) else { return false };
        if spec.rule.suppressible || self.twin.state.watches.find(&spec.rule.id).is_some() {
            return false;
        }
        let truth = known(when.tree.is_true(&self.surroundings(moment, spec.accepts_good_only)));
        spec.rule.on_unknown.read(truth) == Some(false)
    }

    fn see(&self, spec: &RuleSpec, moment: Moment<'_>) -> Seen {
        match spec.detector.as_ref().map(|detector| &detector.language) {
            None => Seen::Truths(self.truths(spec, moment)),
            Some(Language::Own(_)) => Seen::Detected(self.look(spec, moment)),
            Some(Language::Imported(_)) => Seen::Messages,
        }
    }

    fn take(&mut self, spec: &RuleSpec, seen: Seen, moment: Moment<'_>) {
        match seen {
            Seen::Truths(truths) => return self.evaluate(spec, &truths.borrow(), moment),
            Seen::Detected(decision) => self.follow(spec, decision.unwrap_or_default(), moment),
            Seen::Messages => self.hear(spec, moment),
        }
        if spec.rule.suppressible {
            let truths = self.truths(spec, moment);
            self.evaluate(spec, &truths.borrow(), moment);
        }
    }

    /// What comes before a detector looks: it is switched off, or suppressed from now on. A suppression that ends, ends after it has looked.
    fn prepare(&mut self, spec: &RuleSpec, moment: Moment<'_>) {
        if spec.detector.is_none() || !(spec.rule.suppressible || self.is_off(spec)) {
            return;
        }
        let truths = self.truths(spec, moment);
        if self.is_off(spec) || truths.borrow().suppressed_by == Some(true) {
            self.evaluate(spec, &truths.borrow(), moment);
        }
    }

    /// It is switched off, for the type or for this twin.
    pub(super) fn is_off(&self, spec: &RuleSpec) -> bool {
        !spec.rule.enabled || self.twin.state.disabled.contains(&spec.rule.id)
    }

    /// Rules whose conditions read what has changed, each in what it sees, or hear these events.
    pub(super) fn rules_that_see(&self, changes: &Changes, events: &[u16]) -> Places {
        let logic = &self.layout.logic;
        if logic.views.is_empty() {
            return logic.rules_that_read(changes.seen_by(None), events);
        }
        let views = std::iter::once(None).chain((0..u16::try_from(logic.views.len()).unwrap_or(u16::MAX)).map(Some));
        let of_view = |view: Option<u16>| {
            let read = logic.rules_that_read(changes.seen_by(view), events);
            read.iter().filter(move |place| logic.rules[usize::from(*place)].view == view).collect::<Vec<_>>()
        };
        views.flat_map(of_view).collect()
    }

    /// Rules move one another without end: those that would go on are switched off on this twin.
    fn break_ring(&mut self, places: &Places, at: Timestamp) {
        let layout = self.layout.clone();
        let chain: Vec<&str> = self.deeds.chain.iter().map(SmolStr::as_str).collect();
        let message = format!("rules move one another without end ({}); it is switched off on this twin", chain.join(" → "));
        for place in places.iter() {
            let spec = &layout.logic.rules[usize::from(place)];
            self.trouble("RULE_LOOP", &spec.rule.id, message.clone(), at);
            self.push(Event::Switched { rule: spec.rule.id.clone(), enabled: false });
            if !self.watch(spec).is_default() {
                self.end(spec, CloseReason::RuleDisabled, at);
            }
        }
    }

    pub(super) fn surroundings<'s>(&'s self, moment: Moment<'s>, good_only: bool) -> Surroundings<'s> {
        Surroundings { layout: &self.layout, state: &self.twin.state, views: Some(&self.twin.views), moment, now: self.now, good_only }
    }

    pub(super) fn truths(&self, spec: &RuleSpec, moment: Moment<'_>) -> OwnTruths {
        let surroundings = self.surroundings(moment, spec.accepts_good_only);
        // Its time never runs back, also where something is served that was due before.
        let at = moment.at.max(self.watch(spec).rule.last);
        let is_silent = clock::silent_at(spec, self.twin).is_some_and(|silent| silent <= at);
        OwnTruths::of(spec, &surroundings, is_silent)
    }

    pub(super) fn evaluate(&mut self, spec: &RuleSpec, truths: &Truths<'_>, moment: Moment<'_>) {
        if self.is_off(spec) {
            if !self.watch(spec).is_default() {
                self.end(spec, CloseReason::RuleDisabled, moment.at);
            }
            return;
        }
        let when = When { at: moment.at, now: self.now };
        self.decide(spec, |watched, watch| watched.evaluate(watch, truths, when), moment);
    }

    pub(super) fn keep(&mut self, spec: &RuleSpec, at: Timestamp) {
        let at = self.time_in(spec.view, at);
        let when = When { at, now: self.now };
        self.decide(spec, |watched, watch| watched.keep(watch, when), Moment { view: spec.view, ..Moment::new(at, &[]) });
    }

    pub(super) fn end(&mut self, spec: &RuleSpec, reason: CloseReason, at: Timestamp) {
        let when = When { at, now: self.now };
        // Of an earlier form of the type there is nothing that it could see.
        self.decide(spec, |watched, watch| watched.end(watch, reason, when), Moment::new(at, &[]));
    }

    /// Of a rule of which nothing but its state is left.
    pub(super) fn end_unknown(&mut self, id: &str, at: Timestamp) {
        let spec = RuleSpec::unknown(id);
        self.end(&spec, CloseReason::RuleRemoved, at);
    }

    pub(super) fn decide(&mut self, spec: &RuleSpec, decide: impl FnOnce(&Watched<'_>, &Watch) -> Decision, moment: Moment<'_>) {
        let decision = {
            let surroundings = self.surroundings(moment, spec.accepts_good_only);
            let voice = Speaker { spec, surroundings };
            let watched = Watched {
                rule: &spec.rule,
                twin: &self.twin.state.id,
                key: "",
                out_of_service: self.twin.state.out_of_service.as_deref(),
                voice: &voice,
            };
            decide(&watched, self.watch(spec))
        };
        self.follow(spec, decision, moment);
    }

    /// A decision becomes facts, requests and troubles.
    pub(super) fn follow(&mut self, spec: &RuleSpec, decision: Decision, moment: Moment<'_>) {
        for fact in decision.facts {
            self.push(Event::Watched { rule: spec.rule.id.clone(), fact: Box::new(fact) });
        }
        for request in decision.requests {
            self.request(spec, request, moment.at);
        }
        for failure in &decision.failures {
            self.failure(spec, failure, moment.at);
        }
        for diagnostic in &decision.diagnostics {
            self.diagnose(spec, diagnostic, moment.at);
        }
    }
}

fn known(truth: Known<bool>) -> Truth {
    truth.ok()
}
