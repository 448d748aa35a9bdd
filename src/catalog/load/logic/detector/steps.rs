//! What the entries of a state do: steps with timers, variables and the alarm of the rule, and all actions that rules have.

use std::collections::BTreeSet;

use crate::catalog::logic::{RuleSpec, Said};
use crate::expr::{Checked, Expect, Kind, Shape};
use crate::reading::parse_duration;
use crate::reading::unit::Unit;
use crate::rule::detector::{ActionDraft, DetectorDraft, Duration};
use crate::rule::{Action, Expression, On};
use crate::source::keys::{CLEAR_STEP, RAISE_STEP, TIMER_STEP, VARIABLE_STEP};
use crate::source::{Diagnostic, Fields, Node, ScalarValue, codes, did_you_mean, expect_text};

use super::super::actions::{VERBS, keep};
use super::super::rules::{Reader, SEVERITIES};
use super::written::check_name;

/// Of one detector, steps not counted: their places are one byte.
const ACTS_MAX: usize = 240;

impl Reader<'_, '_, '_> {
    /// `None`: it is wrong.
    pub(super) fn step(&mut self, node: &Node, spec: &mut RuleSpec) -> Option<ActionDraft> {
        let mapping = node.as_mapping();
        let has = |key: &str| mapping.is_some_and(|mapping| mapping.get(key).is_some());
        let raises_itself = || {
            let raise = mapping.and_then(|mapping| mapping.get("raise")).and_then(|entry| entry.value.as_scalar());
            raise.is_some_and(|scalar| matches!(scalar.value, ScalarValue::Bool(_)))
        };
        if has("timer") {
            self.timer_step(node, spec)
        } else if has("var") {
            self.variable_step(node, spec)
        } else if raises_itself() {
            self.raise_step(node, spec)
        } else if has("clear") {
            let fields = Fields::read(&CLEAR_STEP, node, "a step that clears the alarm", self.problems)?;
            self.truth(&fields, "clear")?;
            Some(ActionDraft::Clear)
        } else if mapping.is_none() || VERBS.into_iter().any(has) {
            self.act(node, spec)
        } else {
            let steps = ["timer", "var", "raise", "clear"];
            let verbs: Vec<&str> = steps.into_iter().chain(VERBS.into_iter().filter(|verb| *verb != "raise")).collect();
            let message = format!("a step in a state does exactly one thing: {}; this one has none", verbs.join(", "));
            self.problems.push(Diagnostic::new(&codes::ACTION_TARGET, node.span, message));
            None
        }
    }

    fn timer_step(&mut self, node: &Node, spec: &mut RuleSpec) -> Option<ActionDraft> {
        let fields = Fields::read(&TIMER_STEP, node, "a step with a timer", self.problems)?;
        let node = fields.get("timer")?;
        let timer = expect_text(node, "`timer`", self.problems)?;
        check_name("timer", timer, node.span, self.problems).then_some(())?;
        let given: Vec<&str> = ["set", "reset", "clear"].into_iter().filter(|key| fields.get(key).is_some()).collect();
        let [verb] = given[..] else {
            let said = if given.is_empty() { "none".to_owned() } else { given.join(" and ") };
            let message = format!("timer `{timer}` needs exactly one of `set`, `reset` and `clear`; it has {said}");
            self.problems.push(Diagnostic::new(&codes::DETECTOR_NAME, node.span, message));
            return None;
        };
        if verb == "set" {
            return Some(ActionDraft::Start { timer: timer.into(), duration: self.length(fields.get("set")?, timer, spec)? });
        }
        self.truth(&fields, verb)?;
        let started = self.machine.as_ref().map(|machine| machine.started.clone()).unwrap_or_default();
        if !started.contains(timer) {
            let done = if verb == "reset" { "reset" } else { "cleared" };
            let diagnostic = Diagnostic::new(&codes::DETECTOR_NAME, node.span, format!("timer `{timer}` is {done} and never set"));
            self.problems.push(diagnostic.suggest(did_you_mean(timer, started.iter().map(|name| name.as_str()))));
            return None;
        }
        Some(if verb == "reset" { ActionDraft::Reset { timer: timer.into() } } else { ActionDraft::Stop { timer: timer.into() } })
    }

    /// A length of time, or an expression for one; a number is one of seconds.
    fn length(&mut self, node: &Node, timer: &str, spec: &mut RuleSpec) -> Option<Duration> {
        let what = format!("`set` of timer `{timer}`");
        if let Some(length) = node.as_text().and_then(parse_duration) {
            if length.is_zero() {
                let message = format!("{what} must be longer than nothing; `clear: true` stops it");
                self.problems.push(Diagnostic::new(&codes::BAD_DURATION, node.span, message));
                return None;
            }
            return Some(Duration::Fixed(length));
        }
        let read = |reader: &mut Self, expect: Expect<'_>| {
            reader.within(|expressions, scope, problems| expressions.read(node, &what, scope, expect, problems))
        };
        let checked = read(self, Expect::Anything)?;
        let checked = match (&checked.shape().kind, checked.shape().unit()) {
            (Kind::Duration, _) | (Kind::Int | Kind::Double, None) => checked,
            (Kind::Int | Kind::Double, Some(_)) => {
                let seconds = Shape::number(Unit::parse("s").ok());
                read(self, Expect::Value { name: timer, shape: &seconds })?
            }
            (_, _) => {
                let message = format!("types do not fit: {what} is a length of time or a number of seconds; this is {}", checked.shape());
                self.problems.push(Diagnostic::new(&codes::EXPR_TYPES, node.span, message));
                return None;
            }
        };
        Some(Duration::Seconds(keep(spec, Said::Value(checked))))
    }

    fn variable_step(&mut self, node: &Node, spec: &mut RuleSpec) -> Option<ActionDraft> {
        let fields = Fields::read(&VARIABLE_STEP, node, "a step with a variable", self.problems)?;
        let node = fields.get("var")?;
        let name = expect_text(node, "`var`", self.problems)?;
        check_name("variable", name, node.span, self.problems).then_some(())?;
        let value = fields.require("value", self.problems)?;
        let variables = self.machine.as_ref().map_or(&[][..], |machine| &machine.variables);
        let Some(shape) = variables.iter().find(|(known, _)| known == name).map(|(_, shape)| shape.clone()) else {
            self.report_untyped(value, name);
            return None;
        };
        let checked = self.variable_value(value, name, &shape)?;
        Some(ActionDraft::Set { variable: name.into(), value: keep(spec, Said::Value(checked)) })
    }

    fn raise_step(&mut self, node: &Node, spec: &mut RuleSpec) -> Option<ActionDraft> {
        let fields = Fields::read(&RAISE_STEP, node, "a step that raises the alarm", self.problems)?;
        self.truth(&fields, "raise")?;
        let severity = match fields.get("severity") {
            Some(_) => Some(fields.word("severity", SEVERITIES, self.problems)?),
            None => None,
        };
        let text = match fields.get("text") {
            Some(node) => Some(self.text_at(node, "text", spec)?),
            None => None,
        };
        Some(ActionDraft::Raise { severity, text })
    }

    /// An action as rules have them.
    fn act(&mut self, node: &Node, spec: &mut RuleSpec) -> Option<ActionDraft> {
        let kind = self.action(node, spec)?;
        let mut actions = std::mem::take(&mut spec.rule.actions).into_vec();
        let place = u8::try_from(actions.len()).ok().filter(|_| actions.len() < ACTS_MAX);
        if place.is_some() {
            actions.push(Action { on: On::DETECTOR, kind });
        } else {
            let message = format!("{} has more than {ACTS_MAX} actions in its states", self.fields.what);
            self.problems.push(Diagnostic::new(&codes::LIMIT, node.span, message));
        }
        spec.rule.actions = actions.into();
        place.map(|action| ActionDraft::Act { action })
    }

    /// A key that only ever says true.
    fn truth(&mut self, fields: &Fields<'_>, key: &str) -> Option<()> {
        let said = fields.bool(key, self.problems)?;
        if !said {
            let span = fields.get(key).map_or(fields.span, |node| node.span);
            let message = format!("`{key}: false` does nothing; write true, or leave the step out");
            self.problems.push(Diagnostic::new(&codes::WRONG_KIND, span, message));
        }
        said.then_some(())
    }
}

