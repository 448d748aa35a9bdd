//! What an alarm says of itself when it is raised: its severity, its text, and the values behind it (`rules.md`, 11).

use serde_json::{Value as Json, json};
use smol_str::SmolStr;

use crate::alarm::Evidence;
use crate::catalog::logic::{RuleSpec, Said};
use crate::expr::{Checked, Datum, Environment, Operand};
use crate::reading::{SlotNo, format_duration};
use crate::rule::{Expression, Kind, Occasion, Rule, Truth, Voice};

use super::contributions::{CONTRIBUTIONS, contributions};
use super::environment::Surroundings;

/// Of a member in an explanation; a larger value is left out.
const MEMBER_BYTES_MAX: usize = 1024;

/// Of a whole one.
const EXPLAIN_BYTES_MAX: usize = 16 << 10;

pub(super) struct Speaker<'a> {
    pub spec: &'a RuleSpec,
    pub surroundings: Surroundings<'a>,
}

impl Speaker<'_> {
    fn text(&self, level: u8) -> SmolStr {
        let levels = usize::from(level).checked_sub(1).and_then(|index| self.spec.levels.get(index));
        let template = levels.and_then(|level| level.text.as_ref()).or(self.spec.text.as_ref());
        match template {
            Some(template) => template.render(&self.surroundings).into(),
            None => self.spec.title.as_deref().unwrap_or(&self.spec.rule.id).into(),
        }
    }

    fn explain(&self, occasion: &Occasion) -> Json {
        let state = self.surroundings.state;
        let conditions = [&self.spec.when, &self.spec.clear_when].into_iter().flatten().chain(&self.spec.steps);
        let mut values = Vec::new();
        let mut unknown = Vec::new();
        let mut sources = Vec::new();
        for condition in conditions {
            sources.push(condition.source.to_string());
            self.tell(condition, &mut values, &mut unknown);
        }
        for slot in &self.spec.silent {
            values.push(self.member(&self.surroundings.layout.slot(*slot).path, *slot));
        }
        let machine = self.machine(&mut sources, &mut values);
        let mut told = json!({
            "rule": format!("{}.{}", self.surroundings.layout.name, self.spec.rule.id),
            "ruleVersion": format!("{:016x}", self.spec.rule.version),
            "twin": state.id.as_str(),
            "at": occasion.at.to_string(),
            "firstTrueAt": occasion.first_true_at.to_string(),
            "level": occasion.level,
            "by": occasion.by.as_str(),
            "condition": sources.join(" ; "),
            "onDelay": format_duration(i64::try_from(self.spec.rule.on_delay.as_micros()).unwrap_or(i64::MAX)),
            "values": values,
            "unknown": unknown,
        });
        if let Some(machine) = machine {
            told["detector"] = machine;
        }
        bounded(told)
    }

    /// Of a detector: what it looked at in the state that it was in, with what it knew.
    fn machine(&self, sources: &mut Vec<String>, values: &mut Vec<Json>) -> Option<Json> {
        let Kind::Detector(definition) = &self.spec.rule.kind else { return None };
        let state = self.surroundings.state.watches.get(&self.spec.rule.id).detector.as_deref();
        let place = state.and_then(|state| state.state).unwrap_or(definition.initial);
        let on_input = &definition.states.get(usize::from(place))?.on_input;
        let entries = on_input.events.iter().chain(on_input.transitions.iter().map(|(entry, _)| entry));
        for when in entries.filter_map(|entry| entry.when) {
            if let Some(Said::Value(checked)) = self.spec.said.get(usize::from(when.0)) {
                sources.push(checked.source.to_string());
            }
        }
        for slot in &self.spec.reads {
            let told = self.member(&self.surroundings.layout.slot(*slot).path, *slot);
            // A payload may be larger than all the rest.
            if told.to_string().len() <= MEMBER_BYTES_MAX {
                values.push(told);
            }
        }
        let shown = self.spec.shown(state)?;
        Some(json!({"state": shown.state, "variables": shown.variables, "timers": shown.timers_json()}))
    }

    fn tell(&self, condition: &Checked, values: &mut Vec<Json>, unknown: &mut Vec<Json>) {
        let state = self.surroundings.state;
        for part in condition.evidence(&self.surroundings) {
            let mut told = match part.operand {
                Some(Operand::Slot(no)) => self.member(&part.expr, SlotNo(no)),
                Some(Operand::Param(no)) => {
                    let param = self.surroundings.layout.logic.params.get(usize::from(no));
                    let from = param.map(|param| match state.tuning.get(&self.spec.rule.id, &param.name) {
                        Some(_) => format!("twin {}", state.id),
                        None => format!("type {}", param.given_by),
                    });
                    json!({"expr": part.expr, "from": from})
                }
                Some(_) | None => json!({"expr": part.expr}),
            };
            match part.value {
                Ok(value) => told["value"] = value.to_json(),
                Err(why) => {
                    told["value"] = Json::Null;
                    unknown.push(json!({"expr": part.expr, "why": why.why.as_str()}));
                }
            }
            if let Some(unit) = part.unit {
                told["unit"] = Json::String(unit.symbol().to_owned());
            }
            values.push(told);
        }
    }

    fn member(&self, name: &str, no: SlotNo) -> Json {
        let slot = self.surroundings.seen(no);
        // What others have pushed has no place among the members.
        let spec = self.surroundings.layout.slots.get(no.index());
        let mut told = json!({"expr": name, "quality": slot.quality.as_str()});
        if let Some(basis) = self.surroundings.state.bases.get(no) {
            told["basis"] = json!({
                "start": basis.start.to_string(), "end": basis.end.to_string(), "count": basis.count, "coverage": basis.coverage,
                "revision": basis.revision, "provisional": basis.provisional,
            });
        }
        if let Some(value) = &slot.value {
            told["value"] = match spec {
                Some(spec) => spec.to_json(value),
                None => Datum::from_value(value).map_or(Json::Null, |datum| datum.to_json()),
            };
            told["time"] = Json::String(slot.time.to_string());
            told["receivedAt"] = Json::String(slot.received.to_string());
        }
        if let Some(contributions) = contributions(self.surroundings.state, no) {
            told[CONTRIBUTIONS] = contributions;
        }
        if let Some(unit) = spec.and_then(|spec| spec.unit.as_ref()) {
            told["unit"] = Json::String(unit.symbol().to_owned());
        }
        told
    }
}

