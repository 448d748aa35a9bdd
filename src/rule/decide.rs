//! How a decision about a rule, its alarm and its actions is put together: each fact is applied to a copy, so that the next one sees it.

use smol_str::{SmolStr, format_smolstr};

use crate::alarm::{Change, Evidence, Severity, Signal, When};
use crate::reading::Timestamp;

use super::action::{Ask, By, Expression, Failure, Occasion, Request, asked_for, idempotency_key};
use super::transition::{Step, Transition};
use super::watch::{Decision, Fact, Watch, Watched};
use super::{detector, elapse};

/// A decision in the making. The watch is copied once there is something to apply.
pub(super) struct Draft<'a> {
    own: &'a Watched<'a>,
    before: &'a Watch,
    changed: Option<Watch>,
    now: Timestamp,
    /// What it came of.
    pub(super) by: By,
    pub(super) decision: Decision,
}

impl<'a> Draft<'a> {
    pub(super) fn new(own: &'a Watched<'a>, before: &'a Watch, now: Timestamp, by: By) -> Draft<'a> {
        Draft { own, before, changed: None, now, by, decision: Decision::default() }
    }

    pub(super) fn watch(&self) -> &Watch {
        self.changed.as_ref().unwrap_or(self.before)
    }

    pub(super) fn push(&mut self, fact: Fact) {
        drop(self.changed.get_or_insert_with(|| self.before.clone()).apply(&fact));
        self.decision.facts.push(fact);
    }

    pub(super) fn take(&mut self, transitions: Vec<Transition>) {
        for transition in transitions {
            let at = transition.at;
            let signal = self.signal(&transition);
            self.push(Fact::Rule(transition));
            if let Some(signal) = signal {
                self.tell(at, &signal);
            }
        }
    }

    fn occasion(&self, at: Timestamp, first_true_at: Option<Timestamp>, level: u8) -> Occasion {
        let first_true_at = first_true_at.or(self.watch().alarm.open.as_ref().map(|open| open.first_true_at)).unwrap_or(at);
        Occasion { at, first_true_at, level, by: self.by }
    }

    pub(super) fn evidence(&self, at: Timestamp, level: u8) -> Evidence {
        self.own.voice.evidence(self.own.rule, &self.occasion(at, None, level))
    }

    /// What the alarm is told of a transition.
    fn signal(&self, transition: &Transition) -> Option<Signal> {
        let (at, rule) = (transition.at, self.own.rule);
        match &transition.step {
            Step::Raised { first_true_at, level } => {
                let evidence = self.own.voice.evidence(rule, &self.occasion(at, Some(*first_true_at), *level));
                Some(Signal::Raised { first_true_at: *first_true_at, level: *level, evidence })
            }
            Step::Leveled { level } if self.watch().rule.is_active() => {
                Some(Signal::Leveled { level: *level, evidence: self.evidence(at, *level) })
            }
            Step::Recovering => Some(Signal::Recovering),
            Step::Resumed => Some(Signal::Resumed),
            Step::Repeated => Some(Signal::Repeated),
            Step::Cleared => {
                let occasion = self.occasion(at, None, self.watch().rule.level);
                Some(Signal::Cleared { explain: self.own.voice.explain_clear(rule, &occasion) })
            }
            Step::Unknown => Some(Signal::Unknown),
            Step::Known => Some(Signal::Known),
            Step::Ended(reason) => Some(Signal::Ended(*reason)),
            Step::Pending { .. }
            | Step::Avoided
            | Step::Leveled { .. }
            | Step::Dismissed { .. }
            | Step::Rearmed
            | Step::Edited
            | Step::Looked { .. }
            | Step::Pattern(_) => None,
        }
    }

    pub(super) fn tell(&mut self, at: Timestamp, signal: &Signal) {
        let when = When { at, now: self.now };
        let changes = self.watch().alarm.heed(&self.own.rule.policy, signal, when, self.own.out_of_service);
        self.alarm(changes);
    }

    pub(super) fn alarm(&mut self, changes: Vec<Change>) {
        for change in changes {
            let level_before = self.watch().alarm.open.as_ref().map_or(0, |open| open.level);
            self.push(Fact::Alarm(change.clone()));
            self.ask(&change, level_before);
        }
    }

    fn ask(&mut self, change: &Change, level_before: u8) {
        let own = self.own;
        let suppression = self.watch().alarm.suppression(own.out_of_service);
        for (n, action) in asked_for(own.rule, change, level_before, suppression) {
            let key = idempotency_key(own.twin, &own.rule.id, own.key, change, n);
            self.request(key, action.ask_for(&change.what, own.voice));
        }
    }

    fn request(&mut self, key: SmolStr, ask: Result<Ask, Expression>) {
        match ask {
            Ok(ask) => self.decision.requests.push(Request { key, ask }),
            Err(expression) => self.decision.failures.push(Failure { key, expression }),
        }
    }

    /// What a detector wants done, in its order.
    pub(super) fn follow(&mut self, effect: detector::Effect, n: usize, at: Timestamp) {
        match effect {
            detector::Effect::Raise { severity, text } => self.raise(severity, text, at),
            detector::Effect::Clear => {
                let cleared = elapse::clear(self.own.rule, &self.watch().rule, at);
                self.take(cleared);
            }
            detector::Effect::Act { action, ask, .. } => {
                let Some(wanted) = self.own.rule.actions.get(usize::from(action)) else { return };
                let suppression = self.watch().alarm.suppression(self.own.out_of_service);
                if !wanted.kind.is_withheld(suppression) {
                    let run = self.watch().detector.as_ref().map_or(0, |detector| detector.runs);
                    let key = format_smolstr!("{}/{}/{}/run-{run}/{n}", self.own.twin, self.own.rule.id, self.watch().alarm.last_no);
                    self.request(key, ask);
                }
            }
        }
    }

    /// What a detector raises says its own severity, and its own text if it has one. While it is on, another severity is a change of level.
    fn raise(&mut self, severity: Option<Severity>, text: SmolStr, at: Timestamp) {
        let severity = severity.unwrap_or(self.own.rule.severity);
        let own = self.evidence(at, 0);
        let text = if text.is_empty() { own.text.clone() } else { text };
        let evidence = Evidence { severity, text, ..own };
        let present = self.watch().alarm.open.as_ref().filter(|open| open.condition.is_active()).map(|open| open.severity);
        for transition in elapse::fire(self.own.rule, &self.watch().rule, at) {
            let at = transition.at;
            let signal = match (&transition.step, present) {
                (_, Some(present)) if present != severity => Some(Signal::Leveled { level: 0, evidence: evidence.clone() }),
                (Step::Raised { first_true_at, .. }, _) => {
                    Some(Signal::Raised { first_true_at: *first_true_at, level: 0, evidence: evidence.clone() })
                }
                (_, _) => self.signal(&transition),
            };
            self.push(Fact::Rule(transition));
            if let Some(signal) = signal {
                self.tell(at, &signal);
            }
        }
    }
}
