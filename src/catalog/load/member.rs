//! Properties and telemetry: a member with the slots that hold it.

use std::sync::Arc;
use std::time::Duration;

use crate::catalog::layout::{
    Duplicates, Field, History, Leaf, Member, Outside, PropertyRules, SLOTS_MAX, Section, SlotSpec, Sync, TelemetryRules, ValueType,
};
use crate::source::keys::{PROPERTY, TELEMETRY};
use crate::source::{Diagnostic, Diagnostics, Entry, Fields, NodeKind, codes};

use super::literal;
use super::value_type::{Declared, ValueReader, is_numeric};

const LATENESS_DEFAULT: Duration = Duration::from_secs(3600);
pub(super) const DECIMALS_MAX: u64 = 15;
const STALE_PERIODS: u32 = 3;
/// What native payloads call the time of the values beside it.
const TIME_ON_WIRE: &str = "ts";

/// A member and its slots, not yet numbered: `member.slots` and `slot.member` are filled in by the layout.
#[derive(Debug)]
pub(super) struct Compiled {
    pub member: Member,
    pub slots: Vec<SlotSpec>,
}

/// What a type says for all of its telemetry.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TimeDefaults {
    pub reorder: Option<Duration>,
    pub lateness: Option<Duration>,
    pub duplicates: Option<Duplicates>,
    pub max_age: Option<Duration>,
}

const DUPLICATES: &[(&str, Duplicates)] = &[("last", Duplicates::Last), ("first", Duplicates::First), ("reject", Duplicates::Reject)];

impl TimeDefaults {
    /// What is not said here is as in `outer`.
    pub(super) fn read(fields: &Fields<'_>, outer: TimeDefaults, problems: &mut Diagnostics) -> TimeDefaults {
        TimeDefaults {
            reorder: fields.duration("reorder", problems).or(outer.reorder),
            lateness: fields.duration("lateness", problems).or(outer.lateness),
            duplicates: fields.word("duplicates", DUPLICATES, problems).or(outer.duplicates),
            max_age: fields.duration("maxAge", problems).or(outer.max_age),
        }
    }
}

pub(super) fn property<'n>(
    entry: &'n Entry,
    declared_by: &Arc<str>,
    values: &mut ValueReader<'n>,
    problems: &mut Diagnostics,
) -> Option<Compiled> {
    let what = format!("property `{}`", entry.key.text);
    let Declared { leaf, fields } = values.read(&PROPERTY, &entry.value, &what, problems)?;
    let mut rules = PropertyRules::default();
    if let Some(fields) = &fields {
        let mut flag = |key: &str| fields.bool(key, problems).unwrap_or(false);
        rules.required = flag("required");
        rules.immutable = flag("immutable");
        rules.sensitive = flag("sensitive");
        // Of an array it is about its items and has been read there.
        rules.unique = !matches!(leaf.value_type, ValueType::Array(_)) && flag("unique");
        let words = [("none", Sync::None), ("reported", Sync::Reported), ("desired", Sync::Desired)];
        rules.sync = fields.word("sync", &words, problems).unwrap_or_default();
    }
    if rules.unique && matches!(leaf.value_type, ValueType::Object(_) | ValueType::Map(_) | ValueType::Json | ValueType::Geo(_)) {
        let span = fields.as_ref().and_then(|fields| fields.entry("unique")).map_or(entry.key.span, |entry| entry.key.span);
        problems.push(Diagnostic::new(&codes::NOT_APPLICABLE, span, format!("{what} cannot be unique: its values are structures")));
    }
    let mut compiled = compile(Section::Property, entry, leaf, fields.as_ref(), declared_by, problems);
    for slot in &mut compiled.slots {
        let required = rules.required && slot.property.as_ref().is_none_or(|field| field.required);
        slot.property = Some(PropertyRules { required, ..rules.clone() });
    }
    if let Some(node) = fields.as_ref().and_then(|fields| fields.get("default")) {
        set_defaults(&mut compiled, node, problems);
    }
    Some(compiled)
}

/// The default of an object is one per leaf.
fn set_defaults(compiled: &mut Compiled, node: &crate::source::Node, problems: &mut Diagnostics) {
    let what = format!("the default of `{}`", compiled.member.name);
    let before = problems.len();
    let slots: Vec<&SlotSpec> = compiled.slots.iter().collect();
    let placed = literal::member_values(&compiled.member, &slots, node, &what, &codes::BAD_DEFAULT, problems);
    if problems.len() == before {
        for (index, value) in placed {
            if let Some(rules) = compiled.slots[index].property.as_mut() {
                rules.default = Some(value);
            }
        }
    }
}

pub(super) fn telemetry<'n>(
    entry: &'n Entry,
    declared_by: &Arc<str>,
    times: TimeDefaults,
    values: &mut ValueReader<'n>,
    problems: &mut Diagnostics,
) -> Option<Compiled> {
    let what = format!("telemetry `{}`", entry.key.text);
    let Declared { leaf, fields } = values.read(&TELEMETRY, &entry.value, &what, problems)?;
    let rules = telemetry_rules(fields.as_ref(), times, problems);
    let mut compiled = compile(Section::Telemetry, entry, leaf, fields.as_ref(), declared_by, problems);
    for slot in &mut compiled.slots {
        slot.property = None;
        slot.telemetry = Some(rules.clone());
    }
    Some(compiled)
}

