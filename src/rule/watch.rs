//! One rule on one twin with its alarm: what an input means for both, and which actions follow.

use serde::{Deserialize, Serialize};

use crate::alarm::{self, AlarmState, Change, CloseReason, Occurrence, OutOfService, Signal, Verdict, When};
use crate::reading::{Timestamp, TwinId};

use super::action::{By, Failure, Request, Voice};
use super::decide::Draft;
use super::detector::{self, DetectorState};
use super::evaluate::is_quiet;
use super::settings::{Kind, Rule};
use super::state::RuleState;
use super::transition::Transition;
use super::truth::{Truth, Truths};
use super::{edit, elapse, evaluate};

/// All that a twin keeps of one rule; nothing while it is the default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Watch {
    pub rule: RuleState,
    pub alarm: AlarmState,
    pub detector: Option<Box<DetectorState>>,
}

/// What the journal records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Fact {
    Rule(Transition),
    Alarm(Change),
    Detector(detector::Fact),
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decision {
    pub facts: Vec<Fact>,
    pub requests: Vec<Request>,
    pub failures: Vec<Failure>,
    /// What a detector could not do.
    pub diagnostics: Vec<detector::Diagnostic>,
}

impl Watch {
    pub fn is_default(&self) -> bool {
        self.rule.is_default() && self.alarm.is_default() && self.detector.is_none()
    }

    /// Nothing is on or begun: neither time nor a condition that is false moves anything.
    pub fn is_at_rest(&self) -> bool {
        self.rule.is_at_rest() && self.alarm.is_at_rest() && self.detector.is_none()
    }

    /// Gives back the occurrence that this closed.
    pub fn apply(&mut self, fact: &Fact) -> Option<Occurrence> {
        match fact {
            Fact::Rule(transition) => {
                self.rule.apply(transition);
                None
            }
            Fact::Alarm(change) => self.alarm.apply(change),
            Fact::Detector(fact) => {
                self.detector.get_or_insert_default().apply(fact);
                None
            }
        }
    }
}

/// A rule in its surroundings.
#[derive(Clone, Copy)]
pub struct Watched<'a> {
    pub rule: &'a Rule,
    pub twin: &'a TwinId,
    /// Of the alarm's identity: the component's path or the type of an alarm from outside.
    pub key: &'a str,
    /// The twin's own.
    pub out_of_service: Option<&'a OutOfService>,
    pub voice: &'a dyn Voice,
}

impl std::fmt::Debug for Watched<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("rule", &self.rule.id).field("twin", self.twin).finish_non_exhaustive()
    }
}

impl<'a> Watched<'a> {
    /// Something that the rule reads has changed. `when.at` is its rule time.
    pub fn evaluate(&self, watch: &Watch, truths: &Truths<'_>, when: When) -> Decision {
        // An edit may have taken `suppressedBy` away while it was on.
        let suppressed_by = if self.rule.suppressible { truths.suppressed_by } else { Some(false) };
        let suppression = suppressed_by.filter(|suppressed| *suppressed != has_cause(&watch.alarm));
        let closes = !truths.in_schedule && watch.alarm.open.is_some();
        if suppression.is_none() && !closes && is_quiet(self.rule, &watch.rule, truths) {
            return Decision::default();
        }
        let mut draft = Draft::new(self, watch, when.now, By::Timer);
        // What fell due before belongs to the time before: a suppression that begins now does not cover it.
        draft.take(elapse::elapse(self.rule, &watch.rule, Timestamp(when.at.0.saturating_sub(1))));
        draft.by = By::Reading;
        if suppression == Some(true) {
            draft.tell(when.at, &Signal::Suppressed(Some(self.voice.cause(self.rule))));
        }
        let transitions = evaluate(self.rule, &draft.watch().rule, truths, when.at);
        draft.take(transitions);
        // What has just cleared is not announced again because its suppression ends.
        if suppression == Some(false) {
            draft.tell(when.at, &Signal::Suppressed(None));
        }
        if !truths.in_schedule && draft.watch().alarm.open.is_some() {
            draft.tell(when.at, &Signal::Ended(CloseReason::Schedule));
        }
        draft.decision
    }

