//! Roll-ups of a type: `{of: temperature, over: contains, types: [Pump], agg: avg, minCoverage: 0.5}`.

use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use super::computed::member_of;
use crate::catalog::CONTAINS;
use crate::catalog::layout::{EnumValue, EnumWire, ValueType};
use crate::catalog::load::layouts::Types;
use crate::catalog::load::member::Compiled;
use crate::catalog::load::relation::Relations;
use crate::catalog::rolled::{Form, Over, Rollup, RollupKey, SEVERITIES};
use crate::reading::SlotNo;
use crate::reading::unit::Unit;
use crate::rollup::{Agg, COALESCE_MICROS, Spec};
use crate::source::keys::ROLLUP;

use crate::source::{Diagnostic, Diagnostics, Entry, Fields, Node, codes, did_you_mean, expect_text};

const AGGS: &[(&str, Agg)] = &[
    ("count", Agg::Count),
    ("sum", Agg::Sum),
    ("avg", Agg::Avg),
    ("weightedAvg", Agg::WeightedAvg),
    ("stddev", Agg::Stddev),
    ("min", Agg::Min),
    ("max", Agg::Max),
    ("any", Agg::Any),
    ("all", Agg::All),
    ("worstSeverity", Agg::WorstSeverity),
];

/// A roll-up that has been read, and what it wants of the types it goes over.
pub(in crate::catalog::load) struct Read<'n> {
    pub rollup: Rollup,
    pub compiled: Compiled,
    pub wanted: Wanted<'n>,
}

/// What each member contributes, as the file says it.
#[derive(Debug, Clone)]
pub(in crate::catalog::load) struct Wanted<'n> {
    pub key: RollupKey,
    /// For messages: `roll-up `load``.
    pub what: String,
    pub agg: Agg,
    pub of: Option<&'n Node>,
    pub filter: Option<&'n Node>,
    pub types: Box<[Arc<str>]>,
    pub types_node: Option<&'n Node>,
    pub unit: Option<Unit>,
    pub span: crate::source::Span,
}

/// `known` are the types as far as they could be compiled without roll-ups: the unit of what is rolled up is theirs to say.
pub(in crate::catalog::load) fn read<'n>(
    entry: &'n Entry,
    type_name: &Arc<str>,
    relations: &Relations,
    known: Option<&Types>,
    problems: &mut Diagnostics,
) -> Option<Read<'n>> {
    let name = &*entry.key.text;
    let what = format!("roll-up `{name}`");
    let fields = Fields::read(&ROLLUP, &entry.value, what.clone(), problems)?;
    let agg_node = fields.require("agg", problems)?;
    let agg = fields.word("agg", AGGS, problems)?;
    let over = over(&fields, relations, problems)?;
    let types = types(&fields, known, problems)?;
    let of = fields.get("of");
    if of.is_none() && !matches!(agg, Agg::Count | Agg::WorstSeverity) {
        fields.require("of", problems);
        return None;
    }
    if agg == Agg::WorstSeverity
        && let Some(node) = of
    {
        let message = format!("{what}: `worstSeverity` is of the alarms of the twins, so it takes no `of`");
        problems.push(Diagnostic::new(&codes::ROLLUP, node.span, message));
        return None;
    }
    let is_deep = fields.word("depth", &[("1", false), ("all", true)], problems).unwrap_or(false);
    let mut spec = Spec::new(vec![agg]);
    if let Some(least) = fields.number("minCoverage", problems) {
        if !(0.0..=1.0).contains(&least) {
            let span = fields.get("minCoverage").map_or(fields.span, |node| node.span);
            problems.push(Diagnostic::new(&codes::ROLLUP, span, format!("`minCoverage` of {what} is a share from 0 to 1")));
        }
        spec.min_coverage = least.clamp(0.0, 1.0);
    }
    let weight = fields.text("weight", problems).map(Box::from);
    spec.is_weighted = weight.is_some();
    if agg == Agg::WeightedAvg && weight.is_none() {
        problems.push(Diagnostic::new(
            &codes::ROLLUP,
            agg_node.span,
            format!("{what}: `weightedAvg` needs `weight`, a property of the edges"),
        ));
        return None;
    }
    let asked = match fields.text("unit", problems) {
        Some(text) => Some(Unit::parse(text).map_err(|error| unknown_unit(&fields, &error, problems)).ok()?),
        None => None,
    };
    let unit = if is_number(agg) { asked.or_else(|| unit_of(of, agg, &types, known)) } else { None };
    let coalesce =
        fields.duration("coalesce", problems).map_or(COALESCE_MICROS, |time| i64::try_from(time.as_micros()).unwrap_or(i64::MAX));
    let key = RollupKey(hash(&[type_name, name]));
    let texts: Vec<String> = fields.entries().map(|entry| format!("{}={}", entry.key.text, entry.value.to_json())).collect();
    let meaning = hash(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let (form, value_type) = form(agg);
    let compiled = member_of(name, &fields, type_name, value_type, unit.clone(), problems);
    let wanted = Wanted {
        key,
        what,
        agg,
        of,
        filter: fields.get("where"),
        types: types.clone(),
        types_node: fields.get("types"),
        unit,
        span: entry.key.span,
    };
    let rollup = Rollup { key, slot: SlotNo(0), over, is_deep, is_nearest: false, types, spec, weight, form, coalesce, meaning };
    Some(Read { rollup, compiled, wanted })
}

