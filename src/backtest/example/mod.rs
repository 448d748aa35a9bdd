//! The `tests:` of a type, each on a twin of its own and a virtual clock.

mod done;

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use crate::alarm::Verdict;
use crate::catalog::detector::Shown;
use crate::catalog::example::{Deed, Example, Expected, Given, Step};
use crate::catalog::layout::Section;
use crate::catalog::{Layout, TwinSpec};
use crate::reading::{Group, Quality, Reading, Timestamp, TwinId, Value};
use crate::source::{Sources, Span};
use crate::twin::{Input, NEVER_AWAY, Received, Slot, Told};

use super::plant::{FUTURE_TOLERANCE, Plant};
use super::tale::Outcome;
use super::words::span;

use done::{NEAR, Witness, all_fit, fits};

/// 2026-01-01T00:00:00Z, a Thursday: where no test says the time of day, all begin at the same.
const BEGIN: Timestamp = Timestamp(1_767_225_600_000_000);
/// The id of the twin.
const ID: &str = "example";
/// Who the operator is.
const OPERATOR: &str = "test";
/// Of what rules have done, as much of the text is told.
const TOLD_CHARS_MAX: usize = 600;

/// What came of one example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// `Mixer: a short spike is no alarm`
    pub name: String,
    pub span: Span,
    pub failures: Vec<Failure>,
}

/// Something that is not as it was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where the expectation stands.
    pub span: Span,
    pub at: Duration,
    /// `overheat: expected ACTIVE, was PENDING`
    pub message: String,
}

impl Failure {
    /// `1m30s`
    pub fn after(&self) -> String {
        span(micros(self.at))
    }
}

/// Runs it to its end, whatever fails on the way.
pub fn try_out(example: &Example) -> Attempt {
    let name = format!("{}: {}", example.layout.name, example.name);
    let mut attempt = Attempt { name, span: example.span, failures: Vec::new() };
    let Ok(id) = TwinId::parse(ID) else { return attempt };
    let mut run = Run { plant: Plant::empty(BEGIN), witness: Witness::default(), layout: &example.layout };
    let spec = TwinSpec {
        id,
        layout: example.layout.clone(),
        name: Arc::from(ID),
        properties: example.given.clone(),
        external_ids: Vec::new(),
        rules: Vec::new(),
        edges: Vec::new(),
        span: example.span,
    };
    run.plant.add(spec, &mut run.witness);
    for step in &example.steps {
        for (span, message) in run.take(step) {
            attempt.failures.push(Failure { span, at: step.at, message });
        }
        for expectation in &step.expect {
            if let Some((what, expected, found)) = run.check(&expectation.what) {
                let message = format!("{what}: expected {expected}, was {found}");
                attempt.failures.push(Failure { span: expectation.span, at: step.at, message });
            }
        }
    }
    attempt
}

/// As a test runner tells it: a line for each, then what failed and where, then the sum.
pub fn tell(attempts: &[Attempt], sources: &Sources) -> String {
    let mut out = String::new();
    for attempt in attempts {
        let word = if attempt.failures.is_empty() { "ok" } else { "FAILED" };
        // Writing to a string does not fail.
        writeln!(out, "test {} ... {word}", attempt.name).ok();
    }
    for attempt in attempts.iter().filter(|attempt| !attempt.failures.is_empty()) {
        writeln!(out, "\n{}", attempt.name).ok();
        for failure in &attempt.failures {
            let place = sources.start_of(failure.span);
            let (path, at) = (&sources.file(failure.span.file).path, failure.after());
            writeln!(out, "  {path}:{}:{}: after {at}: {}", place.line, place.col, failure.message).ok();
        }
    }
    let failed = attempts.iter().filter(|attempt| !attempt.failures.is_empty()).count();
    writeln!(out, "\n{} passed, {failed} failed", attempts.len() - failed).ok();
    out
}

struct Run<'a> {
    plant: Plant,
    witness: Witness,
    layout: &'a Arc<Layout>,
}