fn telemetry_rules(fields: Option<&Fields<'_>>, times: TimeDefaults, problems: &mut Diagnostics) -> TelemetryRules {
    let times = fields.map_or(times, |fields| TimeDefaults::read(fields, times, problems));
    let every = fields.and_then(|fields| fields.duration("every", problems));
    if let (Some(Duration::ZERO), Some(fields)) = (every, fields) {
        let span = fields.get("every").map_or(fields.span, |node| node.span);
        problems.push(Diagnostic::new(&codes::BAD_DURATION, span, format!("`every` of {} must be longer than nothing", fields.what)));
    }
    let stale = fields.and_then(|fields| fields.duration("stale", problems));
    let outside = fields.and_then(|fields| fields.word("outside", &[("bad", Outside::Bad), ("reject", Outside::Reject)], problems));
    let histories = [("all", History::All), ("changes", History::Changes), ("none", History::None)];
    let history = fields.and_then(|fields| fields.word("history", &histories, problems));
    TelemetryRules {
        every,
        stale: stale.or_else(|| every.map(|every| every.saturating_mul(STALE_PERIODS))),
        outside: outside.unwrap_or_default(),
        duplicates: times.duplicates.unwrap_or_default(),
        max_age: times.max_age,
        lateness: times.lateness.unwrap_or(LATENESS_DEFAULT),
        reorder: times.reorder.unwrap_or_default(),
        history: history.unwrap_or_default(),
    }
}

fn compile(
    section: Section,
    entry: &Entry,
    leaf: Leaf,
    fields: Option<&Fields<'_>>,
    declared_by: &Arc<str>,
    problems: &mut Diagnostics,
) -> Compiled {
    let name = &*entry.key.text;
    let decimals = fields.and_then(|fields| fields.whole("decimals", DECIMALS_MAX, problems)).and_then(|value| u8::try_from(value).ok());
    let mut slots = Vec::new();
    flatten(name.to_owned(), &leaf, true, &mut |path, leaf, required| {
        // One too many is enough for the layout to refuse it.
        if slots.len() > SLOTS_MAX {
            return;
        }
        slots.push(SlotSpec {
            path: path.into(),
            member: 0,
            section,
            value_type: leaf.value_type.clone(),
            unit: leaf.unit.clone(),
            constraints: leaf.constraints.clone(),
            // Whether the field is required, until the member's own rules are known.
            property: Some(PropertyRules { required, ..PropertyRules::default() }),
            telemetry: None,
            decimals,
        });
    });
    let mut text = |key: &str| fields.and_then(|fields| fields.text(key, problems)).map(str::to_owned);
    let (wire, deprecated) = (text("wire"), text("deprecated"));
    if wire.as_deref().unwrap_or(name) == TIME_ON_WIRE {
        let span = fields.and_then(|fields| fields.get("wire")).map_or(entry.key.span, |node| node.span);
        let message = format!("`{name}` cannot be called `{TIME_ON_WIRE}` in payloads: there it is always the time");
        let diagnostic = Diagnostic::new(&codes::RESERVED_NAME, span, message);
        problems.push(diagnostic.help("add `wire: OTHER_NAME`; where senders cannot be changed, map it with a binding"));
    }
    let member = Member {
        name: name.into(),
        wire: wire.map_or_else(|| name.into(), Into::into),
        section,
        value_type: leaf.value_type,
        slots: 0..0,
        title: fields.and_then(|fields| title(fields, "title", problems)),
        description: fields.and_then(|fields| title(fields, "description", problems)),
        deprecated,
        declared_by: declared_by.clone(),
    };
    Compiled { member, slots }
}

/// The leaves of a value, each with its path: fields of objects, items of fixed-size arrays of numbers, and everything else as it is.
pub(super) fn flatten(path: String, leaf: &Leaf, required: bool, take: &mut dyn FnMut(String, &Leaf, bool)) {
    match &leaf.value_type {
        ValueType::Object(fields) => {
            for Field { name, required: own, value, .. } in fields.iter() {
                flatten(format!("{path}.{name}"), value, required && *own, take);
            }
        }
        ValueType::Array(array) => match fixed_items(&leaf.value_type) {
            Some(items) => (0..items).for_each(|item| take(format!("{path}.{item}"), &array.items, required)),
            None => take(path, leaf, required),
        },
        ValueType::Bool
        | ValueType::Int
        | ValueType::Double
        | ValueType::Decimal
        | ValueType::String
        | ValueType::Timestamp
        | ValueType::Date
        | ValueType::Time
        | ValueType::Duration
        | ValueType::Enum(_)
        | ValueType::Geo(_)
        | ValueType::Bytes { .. }
        | ValueType::Unit { .. }
        | ValueType::Json
        | ValueType::Map(_) => take(path, leaf, required),
    }
}

/// How many slots an array takes, if its size is fixed and its items are numbers.
pub fn fixed_items(value_type: &ValueType) -> Option<usize> {
    let ValueType::Array(array) = value_type else { return None };
    let is_fixed = array.items_min == array.items_max && array.items_min > 0 && !array.unique;
    (is_fixed && is_numeric(&array.items.value_type)).then_some(array.items_max)
}

/// Text, or a text per language: then English, or the first.
pub(super) fn title(fields: &Fields<'_>, key: &str, problems: &mut Diagnostics) -> Option<String> {
    let node = fields.get(key)?;
    let NodeKind::Mapping(languages) = &node.kind else { return fields.text(key, problems).map(str::to_owned) };
    let mut chosen: Option<&str> = None;
    for entry in &languages.entries {
        let text = crate::source::expect_text(&entry.value, &format!("`{key}` of {} in `{}`", fields.what, entry.key.text), problems);
        if chosen.is_none() || &*entry.key.text == "en" {
            chosen = text.or(chosen);
        }
    }
    chosen.map(str::to_owned)
}
