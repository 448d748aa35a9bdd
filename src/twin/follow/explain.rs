//! Why a rule is on, and why it is not; why a member has its value. Asked of the committed state: nothing is evaluated that would not be, if
//! something happened now.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::alarm::{CloseReason, Condition};
use crate::catalog::Layout;
use crate::catalog::layout::{Section, SlotSpec};
use crate::catalog::logic::RuleSpec;
use crate::expr::{Checked, Operand, Why};
use crate::reading::{SlotNo, Timestamp, format_duration};
use crate::rule::{Kind, OnUnknown, Phase, due};
use crate::twin::bases::Basis;
use crate::twin::explanation::{EXPLAIN_DEPTH_MAX, EXPLAIN_STEPS_MAX, Explanation, ExplanationStep, StepKind};
use crate::twin::state::State;

use super::contributions::{CONTRIBUTIONS, contributions};
use super::environment::Surroundings;
use super::judge::OwnTruths;
use super::{Moment, clock, instants};

/// `None`: its type has no such rule.
pub fn explain_rule(state: &State, rule: &str, depth: usize, now: Timestamp) -> Option<Explanation> {
    let layout = state.layout.0.clone();
    let spec = layout.rule(rule)?;
    let at = now.shifted(clock::offset(state, spec));
    let mut teller = Teller::new(state, &layout, Moment::new(at, &[]), now, spec.accepts_good_only);
    let summary = teller.rule(spec, depth);
    Some(teller.explanation(summary, None))
}

/// Why a slot holds what it holds.
pub fn explain_member(state: &State, slot: SlotNo, depth: usize, now: Timestamp) -> Explanation {
    let layout = state.layout.0.clone();
    let mut teller = Teller::new(state, &layout, Moment::new(now, &[]), now, false);
    teller.member(slot, depth.min(EXPLAIN_DEPTH_MAX));
    let spec = layout.slot(slot);
    let known = teller.steps.first().and_then(|step| step.value.clone());
    let unit = spec.unit.as_ref().map(|unit| format!(" {}", unit.symbol())).unwrap_or_default();
    let summary = match known {
        Some(value) => format!("`{}` is {value}{unit}", spec.path),
        None => format!("`{}` is not known", spec.path),
    };
    teller.explanation(summary, Some(spec.path.clone()))
}

struct Teller<'a> {
    state: &'a State,
    layout: &'a Layout,
    surroundings: Surroundings<'a>,
    steps: Vec<ExplanationStep>,
    /// Slots that are told, and where.
    told: Vec<(SlotNo, usize)>,
    truncated: bool,
}

