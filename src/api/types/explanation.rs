//! `Explanation`: why a value or a rule is as it is, as a tree that is told flat.

use serde_json::Value as Json;

use super::reading::{EXPLAIN_WEIGHT, SlotNode};
use super::rule;
use super::twin::session;
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::ApiError;
use crate::api::request::Role;
use crate::catalog::layout::SlotSpec;
use crate::reading::{Quality, SlotNo, Timestamp};
use crate::twin::{EXPLAIN_DEPTH_MAX, Explanation, ExplanationStep, State, StepKind, explain_member, explain_rule};

const DEPTH: usize = 5;

/// An explanation of now or of the moment of an alarm.
#[derive(Debug, Clone)]
struct Told(Explanation);

/// A step on the twin that it is about.
#[derive(Debug, Clone)]
struct ToldStep {
    twin: String,
    step: ExplanationStep,
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema.enumeration(
        "StepKind",
        "What a step of an explanation is.",
        &[
            ("READING", "What a device said."),
            ("DEFAULT", "What the type says: a default, or a parameter of a rule."),
            ("MUTATION", "What a file or a person has set."),
            ("COMPUTED", "What follows from others, or a part of an expression."),
            ("WINDOW", "What was gathered over time; `detail` has its bounds."),
            (
                "ROLLUP",
                "What was gathered over relations; `detail` has how much of it is known, and the ten `contributions` that say most.",
            ),
            ("RULE", "A rule; `detail` says where it stands."),
        ],
    );
    schema
        .object::<Told>("Explanation", "Why something is as it is: a tree that is told flat. `steps[0]` is what was asked for.")
        .value("summary", "String!", "In a sentence, for people.", |told, _| told.0.summary.clone())
        .value("twinId", "ID!", "", |told, _| told.0.twin.to_string())
        .value("property", "String", "The member, where it is about one.", |told, _| told.0.property.as_ref().map(ToString::to_string))
        .value("steps", "[ExplanationStep!]!", "At most 500.", |told, _| {
            let twin = told.0.twin.to_string();
            Out::objects(told.0.steps.iter().map(|step| ToldStep { twin: twin.clone(), step: step.clone() }).collect::<Vec<_>>())
        })
        .value("truncated", "Boolean!", "Something is left out: ask with more `depth`.", |told, _| told.0.truncated);
    schema
        .object::<ToldStep>("ExplanationStep", "One thing that played a part.")
        .value("kind", "StepKind!", "", |told, _| told.step.kind.as_str())
        .value("label", "String!", "A name, or a part of an expression as it was written.", |told, _| told.step.label.clone())
        .value("twinId", "ID", "", |told, _| told.twin.clone())
        .value("property", "String", "", |told, _| told.step.property.as_ref().map(ToString::to_string))
        .value("value", "JSON", "Null where it is not known.", |told, _| told.step.value.clone().map(Out::json))
        .value("unit", "String", "", |told, _| told.step.unit.clone())
        .value("quality", "Quality", "", |told, _| told.step.quality.map(Quality::as_str))
        .value("time", "DateTime", "", |told, _| told.step.time.map(Out::print))
        .value("version", "String", "Of a rule: a hash of what it says.", |told, _| told.step.version.clone())
        .value("detail", "JSON", "What else there is to say about a step of this kind.", |told, _| told.step.detail.clone().map(Out::json))
        .value("inputs", "[Int!]!", "Places in `steps`.", |told, _| Out::list(told.step.inputs.iter().copied()));
}

pub fn declare_query(schema: &mut SchemaBuilder) {
    schema
        .query()
        .field("explainRule", "Explanation", "Why a rule is on, and why it is not; null if there is no such rule or twin.")
        .arg("rule", "ID!")
        .arg_doc("`rule/TYPE.ID`, or the id in the twin's type alone.")
        .arg("twin", "ID!")
        .weight(EXPLAIN_WEIGHT)
        .now(|_, args, ctx| of_rule(args, ctx))
        .field("explain", "Explanation", "Why a member has its value; null if there is no such twin or member.")
        .arg("twin", "ID!")
        .arg("property", "String!")
        .arg_doc("As the type declares it; `drive.current` leads into an object.")
        .arg("depth", "Int = 5")
        .arg_doc("How far back, at most 20 steps.")
        .weight(EXPLAIN_WEIGHT)
        .now(|_, args, ctx| of_member(args, ctx));
}

fn of_rule(args: &Args, ctx: &RequestContext) -> Result<Out, ApiError> {
    let session = session(ctx)?;
    let Some(seen) = session.by_id(args.required_text("twin")?) else { return Ok(Out::Null) };
    let Some(id) = rule::id_in(&seen.state.layout, args.required_text("rule")?) else { return Ok(Out::Null) };
    let told = explain_rule(&seen.state, id, DEPTH, session.now());
    Ok(told.map_or(Out::Null, |told| Out::object(Told(hidden(told, &seen.state, ctx.caller.role)))))
}

