//! Detectors: a rule with `states`, or with a file that was exported elsewhere.
//!
//! Ours are read in three looks: the states with their entries as they stand, then all names, then the expressions, which may use the names of
//! any state. What is wrong with a name is said where the name stands; only if there is nothing of that kind the machine is looked at as a whole.

mod imported;
mod meaning;
mod names;
mod steps;
mod written;

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};

use crate::catalog::detector::{DetectorSpec, Language, Own};
use crate::catalog::logic::{RuleSpec, Said};
use crate::expr::{Checked, Kind as ValueKind, Operand};
use crate::rule::detector::{
    ActionDraft, DetectorDraft, EntryDraft, Mode, Reads, STATES_MAX, StateDraft, TIMERS_MAX, VARIABLES_MAX, VariableSpec, compile,
};
use crate::rule::{Expression, Kind};
use crate::source::{Diagnostic, Severity, Span, codes, did_you_mean, expect_text};

use super::actions::keep;
use super::rules::Reader;
use super::scope::MachineNames;
use written::{Written, WrittenEntry};

/// Keys that make no sense where states decide what is on.
const FOREIGN: [&str; 9] = ["levels", "deadband", "clearWhen", "onDelay", "offDelay", "onUnknown", "active", "at", "onLevel"];
/// Keys of detectors of ours.
const OF_STATES: [&str; 3] = ["initial", "mode", "variables"];

impl<'n> Reader<'_, '_, 'n> {
    /// Keys that belong to rules of another kind.
    pub(super) fn check_kind_of_keys(&mut self, kind: &str) {
        let foreign: &[&str] = if matches!(kind, "states" | "detector") { &FOREIGN } else { &[] };
        let of_states = OF_STATES.iter().filter(|_| kind != "states").map(|key| (*key, "belongs to `states`"));
        let sinks = ["sinks"].into_iter().filter(|_| kind != "detector").map(|key| (key, "belongs to `detector`"));
        let foreign = foreign.iter().map(|key| (*key, "has no meaning for a detector"));
        for (key, why) in foreign.chain(of_states).chain(sinks) {
            if let Some(entry) = self.fields.entry(key) {
                let message = format!("`{key}` {why}: {}", self.fields.what);
                self.problems.push(Diagnostic::new(&codes::RULE_KIND, entry.key.span, message));
            }
        }
    }

    /// A detector of ours.
    pub(super) fn states(&mut self, spec: &mut RuleSpec) -> Option<()> {
        let before = self.problems.count(Severity::Error);
        let node = self.fields.get("states")?;
        let written = Written::read(node, self.problems)?;
        let initial = self.initial(&written);
        let words = [("batch", Mode::Batch), ("serial", Mode::Serial)];
        let mode = self.fields.word("mode", &words, self.problems).unwrap_or_default();
        let (variables, declared) = self.variables();
        let names = self.machine_names(&written, declared);
        self.bounds(&written, &names, node.span)?;
        self.machine = Some(names);
        let mut spans = self.variable_spans(&written);
        let mut states = Vec::new();
        for state in &written.states {
            spans.insert(format!("states.{}", state.name), state.span);
            let mut phases = Vec::new();
            for (phase, entries) in [("onEnter", &state.on_enter), ("onInput", &state.on_input), ("onExit", &state.on_exit)] {
                let mut drafts = Vec::new();
                for (index, entry) in entries.iter().enumerate() {
                    let place = format!("states.{}.{phase}[{index}]", state.name);
                    drafts.push(self.entry(entry, phase, &place, &written, spec));
                    spans.insert(place, entry.span);
                }
                phases.push(drafts);
            }
            let [on_enter, on_input, on_exit] = <[Vec<EntryDraft>; 3]>::try_from(phases).unwrap_or_default();
            states.push(StateDraft { name: state.name.into(), on_enter, on_input, on_exit });
        }
        let names = self.machine.take().unwrap_or_default();
        let draft = DetectorDraft { mode, initial: initial?, variables: specs(&variables, &names), states };
        // Also of what was not reported because it follows from something else.
        if self.is_broken || self.problems.count(Severity::Error) > before {
            return None;
        }
        self.assemble(&draft, &names, &spans, spec)
    }

    fn assemble(&mut self, draft: &DetectorDraft, names: &MachineNames, spans: &BTreeMap<String, Span>, spec: &mut RuleSpec) -> Option<()> {
        let all = (0_u16..).map(Expression).zip(&spec.said).map(|(no, said)| (no, reads(said, names)));
        let (definition, found) = compile(draft, &all.collect());
        for problem in found {
            let span = spans.get(&problem.place).copied().unwrap_or(self.fields.span);
            let code = match (problem.warning, problem.code) {
                (true, _) => &codes::DETECTOR_UNREAD,
                (false, "E721") => &codes::DETECTOR_NAME,
                (false, _) => &codes::DETECTOR_STATE,
            };
            // One that is only ever set may be another one, mistyped.
            let declared = draft.variables.iter().filter(|variable| variable.initial.is_some()).map(|variable| variable.name.as_str());
            let unread = problem.place.strip_prefix("variables.");
            let near = unread.and_then(|name| did_you_mean(name, declared.filter(|known| *known != name)));
            self.problems.push(Diagnostic::new(code, span, problem.message).suggest(near));
        }
        let definition = definition?;
        let enums =
            names.variables.iter().map(|(_, shape)| if let ValueKind::Enum(names) = &shape.kind { Some(names.clone()) } else { None });
        spec.rule.meaning = meaning::meaning(draft, &spec.said);
        spec.rule.kind = Kind::Detector(Arc::new(definition));
        spec.detector = Some(DetectorSpec {
            names: draft.names(),
            language: Language::Own(Own { looks: steps::looks(draft).into(), enums: enums.collect() }),
        });
        Some(())
    }