impl<'a> Teller<'a> {
    fn new(state: &'a State, layout: &'a Layout, moment: Moment<'a>, now: Timestamp, good_only: bool) -> Teller<'a> {
        let surroundings = Surroundings { layout, state, views: None, moment, now, good_only };
        Teller { state, layout, surroundings, steps: Vec::new(), told: Vec::new(), truncated: false }
    }

    fn explanation(self, summary: String, property: Option<Box<str>>) -> Explanation {
        Explanation { summary, twin: self.state.id.clone(), property, steps: self.steps, truncated: self.truncated }
    }

    /// A place for a step; nothing where there are too many already.
    fn place(&mut self, step: ExplanationStep) -> Option<usize> {
        if self.steps.len() >= EXPLAIN_STEPS_MAX {
            self.truncated = true;
            return None;
        }
        self.steps.push(step);
        Some(self.steps.len() - 1)
    }

    fn is_silent(&self, spec: &RuleSpec) -> bool {
        let silent = clock::silent_by(spec, self.state.created, |slot| self.state.slot(slot));
        silent.is_some_and(|silent| silent <= self.surroundings.moment.at)
    }

    /// The rule and what it read. Gives back what that means, in a sentence.
    fn rule(&mut self, spec: &RuleSpec, depth: usize) -> String {
        let truths = OwnTruths::of(spec, &self.surroundings, self.is_silent(spec));
        let truths = truths.borrow();
        let watch = self.state.watches.get(&spec.rule.id);
        let is_active = watch.rule.is_active();
        let result = if is_active { truths.stay } else { truths.when };
        let disabled = self.disabled(spec);
        let mut step = ExplanationStep::new(StepKind::Rule, format!("{}.{}", self.layout.name, spec.rule.id));
        step.value = result.map(Json::Bool);
        step.version = Some(format!("{:016x}", spec.rule.version));
        step.time = Some(self.surroundings.moment.at);
        let place = self.place(step);
        let (mut inputs, mut unknown) = (Vec::new(), Vec::new());
        let sources: Vec<String> = told_conditions(spec).map(|checked| checked.source.to_string()).collect();
        for condition in told_conditions(spec) {
            self.evidence(condition, depth.clamp(1, EXPLAIN_DEPTH_MAX), &mut inputs, &mut unknown);
        }
        for slot in &spec.silent {
            inputs.extend(self.member(*slot, depth.clamp(1, EXPLAIN_DEPTH_MAX)));
        }
        let mut seen = BTreeSet::new();
        inputs.retain(|input| seen.insert(*input));
        let why_not =
            disabled.map_or_else(|| self.sentence(spec, result, truths.in_schedule, &unknown), |who| format!("off: disabled {who}"));
        let detail = json!({
            "condition": sources.join(" ; "),
            "state": watch.rule.condition().as_str(),
            "since": watch.rule.since().map(|time| time.to_string()),
            "until": self.until(spec).map(|time| time.to_string()),
            "result": result,
            "onUnknown": on_unknown(spec.rule.on_unknown),
            "unknown": unknown,
            "unknownSince": watch.rule.unknown_since.map(|time| time.to_string()),
            "level": watch.rule.level,
            "onDelay": duration(spec.rule.on_delay),
            "offDelay": duration(spec.rule.off_delay),
            "disabled": disabled,
            "disarmed": watch.rule.disarmed,
            "suppression": watch.alarm.suppression(self.state.out_of_service.as_deref()).as_str(),
            "suppressedBy": spec.suppressed_by.as_ref().map(|checked| json!({"condition": &*checked.source, "result": truths.suppressed_by})),
            "inSchedule": truths.in_schedule,
            "looksAt": instants::due(self.state, spec).map(|time| time.to_string()),
            "silentAt": clock::silent_by(spec, self.state.created, |slot| self.state.slot(slot)).map(|time| time.to_string()),
            "steps": (!truths.steps.is_empty()).then_some(truths.steps),
            "raised": watch.alarm.last_no,
            "avoided": watch.rule.avoided,
            "lastTrouble": self.trouble(spec),
        });
        if let Some(step) = place.and_then(|place| self.steps.get_mut(place)) {
            step.detail = Some(detail);
            step.inputs = inputs;
        }
        format!("`{}` is {why_not}", spec.rule.id)
    }

    fn disabled(&self, spec: &RuleSpec) -> Option<&'static str> {
        if !spec.rule.enabled {
            Some("in its type")
        } else if self.state.disabled.contains(&spec.rule.id) {
            Some("on this twin")
        } else {
            None
        }
    }

    fn trouble(&self, spec: &RuleSpec) -> Option<Json> {
        let trouble = self.state.troubles.iter().filter(|trouble| trouble.rule == spec.rule.id).last()?;
        Some(json!({"code": trouble.code, "message": trouble.message, "at": trouble.at.to_string(), "count": trouble.count}))
    }

    /// When the delay that runs ends, on the clock of the rule.
    fn until(&self, spec: &RuleSpec) -> Option<Timestamp> {
        let watch = &self.state.watches.get(&spec.rule.id).rule;
        matches!(watch.phase, Phase::Pending { .. } | Phase::Recovering { .. }).then(|| due(&spec.rule, watch)).flatten()
    }

    fn sentence(&self, spec: &RuleSpec, result: Option<bool>, in_schedule: bool, unknown: &[Json]) -> String {
        let watch = self.state.watches.get(&spec.rule.id);
        let ends = self.until(spec).map(|until| format!(" until {until}")).unwrap_or_default();
        let since = watch.rule.since().map(|since| format!(" since {since}")).unwrap_or_default();
        let looks = instants::due(self.state, spec).map(|next| format!("; it looks at {next}")).unwrap_or_default();
        let suppressed = if watch.alarm.suppression(self.state.out_of_service.as_deref()).holds() { ", and suppressed" } else { "" };
        let is_unknown =
            unknown.first().and_then(|part| Some(format!(": `{}` is {}", part["expr"].as_str()?, part["why"].as_str()?.to_lowercase())));
        match watch.rule.condition() {
            Condition::Active => format!("on{since}{suppressed}"),
            Condition::Recovering => format!("on{since}, and its condition is over; it clears{ends} unless it comes back{suppressed}"),
            Condition::Pending => format!("pending{since}: it is raised{} if its condition lasts", ends.replace(" until ", " at ")),
            Condition::NoData => format!("unknown{}", is_unknown.unwrap_or_default()),
            Condition::Normal if !in_schedule => format!("off: outside its schedule ({})", CloseReason::Schedule.as_str()),
            Condition::Normal if watch.rule.disarmed => "off: cleared by hand, and its condition was not false since".to_owned(),
            Condition::Normal => match (&spec.rule.kind, result) {
                (Kind::Condition | Kind::NoData(_), Some(true)) => {
                    format!("off: its condition is true and has not been looked at yet{looks}")
                }
                (Kind::Condition | Kind::NoData(_), Some(false)) => format!("off: its condition is false{looks}"),
                (Kind::Condition | Kind::NoData(_), None) => format!("off: its condition is unknown{}", is_unknown.unwrap_or_default()),
                (Kind::Pattern(_), _) => "off: its pattern is not complete".to_owned(),
                (Kind::Detector(_) | Kind::Outside, _) => "off".to_owned(),
            },
        }
    }

