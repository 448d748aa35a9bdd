//! `Rule`, as its type has it, and `RuleState`: where it stands on one twin.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::issue::Issue;
use super::twin::session;
use crate::alarm::{OutOfService, Severity};
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::error::ApiError;
use crate::api::session::{Seen, Session};
use crate::catalog::Layout;
use crate::catalog::detector::{Language, Shown};
use crate::catalog::logic::RuleSpec;
use crate::reading::Timestamp;
use crate::rule::{Kind, Phase, Watch, due};
use crate::twin::Basis;

/// A rule of a type; subtypes have it, too, perhaps with other settings.
#[derive(Debug, Clone)]
pub struct RuleNode {
    layout: Arc<Layout>,
    place: usize,
}

impl RuleNode {
    fn new(layout: &Arc<Layout>, id: &str) -> Option<RuleNode> {
        let (place, _) = layout.logic.rule(id)?;
        Some(RuleNode { layout: layout.clone(), place })
    }

    fn spec(&self) -> &RuleSpec {
        &self.layout.logic.rules[self.place]
    }

    fn id(&self) -> String {
        format!("rule/{}.{}", self.layout.name, self.spec().rule.id)
    }

    fn kind(&self) -> &'static str {
        match self.spec().rule.kind {
            Kind::Condition | Kind::Outside => "RULE",
            Kind::Pattern(_) => "PATTERN",
            Kind::NoData(_) => "NO_DATA",
            Kind::Detector(_) => "DETECTOR",
        }
    }
}

/// One rule on one twin.
#[derive(Debug, Clone)]
pub struct StateNode {
    pub rule: RuleNode,
    seen: Seen,
}

impl StateNode {
    fn watch(&self) -> &Watch {
        self.seen.state.watches.get(&self.rule.spec().rule.id)
    }

    /// Of a detector that has begun.
    fn shown(&self) -> Option<Shown> {
        self.rule.spec().shown(self.watch().detector.as_deref())
    }

    fn is_enabled(&self) -> bool {
        let rule = &self.rule.spec().rule;
        rule.enabled && !self.seen.state.disabled.contains(&rule.id)
    }

    /// The whole twin, or this rule on it.
    fn out_of_service(&self) -> Option<&OutOfService> {
        let own = self.watch().alarm.suppressions.as_ref().and_then(|suppressions| suppressions.out_of_service.as_ref());
        self.seen.state.out_of_service.as_deref().or(own)
    }

    fn until(&self) -> Option<Timestamp> {
        let watch = &self.watch().rule;
        let waits = matches!(watch.phase, Phase::Pending { .. } | Phase::Recovering { .. });
        waits.then(|| due(&self.rule.spec().rule, watch)).flatten()
    }

    fn windows(&self) -> Option<Json> {
        let state = &self.seen.state;
        let told = self.rule.spec().reads.iter().filter_map(|slot| {
            let Basis { start, end, count, coverage, revision, provisional, approximate } = state.bases.get(*slot)?;
            let told = json!({"start": start.to_string(), "end": end.to_string(), "count": count, "coverage": coverage,
                "revision": revision, "provisional": provisional, "approximate": approximate});
            Some((state.layout.slots.get(slot.index())?.path.to_string(), told))
        });
        let told: serde_json::Map<String, Json> = told.collect();
        (!told.is_empty()).then_some(Json::Object(told))
    }

    fn last_error(&self) -> Option<Issue> {
        let rule = &self.rule.spec().rule.id;
        let trouble = self.seen.state.troubles.iter().filter(|trouble| trouble.rule == *rule).last()?;
        Some(Issue::new(&trouble.code, Severity::Warning, &*trouble.message))
    }
}