impl Run<'_> {
    /// Readings come before what is due at their instant; what is expected is seen after that. Gives back what could not be done.
    fn take(&mut self, step: &Step) -> Vec<(Span, String)> {
        let at = BEGIN.plus(step.at);
        let is_setting = |given: &&Given| self.layout.slot(given.slot).section == Section::Property;
        let (settings, readings): (Vec<&Given>, Vec<&Given>) = step.values.iter().partition(is_setting);
        for given in settings {
            self.plant.set(0, self.layout, (given.slot, Some(given.value.clone())), at, &mut self.witness);
        }
        if !readings.is_empty() {
            let read = |given: &Given| {
                let Given { slot, value, quality, reason } = given;
                Reading { slot: *slot, value: value.clone(), quality: *quality, reason: *reason }
            };
            let group = Group { time: Some(at), readings: readings.into_iter().map(read).collect() };
            self.plant.feed(0, self.layout, group, at, &mut self.witness);
        }
        let undone = step.deeds.iter().filter_map(|deed| self.happen(deed, at)).collect();
        if !step.expect.is_empty() {
            self.plant.run_until(at, &mut self.witness);
        }
        undone
    }

    /// Why it could not be done, and where that stands.
    fn happen(&mut self, deed: &Deed, at: Timestamp) -> Option<(Span, String)> {
        match deed {
            Deed::Event { name, body } => {
                let received = Received { at, future_tolerance: FUTURE_TOLERANCE, started: NEVER_AWAY };
                let input = Input::happened(self.layout, name.to_string(), Some(at), body.clone(), received);
                self.plant.note(0, &input, at, &mut self.witness);
                None
            }
            Deed::Told { rule, action, word, span } => {
                let rule = &self.layout.logic.rules[*rule].rule.id;
                let told = Told { rule: rule.clone(), no: None, action: action.clone(), by: OPERATOR.into() };
                let why = match self.plant.note(0, &Input::Told(Box::new(told)), at, &mut self.witness)? {
                    Verdict::Done => return None,
                    Verdict::NotApplicable => "that changes nothing now",
                    Verdict::NotFound => "it has raised no alarm",
                };
                Some((*span, format!("{word} {rule}: {why}")))
            }
        }
    }

    /// What, what was expected of it, and what it is; `None` where that is the same.
    fn check(&self, expected: &Expected) -> Option<(String, String, String)> {
        let of_alarm = |rule: usize, what: &str, expected: String, found: &dyn Fn(&Outcome) -> String| {
            let found = self.latest(rule).map_or_else(|| "no alarm".to_owned(), found);
            (expected != found).then(|| (format!("{what} of {}", self.id(rule)), expected, found))
        };
        match expected {
            Expected::Condition { rule, condition } => {
                let found = self.plant.twin(0).state.watches.get(self.id(*rule)).rule.condition();
                (found != *condition).then(|| (self.id(*rule).to_owned(), condition.as_str().to_owned(), found.as_str().to_owned()))
            }
            Expected::Severity { rule, severity } => {
                of_alarm(*rule, "severity", severity.as_str().to_owned(), &|latest| self.severity(*rule, latest))
            }
            Expected::Level { rule, level } => of_alarm(*rule, "level", level.to_string(), &|latest| latest.level.to_string()),
            Expected::Acknowledged { rule, acknowledged } => {
                let words = |acknowledged: bool| if acknowledged { "acknowledged" } else { "not acknowledged" }.to_owned();
                of_alarm(*rule, "the alarm", words(*acknowledged), &|latest| words(latest.acknowledged))
            }
            Expected::Raised { rule, times } => {
                let found = self.witness.tale.rule(0, *rule).map_or(0, |tale| tale.raises);
                (found != *times).then(|| (format!("{} raised", self.id(*rule)), count(*times), count(found)))
            }
            Expected::RaisedAt { rule, at } => {
                of_alarm(*rule, "raisedAt", span(micros(*at)), &|latest| span(latest.raised_at.micros_since(BEGIN)))
            }
            Expected::ClearedAt { rule, at } => {
                let never = || "not yet".to_owned();
                let expected = at.map_or_else(never, |at| span(micros(at)));
                of_alarm(*rule, "clearedAt", expected, &|latest| latest.cleared_at.map_or_else(never, |at| span(at.micros_since(BEGIN))))
            }
            Expected::State { rule, state } => {
                let found = self.shown(*rule).map_or_else(|| "nothing: no input has come".to_owned(), |shown| shown.state.to_string());
                (found != **state).then(|| (format!("state of {}", self.id(*rule)), state.to_string(), found))
            }
            Expected::Suppression { rule, suppression } => {
                let state = &self.plant.twin(0).state;
                let found = state.watches.get(self.id(*rule)).alarm.suppression(state.out_of_service.as_deref());
                let what = format!("suppression of {}", self.id(*rule));
                (found != *suppression).then(|| (what, suppression.as_str().to_owned(), found.as_str().to_owned()))
            }
            Expected::Variable { rule, name, value } => {
                let found = self.shown(*rule).and_then(|shown| shown.variables.get(name.as_str()).cloned());
                let words = |value: &Option<Json>| value.as_ref().map_or_else(|| "no value".to_owned(), ToString::to_string);
                let is_so = match (value, &found) {
                    (Some(value), Some(found)) => fits(value, found),
                    (value, found) => value.is_none() && found.is_none(),
                };
                (!is_so).then(|| (format!("variable {name} of {}", self.id(*rule)), words(value), words(&found)))
            }
            Expected::Timer { rule, name, at } => {
                let found = self.shown(*rule).and_then(|shown| shown.timers.into_iter().find(|(timer, _)| timer == name));
                let found = found.map(|(_, due)| due.micros_since(BEGIN));
                let words = |at: Option<i64>| at.map_or_else(|| "not running".to_owned(), span);
                let expected = at.map(micros);
                (expected != found).then(|| (format!("timer {name} of {}", self.id(*rule)), words(expected), words(found)))
            }
            Expected::Events(expected) => differing("events", expected, &self.witness.events),
            Expected::Actions(expected) => differing("actions", expected, &self.witness.actions),
            Expected::Member { slot, value } => {
                let (spec, found) = (self.layout.slot(*slot), self.plant.twin(0).state.slot(*slot));
                let words = |value: Option<&Value>| match value {
                    Some(value) => {
                        let unit = spec.unit.as_ref().map(|unit| format!(" {}", unit.symbol())).unwrap_or_default();
                        format!("{}{unit}", spec.to_json(value))
                    }
                    None => "unknown".to_owned(),
                };
                let found = known(found);
                (!is_same(value.as_ref(), found)).then(|| (spec.path.to_string(), words(value.as_ref()), words(found)))
            }
        }
    }

    fn id(&self, rule: usize) -> &str {
        &self.layout.logic.rules[rule].rule.id
    }

    /// Of a detector that has begun.
    fn shown(&self, rule: usize) -> Option<Shown> {
        self.layout.logic.rules[rule].shown(self.plant.twin(0).state.watches.get(self.id(rule)).detector.as_deref())
    }

    fn latest(&self, rule: usize) -> Option<&Outcome> {
        self.witness.tale.rule(0, rule)?.occurrences.last()
    }

    /// While it is open the present one; afterwards the highest that it reached.
    fn severity(&self, rule: usize, latest: &Outcome) -> String {
        let open = &self.plant.twin(0).state.watches.get(self.id(rule)).alarm.open;
        open.as_ref().map_or(latest.severity, |open| open.severity).as_str().to_owned()
    }
}

fn differing(what: &str, expected: &[Json], found: &[Json]) -> Option<(String, String, String)> {
    let words = |list: &[Json]| {
        let text = Json::from(list).to_string();
        let cut: String = text.chars().take(TOLD_CHARS_MAX).collect();
        if cut.len() < text.len() { cut + "…" } else { cut }
    };
    (!all_fit(expected, found)).then(|| (what.to_owned(), words(expected), words(found)))
}

fn known(slot: &Slot) -> Option<&Value> {
    slot.value.as_ref().filter(|_| matches!(slot.quality, Quality::Good | Quality::Uncertain))
}

fn is_same(expected: Option<&Value>, found: Option<&Value>) -> bool {
    match (expected, found) {
        (Some(Value::Double(expected)), Some(Value::Double(found))) => (expected - found).abs() <= NEAR * expected.abs().max(found.abs()),
        (expected, found) => expected == found,
    }
}

fn count(times: u64) -> String {
    if times == 1 { "once".to_owned() } else { format!("{times} times") }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