    /// The parts of an expression that decide it, each with what lies behind it.
    fn evidence(&mut self, checked: &Checked, depth: usize, inputs: &mut Vec<usize>, unknown: &mut Vec<Json>) {
        for part in checked.evidence(&self.surroundings) {
            if let Err(why) = &part.value {
                unknown.push(json!({"expr": part.expr, "why": why.why.as_str()}));
            }
            let value = part.value.as_ref().ok().map(|datum| datum.to_json());
            let unit = part.unit.as_ref().map(|unit| unit.symbol().to_owned());
            let place = match part.operand {
                Some(Operand::Slot(no)) => {
                    let place = self.member(SlotNo(no), depth);
                    // What others have pushed has no name but this one.
                    if let Some(step) = place.and_then(|place| self.steps.get_mut(place)).filter(|_| SlotNo(no).is_remote()) {
                        (step.label, step.unit) = (part.expr.into(), unit);
                        step.value = value.or(step.value.take());
                    }
                    place
                }
                Some(Operand::Param(no)) => {
                    let param = self.layout.logic.params.get(usize::from(no));
                    let detail = param.map(|param| {
                        let from = format!("type {}", param.given_by);
                        // A constant is told by its value.
                        match param.constant {
                            Some(_) => json!({"from": from}),
                            None => json!({"from": from, "expression": &*param.value.source}),
                        }
                    });
                    let place = self.place(ExplanationStep { value, unit, detail, ..ExplanationStep::new(StepKind::Default, part.expr) });
                    let operands = param.into_iter().flat_map(|param| &param.value.dependencies).map(|read| read.operand);
                    let slots: Vec<SlotNo> =
                        operands.filter_map(|read| if let Operand::Slot(no) = read { Some(SlotNo(no)) } else { None }).collect();
                    let behind: Vec<usize> = slots.into_iter().filter_map(|slot| self.member(slot, depth.saturating_sub(1))).collect();
                    if let Some(step) = place.and_then(|place| self.steps.get_mut(place)) {
                        step.inputs = behind;
                    }
                    place
                }
                Some(Operand::Alarm(_)) => self.place(ExplanationStep { value, ..ExplanationStep::new(StepKind::Rule, part.expr) }),
                Some(_) | None => self.place(ExplanationStep { value, unit, ..ExplanationStep::new(StepKind::Computed, part.expr) }),
            };
            inputs.extend(place);
        }
    }