/// What is too long is told without who contributed, then with what there is room for, and says so.
fn bounded(mut told: Json) -> Json {
    if told.to_string().len() <= EXPLAIN_BYTES_MAX {
        return told;
    }
    for value in told["values"].as_array_mut().into_iter().flatten().filter_map(Json::as_object_mut) {
        value.remove(CONTRIBUTIONS);
    }
    told["truncated"] = Json::Bool(true);
    if told.to_string().len() <= EXPLAIN_BYTES_MAX {
        return told;
    }
    for (key, mut room) in [("values", EXPLAIN_BYTES_MAX / 2), ("unknown", EXPLAIN_BYTES_MAX / 8)] {
        let mut has_room = |part: &Json| {
            let left = room.checked_sub(part.to_string().len() + 1);
            room = left.unwrap_or(room);
            left.is_some()
        };
        if let Some(list) = told[key].as_array_mut() {
            list.retain(&mut has_room);
        }
    }
    for key in ["condition", "detector"] {
        if told.get(key).is_some_and(|part| part.to_string().len() > EXPLAIN_BYTES_MAX / 8) {
            told[key] = Json::Null;
        }
    }
    told
}

/// What an expression of a rule comes to; `None`: it is unknown.
pub(super) fn said(spec: &RuleSpec, expression: Expression, environment: &dyn Environment) -> Option<Json> {
    match spec.said.get(usize::from(expression.0))? {
        Said::Value(checked) => checked.tree.to_json(environment).ok(),
        Said::Text(template) => Some(Json::String(template.render(environment))),
    }
}

impl Voice for Speaker<'_> {
    fn evidence(&self, rule: &Rule, occasion: &Occasion) -> Evidence {
        Evidence {
            severity: rule.severity_at(occasion.level),
            text: self.text(occasion.level),
            explain: Some(self.explain(occasion).to_string().into()),
        }
    }

    fn explain_clear(&self, _rule: &Rule, occasion: &Occasion) -> Option<SmolStr> {
        Some(self.explain(occasion).to_string().into())
    }

    fn cause(&self, _rule: &Rule) -> SmolStr {
        self.spec.suppressed_by.as_ref().map_or_else(SmolStr::default, |checked| SmolStr::new(&checked.source))
    }

    fn value(&self, expression: Expression) -> Option<Json> {
        said(self.spec, expression, &self.surroundings)
    }

    fn when(&self, _rule: &Rule) -> Truth {
        let when = self.spec.when.as_ref()?;
        when.tree.is_true(&self.surroundings).ok()
    }
}