    /// The next end of a delay or of chatter, on the rule's clock; a detector's timers are [`Self::next_timer`]'s.
    pub fn due(&self, watch: &Watch) -> Option<Timestamp> {
        [elapse::due(self.rule, &watch.rule), watch.alarm.due_in_data()].into_iter().flatten().min()
    }

    /// The next timer of a detector, and what [`Self::detect`] is to be called with at that instant. Serve it before an input whose time is not
    /// before it, at most [`detector::TIMER_RUNS_MAX`] for one input.
    pub fn next_timer(&self, watch: &Watch) -> Option<(Timestamp, detector::Trigger)> {
        match &self.rule.kind {
            Kind::Detector(definition) => {
                let (due, timer) = detector::next_timer(definition, watch.detector.as_deref()?)?;
                Some((due, detector::Trigger::Timer(timer)))
            }
            Kind::Condition | Kind::NoData(_) | Kind::Pattern(_) | Kind::Outside => None,
        }
    }

    /// Serves the delays of the rule that end at or before `until`, each at its own instant. A detector's timers are served by [`Self::detect`].
    pub fn elapse(&self, watch: &Watch, until: Timestamp, now: Timestamp) -> Decision {
        let mut draft = Draft::new(self, watch, now, By::Timer);
        draft.take(elapse::elapse(self.rule, &watch.rule, until));
        if let Some(due) = draft.watch().alarm.due_in_data().filter(|due| *due <= until) {
            let calm = draft.watch().alarm.elapse_in_data(When { at: due, now });
            draft.alarm(calm);
        }
        draft.decision
    }

    /// Serves what people are waiting for: ends of shelves and of being out of service, and alarming again.
    pub fn elapse_on_wall(&self, watch: &Watch, when: When) -> Decision {
        let mut draft = Draft::new(self, watch, when.now, By::Reading);
        draft.alarm(watch.alarm.elapse_on_wall(&self.rule.policy, when, self.out_of_service));
        draft.decision
    }

    /// What somebody does.
    pub fn act(&self, watch: &Watch, no: Option<u32>, action: &alarm::Action, by: &str, when: When) -> (Verdict, Decision) {
        let answer = watch.alarm.act(&self.rule.policy, no, action, by, when, self.out_of_service);
        let mut draft = Draft::new(self, watch, when.now, By::Reading);
        draft.alarm(answer.changes);
        let by_hand = matches!(action, alarm::Action::Clear { .. }) && answer.verdict == Verdict::Done;
        if answer.ends_condition || by_hand {
            let truth: Truth = self.voice.when(self.rule);
            draft.take(elapse::dismiss(self.rule, &watch.rule, truth, when.at));
        }
        (answer.verdict, draft.decision)
    }

    /// A device or a program says that it happened; what it says of it is the voice's evidence.
    pub fn fire(&self, watch: &Watch, when: When) -> Decision {
        let mut draft = Draft::new(self, watch, when.now, By::Reading);
        draft.take(elapse::fire(self.rule, &watch.rule, when.at));
        draft.decision
    }

    /// A device or a program says that it is over.
    pub fn clear(&self, watch: &Watch, when: When) -> Decision {
        let mut draft = Draft::new(self, watch, when.now, By::Reading);
        draft.take(elapse::clear(self.rule, &watch.rule, when.at));
        draft.decision
    }

    /// The rule is disabled, removed or changed, or its twin is no more.
    pub fn end(&self, watch: &Watch, reason: CloseReason, when: When) -> Decision {
        let mut draft = Draft::new(self, watch, when.now, By::Reading);
        draft.take(elapse::end(self.rule, &watch.rule, reason, when.at));
        if draft.watch().alarm.open.is_some() {
            draft.tell(when.at, &Signal::Ended(reason));
        }
        if watch.detector.as_ref().is_some_and(|detector| detector.has_begun()) {
            draft.push(Fact::Detector(detector::Fact::Ended));
        }
        draft.decision
    }