/// By what stands behind `rule/`: `Mixer.overheat`.
pub fn find(session: &Session, place: &str) -> Option<RuleNode> {
    let (type_name, id) = place.split_once('.')?;
    RuleNode::new(session.services.catalog.layout(type_name)?, id)
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema.enumeration(
        "RuleKind",
        "What a rule looks for.",
        &[
            ("RULE", "A condition."),
            ("PATTERN", "One thing after another, the absence of an answer, repetition."),
            ("NO_DATA", "Silence."),
            ("DETECTOR", "A state machine."),
        ],
    );
    schema
        .object::<RuleNode>("Rule", "A rule of a type, with the settings that it has there.")
        .implements("Node")
        .value("id", "ID!", "`rule/TYPE.ID`", |rule, _| rule.id())
        .value("name", "String!", "Its id in the type.", |rule, _| rule.spec().rule.id.to_string())
        .value("on", "String!", "The type.", |rule, _| rule.layout.name.to_string())
        .value("title", "String", "", |rule, _| rule.spec().title.as_deref().map(str::to_owned))
        .value("kind", "RuleKind!", "", |rule, _| rule.kind())
        .value("severity", "Severity!", "Of its base condition.", |rule, _| rule.spec().rule.severity.as_str())
        .value("source", "String!", "Its condition, as the file says it; of a pattern the steps, of a detector its states.", |rule, _| {
            source(rule.spec())
        })
        .value("version", "String!", "A hash of what it says.", |rule, _| format!("{:016x}", rule.spec().rule.version))
        .value("declaredBy", "String!", "The type that declares it.", |rule, _| rule.spec().declared_by.to_string())
        .value("enabled", "Boolean!", "", |rule, _| rule.spec().rule.enabled);
    schema
        .object::<StateNode>("RuleState", "Where a rule stands on one twin: why it is on, and why it is not.")
        .value("rule", "Rule!", "", |state, _| Out::object(state.rule.clone()))
        .value("twinId", "ID!", "", |state, _| state.seen.state.id.to_string())
        .value("condition", "AlarmCondition!", "", |state, _| state.watch().rule.condition().as_str())
        .value("enabled", "Boolean!", "Neither its type nor somebody on this twin alone has switched it off.", |state, _| {
            state.is_enabled()
        })
        .value("disarmed", "Boolean!", "Cleared by hand: its condition has to be false once before it raises again.", |state, _| {
            state.watch().rule.disarmed
        })
        .value("since", "DateTime", "Since when it is in its condition; null where that is NORMAL.", |state, _| {
            state.watch().rule.since().map(Out::print)
        })
        .value("unknownSince", "DateTime", "Since when it is not known whether its condition holds.", |state, _| {
            state.watch().rule.unknown_since.map(Out::print)
        })
        .value("state", "String", "Of a detector: the state it is in; null before its first input.", |state, _| {
            state.shown().map(|shown| shown.state.to_string())
        })
        .value("variables", "JSON", "Of a detector, by name; those that have a value.", |state, _| {
            state.shown().map(|shown| Out::json(Json::Object(shown.variables)))
        })
        .value("timers", "JSON", "Of a detector, by name: when those that run will run out.", |state, _| {
            state.shown().map(|shown| Out::json(Json::Object(shown.timers_json())))
        })
        .value("suppression", "Suppression!", "Why its alarm is not announced, or would not be.", |state, _| {
            state.watch().alarm.suppression(state.seen.state.out_of_service.as_deref()).as_str()
        })
        .value("outOfServiceUntil", "DateTime", "With OUT_OF_SERVICE, if somebody has said so.", |state, _| {
            state.out_of_service().and_then(|out| out.until).map(Out::print)
        })
        .value("outOfServiceReason", "String", "With OUT_OF_SERVICE.", |state, _| state.out_of_service().map(|out| out.reason.to_string()))
        .value("until", "DateTime", "When the delay that runs ends, if nothing changes.", |state, _| state.until().map(Out::print))
        .value("windows", "JSON", "What the windows and roll-ups that it reads are based on, by member.", |state, _| {
            state.windows().map(Out::json)
        })
        .value("lastError", "Issue", "What of it could not be done the last time, or why it was switched off.", |state, _| {
            state.last_error().map_or(Out::Null, Out::object)
        })
        .value("avoided", "Int!", "How often its condition held for less than its delay.", |state, _| {
            usize::try_from(state.watch().rule.avoided).unwrap_or(usize::MAX)
        })
        .value("raised", "Int!", "How many occurrences there were.", |state, _| {
            usize::try_from(state.watch().alarm.last_no).unwrap_or(usize::MAX)
        });
}

fn source(spec: &RuleSpec) -> String {
    if let Some(detector) = &spec.detector {
        let states = detector.names.states.join(", ");
        return match &detector.language {
            Language::Own(_) => states,
            Language::Imported(imported) => format!("{}: {states}", imported.detector.name),
        };
    }
    let conditions = spec.when.iter().chain(&spec.steps).map(|checked| &*checked.source);
    conditions.collect::<Vec<_>>().join("; ")
}

pub fn declare_query(schema: &mut SchemaBuilder) {
    schema
        .query()
        .field("rules", "[Rule!]!", "The rules of the types, by type.")
        .arg("type", "String")
        .arg_doc("Only those of this type, inherited ones included.")
        .now(|_, args, ctx| {
            let session = session(ctx)?;
            let wanted = args.text("type");
            let types = session.services.catalog.types.iter().filter(|layout| wanted.is_none_or(|name| *layout.name == *name));
            Ok(Out::objects(types.flat_map(|layout| (0..layout.logic.rules.len()).map(|place| RuleNode { layout: layout.clone(), place }))))
        })
        .field("rule", "Rule", "The rule of this id; null if there is none.")
        .arg("id", "ID!")
        .now(|_, args, ctx| {
            let place = args.required_text("id")?.strip_prefix("rule/");
            Ok(place.and_then(|place| find(session(ctx).ok()?, place)).map_or(Out::Null, Out::object))
        })
        .field("ruleState", "RuleState", "Where a rule stands on a twin; null if there is no such rule or twin.")
        .arg("rule", "ID!")
        .arg_doc("`rule/TYPE.ID`, or the id in the twin's type alone.")
        .arg("twin", "ID!")
        .now(|_, args, ctx| state(session(ctx)?, args));
}

fn state(session: &Session, args: &Args) -> Result<Out, ApiError> {
    let (rule, twin) = (args.required_text("rule")?, args.required_text("twin")?);
    let Some(seen) = session.by_id(twin) else { return Ok(Out::Null) };
    Ok(of_twin(seen, rule).map_or(Out::Null, Out::object))
}

/// Where a rule stands on a twin.
pub fn of_twin(seen: Seen, rule: &str) -> Option<StateNode> {
    let layout = seen.state.layout.0.clone();
    let rule = RuleNode::new(&layout, id_in(&layout, rule)?)?;
    Some(StateNode { rule, seen })
}

/// The id of a rule in a twin's type, as `rule/TYPE.ID` or by itself. A rule of a parent is meant as the twin has it.
pub fn id_in<'a>(layout: &Layout, rule: &'a str) -> Option<&'a str> {
    match rule.strip_prefix("rule/").map(|place| place.split_once('.')) {
        None => Some(rule),
        Some(Some((type_name, id))) if layout.is_a(type_name) => Some(id),
        Some(_) => None,
    }
}