/// What makes it look: conditions, and what variables and timers are set to; in the order of their numbers.
pub(super) fn looks(draft: &DetectorDraft) -> Vec<Expression> {
    let mut looks = BTreeSet::new();
    for state in &draft.states {
        for entry in state.on_enter.iter().chain(&state.on_input).chain(&state.on_exit) {
            looks.extend(entry.when);
            for action in &entry.actions {
                match action {
                    ActionDraft::Set { value, .. } => drop(looks.insert(*value)),
                    ActionDraft::Start { duration: Duration::Seconds(seconds), .. } => drop(looks.insert(*seconds)),
                    ActionDraft::Start { .. }
                    | ActionDraft::Reset { .. }
                    | ActionDraft::Stop { .. }
                    | ActionDraft::Raise { .. }
                    | ActionDraft::Clear
                    | ActionDraft::Act { .. } => {}
                }
            }
        }
    }
    looks.into_iter().collect()
}

/// For [`super::meaning`]: how an expression is known, however it is written.
pub(super) fn meaning_of(said: &[Said], expression: Expression) -> u128 {
    let checked: Option<&Checked> = match said.get(usize::from(expression.0)) {
        Some(Said::Value(checked)) => Some(checked),
        Some(Said::Text(_)) | None => None,
    };
    checked.map_or(0, |checked| checked.meaning)
}