    /// A member with what it was made of, `depth` steps back.
    fn member(&mut self, no: SlotNo, depth: usize) -> Option<usize> {
        if let Some((_, place)) = self.told.iter().find(|(told, _)| *told == no) {
            return Some(*place);
        }
        if no.is_remote() {
            return self.remote(no);
        }
        let (spec, slot) = (self.layout.slot(no), self.state.slot(no));
        let logic = &self.layout.logic;
        let computed = logic.computed.iter().find(|computed| computed.slot == no);
        let window = logic.windows.iter().find(|window| window.slot == no);
        let rollup = logic.rollups.iter().find(|rollup| rollup.slot == no);
        let kind = match spec.section {
            Section::Telemetry => StepKind::Reading,
            Section::Property if is_default(spec, slot.value.as_ref()) => StepKind::Default,
            Section::Property => StepKind::Mutation,
            Section::Computed if window.is_some() => StepKind::Window,
            Section::Computed if rollup.is_some() => StepKind::Rollup,
            Section::Computed => StepKind::Computed,
        };
        let mut step = ExplanationStep::new(kind, &*spec.path);
        step.property = Some(spec.path.clone());
        step.value = slot.value.as_ref().map(|value| spec.to_json(value));
        step.unit = spec.unit.as_ref().map(|unit| unit.symbol().to_owned());
        step.quality = Some(slot.quality);
        step.time = slot.value.as_ref().map(|_| slot.time);
        let mut detail = serde_json::Map::new();
        if slot.received.0 > i64::MIN && slot.value.is_some() {
            detail.insert("receivedAt".into(), json!(slot.received.to_string()));
        }
        if self.surroundings.is_stale(no.0, slot) {
            detail.insert("unknown".into(), json!(Why::Stale.as_str()));
        }
        if let Some(computed) = computed {
            detail.insert("expression".into(), json!(&*computed.value.source));
        }
        if let Some(rollup) = rollup {
            detail.insert("over".into(), json!(&*rollup.over.relation));
            detail.extend(contributions(self.state, no).map(|told| (CONTRIBUTIONS.to_owned(), told)));
        }
        detail.extend(self.state.bases.get(no).into_iter().flat_map(bounds));
        step.detail = Some(detail).filter(|detail| !detail.is_empty()).map(Json::Object);
        let place = self.place(step)?;
        self.told.push((no, place));
        let has_inputs = computed.is_some() || window.is_some();
        if has_inputs && depth == 0 {
            self.truncated = true;
            return Some(place);
        }
        let (mut inputs, mut unknown) = (Vec::new(), Vec::new());
        if let Some(computed) = computed {
            self.evidence(&computed.value, depth - 1, &mut inputs, &mut unknown);
            // Parts that decide nothing by themselves are still read.
            for slot in &computed.reads {
                inputs.extend(self.member(*slot, depth - 1));
            }
        }
        if let Some(window) = window {
            inputs.extend(self.member(window.of, depth - 1));
            if let Some(gate) = window.gate() {
                self.evidence(gate, depth - 1, &mut inputs, &mut unknown);
            }
        }
        let mut seen = BTreeSet::new();
        inputs.retain(|input| *input != place && seen.insert(*input));
        self.steps[place].inputs = inputs;
        if !unknown.is_empty()
            && let Some(Json::Object(detail)) = self.steps[place].detail.as_mut()
        {
            detail.insert("unknown".into(), Json::Array(unknown));
        }
        Some(place)
    }
}

impl Teller<'_> {
    /// What others have pushed: a fold over them, or a member of one of them.
    fn remote(&mut self, no: SlotNo) -> Option<usize> {
        let rollup = self.layout.logic.remotes.iter().find(|rollup| rollup.slot == no)?;
        let slot = self.state.slot(no);
        let mut step = ExplanationStep::new(StepKind::Rollup, &*rollup.over.relation);
        step.quality = Some(slot.quality);
        step.time = slot.value.as_ref().map(|_| slot.time);
        let mut detail = serde_json::Map::from_iter([("over".to_owned(), json!(&*rollup.over.relation))]);
        detail.extend(contributions(self.state, no).map(|told| (CONTRIBUTIONS.to_owned(), told)));
        detail.extend(self.state.bases.get(no).into_iter().flat_map(bounds));
        step.detail = Some(Json::Object(detail));
        let place = self.place(step)?;
        self.told.push((no, place));
        Some(place)
    }
}

fn told_conditions(spec: &RuleSpec) -> impl Iterator<Item = &Checked> {
    [&spec.when, &spec.clear_when].into_iter().flatten().chain(spec.levels.iter().map(|level| &level.when)).chain(&spec.steps)
}

fn is_default(spec: &SlotSpec, value: Option<&crate::reading::Value>) -> bool {
    spec.property.as_ref().and_then(|rules| rules.default.as_ref()).is_some_and(|default| Some(default) == value)
}

fn bounds(basis: &Basis) -> Vec<(String, Json)> {
    let Basis { start, end, count, coverage, revision, provisional, approximate } = basis;
    let told = json!({"start": start.to_string(), "end": end.to_string(), "count": count, "coverage": coverage, "revision": revision,
        "provisional": provisional, "approximate": approximate});
    if let Json::Object(told) = told { told.into_iter().collect() } else { Vec::new() }
}

fn duration(time: std::time::Duration) -> String {
    format_duration(i64::try_from(time.as_micros()).unwrap_or(i64::MAX))
}

fn on_unknown(policy: OnUnknown) -> &'static str {
    match policy {
        OnUnknown::Keep => "keep",
        OnUnknown::Alarm => "alarm",
        OnUnknown::Ok => "ok",
    }
}