    /// Where each variable is declared, or else set first.
    fn variable_spans(&self, written: &Written<'_>) -> BTreeMap<String, Span> {
        let declared = self.fields.get("variables").and_then(|node| node.as_mapping()).map_or(&[][..], |mapping| &mapping.entries);
        let declared = declared.iter().map(|entry| (&*entry.key.text, entry.key.span));
        let set = written.steps().filter_map(|step| step.as_mapping()?.get("var"));
        let set = set.filter_map(|entry| Some((entry.value.as_text()?, entry.value.span)));
        let mut spans = BTreeMap::new();
        for (name, span) in declared.chain(set) {
            spans.entry(format!("variables.{name}")).or_insert(span);
        }
        spans
    }

    fn initial(&mut self, written: &Written<'_>) -> Option<SmolStr> {
        let node = self.fields.require("initial", self.problems)?;
        let name = expect_text(node, "`initial`", self.problems)?;
        self.state_name("initial", name, node.span, written)
    }

    fn state_name(&mut self, key: &str, name: &str, span: Span, written: &Written<'_>) -> Option<SmolStr> {
        let known = || written.states.iter().map(|state| state.name);
        if known().any(|state| state == name) {
            return Some(name.into());
        }
        let message = format!("{key}: `{name}` is no state; states are {}", known().collect::<Vec<_>>().join(", "));
        self.problems.push(Diagnostic::new(&codes::DETECTOR_STATE, span, message).suggest(did_you_mean(name, known())));
        None
    }

    fn bounds(&mut self, written: &Written<'_>, names: &MachineNames, span: Span) -> Option<()> {
        let counts = [
            ("states", written.states.len(), STATES_MAX),
            ("variables", names.variables.len(), VARIABLES_MAX),
            ("timers", names.timers.len(), TIMERS_MAX),
        ];
        let over = counts.into_iter().find(|(_, count, max)| count > max);
        let Some((what, count, max)) = over else { return Some(()) };
        self.problems.push(Diagnostic::new(&codes::LIMIT, span, format!("{} has {count} {what}; the most are {max}", self.fields.what)));
        None
    }

    fn entry(&mut self, entry: &WrittenEntry<'n>, phase: &str, place: &str, written: &Written<'_>, spec: &mut RuleSpec) -> EntryDraft {
        let when = entry.fields.get("when").and_then(|node| {
            let condition = self.condition_at(node, "when");
            self.is_broken |= condition.is_none();
            Some(keep(spec, Said::Value(condition?)))
        });
        let goto = entry.fields.get("goto").and_then(|node| {
            let name = expect_text(node, "`goto`", self.problems)?;
            if phase != "onInput" {
                let message = format!("`goto` stands in onInput only, this is {phase}");
                self.problems.push(Diagnostic::new(&codes::DETECTOR_STATE, node.span, message));
                return None;
            }
            self.state_name("goto", name, node.span, written)
        });
        let mut draft = EntryDraft { name: format_smolstr!("{place}"), when, goto, ..EntryDraft::default() };
        for node in entry.steps {
            let said = spec.said.len();
            let Some(step) = self.step(node, spec) else {
                self.is_broken = true;
                continue;
            };
            if matches!(step, ActionDraft::Act { .. }) {
                draft.evaluates.extend((said..spec.said.len()).filter_map(|no| u16::try_from(no).ok()).map(Expression));
            }
            draft.actions.push(step);
        }
        draft
    }
}

/// What a condition, value or text reads of the machine, by name.
fn reads(said: &Said, names: &MachineNames) -> Reads {
    let mut reads = Reads::default();
    let mut look = |checked: &Checked| {
        for dependency in &checked.dependencies {
            match dependency.operand {
                Operand::Variable(no) => reads.variables.extend(names.variables.get(usize::from(no)).map(|(name, _)| name.clone())),
                Operand::Timeout(no) => reads.timeouts.extend(names.timers.get(usize::from(no)).cloned()),
                Operand::Slot(_)
                | Operand::Param(_)
                | Operand::Twin(_)
                | Operand::Import(_)
                | Operand::Fold(_)
                | Operand::Alarm(_)
                | Operand::Caused(_)
                | Operand::Event(_)
                | Operand::Trigger
                | Operand::Now => {}
            }
        }
    };
    match said {
        Said::Value(checked) => look(checked),
        Said::Text(template) => template.expressions().for_each(look),
    }
    reads
}

/// Declared ones with their values, then those that are typed by what they are set to.
fn specs(declared: &[VariableSpec], names: &MachineNames) -> Vec<VariableSpec> {
    let implied = names.variables.iter().skip(declared.len());
    let implied = implied.map(|(name, _)| VariableSpec { name: name.clone(), initial: None, typed: false });
    declared.iter().cloned().chain(implied).collect()
}