fn of_member(args: &Args, ctx: &RequestContext) -> Result<Out, ApiError> {
    let session = session(ctx)?;
    let Some(seen) = session.by_id(args.required_text("twin")?) else { return Ok(Out::Null) };
    let Some(slot) = seen.state.layout.slot_by_path(args.required_text("property")?) else { return Ok(Out::Null) };
    explained(&seen.state, slot, args, ctx)
}

/// `explain` of a reading.
pub fn of_reading(reading: &SlotNode, args: &Args, ctx: &RequestContext) -> Result<Out, ApiError> {
    explained(&reading.seen.state, SlotNo(reading.slots.start), args, ctx)
}

fn explained(state: &State, slot: SlotNo, args: &Args, ctx: &RequestContext) -> Result<Out, ApiError> {
    let depth = args.integer("depth").unwrap_or(DEPTH as i64);
    let depth = usize::try_from(depth).ok().filter(|depth| (1..=EXPLAIN_DEPTH_MAX).contains(depth));
    let depth = depth.ok_or_else(|| ApiError::bad_input(format!("`depth` is 1 to {EXPLAIN_DEPTH_MAX}")))?;
    let session = session(ctx)?;
    // Of a roll-up that no rule looks at, nobody has kept whose values made it.
    let is_kept = !state.contributors.get(slot).is_empty();
    let is_rollup = state.layout.logic.rollups.iter().any(|rollup| rollup.slot == slot);
    let told = if is_rollup && !is_kept {
        explain_member(&session.runtime().with_contributors(state), slot, depth, session.now())
    } else {
        explain_member(state, slot, depth, session.now())
    };
    Ok(Out::object(Told(hidden(told, state, ctx.caller.role))))
}

/// What may not be seen is not told by this way either.
fn hidden(mut told: Explanation, state: &State, role: Role) -> Explanation {
    let is_sensitive = |path: &str| state.layout.slot_by_path(path).is_some_and(|slot| is_sensitive(state.layout.slot(slot)));
    if role < Role::Operator {
        let mut has_hidden = false;
        for step in &mut told.steps {
            if step.property.as_deref().is_some_and(is_sensitive) {
                (step.value, has_hidden) = (None, true);
            }
        }
        // What was made of it would tell it.
        if has_hidden {
            told.steps.iter_mut().for_each(|step| step.value = None);
            told.summary = format!("`{}`: not for your role", told.steps.first().map_or("", |step| &step.label));
        }
    }
    told
}

fn is_sensitive(spec: &SlotSpec) -> bool {
    spec.property.as_ref().is_some_and(|rules| rules.sensitive)
}

/// The evidence of a raise, as it is kept with the alarm.
pub fn of_trigger(trigger: &Json) -> Option<Out> {
    let text = |from: &Json, key: &str| from.get(key).and_then(Json::as_str).map(str::to_owned);
    let time = |from: &Json, key: &str| from.get(key).and_then(Json::as_str).and_then(|time| Timestamp::parse_rfc3339(time).ok());
    let rule = text(trigger, "rule")?;
    let mut first = ExplanationStep::new(StepKind::Rule, rule.clone());
    (first.value, first.time, first.version) = (Some(Json::Bool(true)), time(trigger, "at"), text(trigger, "ruleVersion"));
    let detail = trigger.as_object()?.iter().filter(|(key, _)| !matches!(key.as_str(), "values" | "rule" | "ruleVersion" | "at" | "twin"));
    first.detail = Some(Json::Object(detail.map(|(key, value)| (key.clone(), value.clone())).collect()));
    let mut steps = vec![first];
    for part in trigger.get("values").and_then(Json::as_array).into_iter().flatten() {
        let from = part.get("from");
        let kind = if text(part, "expr").is_some_and(|expr| expr.starts_with("alarm.")) {
            StepKind::Rule
        } else if part.get("contributions").is_some() {
            StepKind::Rollup
        } else if from.is_some() {
            StepKind::Default
        } else if part.get("receivedAt").is_some() {
            StepKind::Reading
        } else {
            StepKind::Computed
        };
        let mut step = ExplanationStep::new(kind, text(part, "expr").unwrap_or_default());
        step.value = part.get("value").filter(|value| !value.is_null()).cloned();
        (step.unit, step.time) = (text(part, "unit"), time(part, "time"));
        step.quality = text(part, "quality").and_then(|name| Quality::parse(&name));
        let kept = ["from", "basis", "contributions"].into_iter().filter_map(|key| Some((key.to_owned(), part.get(key)?.clone())));
        step.detail = Some(kept.collect::<serde_json::Map<_, _>>()).filter(|kept| !kept.is_empty()).map(Json::Object);
        steps.push(step);
    }
    steps[0].inputs = (1..steps.len()).collect();
    let summary = format!("`{rule}` was raised: {}", text(trigger, "condition").unwrap_or_default());
    let twin = crate::reading::TwinId::parse(trigger.get("twin")?.as_str()?).ok()?;
    Some(Out::object(Told(Explanation { summary, twin, property: None, steps, truncated: trigger.get("truncated").is_some() })))
}