fn over(fields: &Fields<'_>, relations: &Relations, problems: &mut Diagnostics) -> Option<Over> {
    let Some(node) = fields.get("over") else { return Some(Over { relation: CONTAINS.into(), is_inverse: false }) };
    let name = expect_text(node, "`over`", problems)?;
    if relations.index_of(name).is_some() {
        return Some(Over { relation: name.into(), is_inverse: false });
    }
    if let Some(relation) = relations.by_inverse(name) {
        return Some(Over { relation, is_inverse: true });
    }
    let message = format!("{}: there is no relation `{name}`", fields.what);
    problems.push(Diagnostic::new(&codes::ROLLUP, node.span, message).suggest(did_you_mean(name, relations.names())));
    None
}

fn types(fields: &Fields<'_>, known: Option<&Types>, problems: &mut Diagnostics) -> Option<Box<[Arc<str>]>> {
    let Some(node) = fields.get("types") else { return Some(Box::default()) };
    let mut names = Vec::new();
    for item in node.items_or_one() {
        let name = expect_text(item, "a type", problems)?;
        if let Some(known) = known
            && known.get(name).is_none()
        {
            if !known.is_broken(name) {
                let message = format!("{}: there is no type `{name}`", fields.what);
                problems.push(Diagnostic::new(&codes::ROLLUP, item.span, message).suggest(known.nearest(name)));
            }
            return None;
        }
        names.push(Arc::from(name));
    }
    Some(names.into())
}

/// Of a member that all types measure alike; an expression says its own where it is checked, and needs a stated unit here.
fn unit_of(of: Option<&Node>, agg: Agg, types: &[Arc<str>], known: Option<&Types>) -> Option<Unit> {
    let (path, known) = (of?.as_text()?, known?);
    let mut found = known.by_name.iter().filter(|(name, _)| types.is_empty() || types.iter().any(|wanted| *wanted == **name));
    let unit = found.find_map(|(_, entry)| {
        let slot = entry.layout.slot_by_path(path)?;
        Some(entry.layout.slot(slot).unit.clone())
    })??;
    Some(if agg == Agg::Stddev { crate::expr::difference_unit(&unit) } else { unit })
}

fn is_number(agg: Agg) -> bool {
    matches!(agg, Agg::Sum | Agg::Avg | Agg::WeightedAvg | Agg::Stddev | Agg::Min | Agg::Max)
}

fn form(agg: Agg) -> (Form, ValueType) {
    let severity = |name: &&str| EnumValue { name: (*name).into(), wire: EnumWire::Text((*name).into()) };
    match agg {
        Agg::Count => (Form::Int, ValueType::Int),
        Agg::Any | Agg::All | Agg::Exists | Agg::ForAll => (Form::Bool, ValueType::Bool),
        Agg::WorstSeverity => (Form::Enum, ValueType::Enum(SEVERITIES.iter().map(severity).collect())),
        Agg::Sum | Agg::Avg | Agg::WeightedAvg | Agg::Stddev | Agg::Min | Agg::Max => (Form::Double, ValueType::Double),
    }
}

fn unknown_unit(fields: &Fields<'_>, error: &impl ToString, problems: &mut Diagnostics) {
    let span = fields.get("unit").map_or(fields.span, |node| node.span);
    problems.push(Diagnostic::new(&codes::UNKNOWN_UNIT, span, error.to_string()));
}

fn hash(texts: &[&str]) -> u64 {
    let mut hash = Xxh3::new();
    for text in texts {
        hash.update(text.as_bytes());
        hash.update(&[0]);
    }
    hash.digest()
}