    /// Its settings were edited and its state is kept. Evaluate it afterwards. A severity that is another one now is a change of its alarm.
    pub fn keep(&self, watch: &Watch, when: When) -> Decision {
        let mut draft = Draft::new(self, watch, when.now, By::Reading);
        draft.take(edit::keep(&watch.rule, when.at));
        let level = watch.rule.level.min(self.rule.level_max());
        let is_detector = matches!(self.rule.kind, Kind::Detector(_));
        let outdated = watch.alarm.open.as_ref().is_some_and(|open| open.severity != self.rule.severity_at(level));
        if watch.rule.is_active() && outdated && !is_detector {
            let evidence = draft.evidence(when.at, level);
            draft.tell(when.at, &Signal::Leveled { level, evidence });
        }
        draft.decision
    }

    /// What others have found out about it: that it came in a flood, that its data were corrected.
    pub fn tell(&self, watch: &Watch, signal: &Signal, when: When) -> Decision {
        let mut draft = Draft::new(self, watch, when.now, By::Reading);
        draft.tell(when.at, signal);
        draft.decision
    }

    /// The twin goes out of service; what is withheld follows from [`Self::out_of_service`].
    pub fn twin_taken_out(&self, watch: &Watch, out: &OutOfService, when: When) -> Decision {
        let mut draft = Draft::new(self, watch, when.now, By::Reading);
        draft.alarm(watch.alarm.twin_taken_out(&self.rule.policy, out, when));
        draft.decision
    }

    pub fn twin_back_in_service(&self, watch: &Watch, by: &str, when: When) -> Decision {
        let mut draft = Draft::new(self, watch, when.now, By::Reading);
        draft.alarm(watch.alarm.twin_back_in_service(&self.rule.policy, by, when));
        draft.decision
    }

    /// Runs a detector once: an input has come, or a timer is due.
    pub fn detect(&self, watch: &Watch, trigger: detector::Trigger, evaluator: &dyn detector::Evaluator, when: When) -> Decision {
        let Kind::Detector(definition) = &self.rule.kind else { return Decision::default() };
        let fresh = DetectorState::default();
        let run = detector::run(definition, watch.detector.as_deref().unwrap_or(&fresh), trigger, when.at, evaluator);
        let by = if trigger == detector::Trigger::Input { By::Reading } else { By::Timer };
        let mut draft = Draft::new(self, watch, when.now, by);
        self.begin(&mut draft, !run.facts.is_empty());
        for fact in run.facts {
            draft.push(Fact::Detector(fact));
        }
        for (n, effect) in run.effects.into_iter().enumerate() {
            draft.follow(effect, n, when.at);
        }
        draft.decision.diagnostics = run.diagnostics;
        draft.decision
    }

    /// Sets a detector from outside; nothing is evaluated (D18). What is not named stays.
    pub fn force(&self, watch: &Watch, forced: &detector::Forced, (setting, by): (&detector::Setting, &str), when: When) -> Decision {
        let Kind::Detector(definition) = &self.rule.kind else { return Decision::default() };
        let fresh = DetectorState::default();
        let state = watch.detector.as_deref().unwrap_or(&fresh);
        let mut draft = Draft::new(self, watch, when.now, By::Reading);
        self.begin(&mut draft, true);
        draft.push(Fact::Detector(detector::Fact::Forced { by: by.into(), setting: Box::new(setting.clone()) }));
        for fact in detector::force(definition, state, forced, when.at) {
            draft.push(Fact::Detector(fact));
        }
        draft.decision
    }

    fn begin(&self, draft: &mut Draft<'_>, is_used: bool) {
        let has_begun = draft.watch().detector.as_ref().is_some_and(|detector| detector.has_begun());
        if is_used && !has_begun {
            draft.push(Fact::Detector(detector::Fact::Begun { meaning: self.rule.meaning }));
        }
    }
}

fn has_cause(alarm: &AlarmState) -> bool {
    alarm.suppressions.as_ref().is_some_and(|suppressions| suppressions.by_design.is_some())
}
