//! What of a payload goes where: paths, time, quality, and the `map` of a binding.

use crate::catalog::binding::{JsonPath, MapRule, Meanings, QualityRule, TimeFormat, TimeRule, ValueRule};
use crate::catalog::layout::{Section, SlotSpec, ValueType};
use crate::reading::unit::Unit;
use crate::source::keys::{BINDING_EACH, BINDING_MAP, BINDING_QUALITY, BINDING_TIME};
use crate::source::{
    Diagnostic, Diagnostics, Fields, Node, NodeKind, Span, codes, did_you_mean, expect_list, expect_mapping, expect_text, list_some,
    wrong_kind,
};

use super::layouts::Types;
use super::observe::telemetry_below;
use super::value_type::unknown_unit;

/// `[*]` stands only where several values are meant.
pub(super) fn path(node: &Node, may_fan_out: bool, problems: &mut Diagnostics) -> Option<JsonPath> {
    let text = expect_text(node, "`path`", problems)?;
    match JsonPath::parse(text) {
        Ok(path) if !may_fan_out && path.is_plural() => {
            let message = format!("`{text}` selects many values where one is meant");
            problems.push(Diagnostic::new(&codes::BAD_PATH, node.span, message).help("[*] stands with `each`"));
            None
        }
        Ok(path) => Some(path),
        Err(invalid) => {
            let message = format!("not a path: {invalid}");
            problems.push(Diagnostic::new(&codes::BAD_PATH, node.char_span(invalid.offset), message));
            None
        }
    }
}

pub(super) fn time(node: &Node, what: &str, problems: &mut Diagnostics) -> Option<TimeRule> {
    let fields = Fields::read(&BINDING_TIME, node, format!("`time` of {what}"), problems)?;
    let path = fields.require("path", problems).and_then(|node| path(node, false, problems));
    let zone = fields.text("zone", problems);
    let zone_span = fields.get("zone").map_or(fields.span, |node| node.span);
    if let Some(zone) = zone.filter(|zone| !is_zone(zone)) {
        let diagnostic = Diagnostic::new(&codes::BAD_TIME_FORMAT, zone_span, format!("`{zone}` is no time zone"));
        problems.push(diagnostic.help("write an IANA name such as Europe/Berlin, or an offset such as +02:00"));
    }
    let format = match fields.get("format") {
        None => TimeFormat::Rfc3339,
        Some(node) => time_format(fields.text("format", problems)?, node.span, zone, problems)?,
    };
    if zone.is_some() && !matches!(format, TimeFormat::Pattern { .. }) {
        problems.push(Diagnostic::new(&codes::NOT_APPLICABLE, zone_span, "`zone` belongs to a strftime pattern; this format says its own"));
    }
    Some(TimeRule { path: path?, format })
}

fn time_format(text: &str, span: Span, zone: Option<&str>, problems: &mut Diagnostics) -> Option<TimeFormat> {
    let known = [
        ("rfc3339", TimeFormat::Rfc3339),
        ("unix", TimeFormat::Unix),
        ("unixMillis", TimeFormat::UnixMillis),
        ("unixMicros", TimeFormat::UnixMicros),
    ];
    if let Some((_, format)) = known.iter().find(|(name, _)| *name == text) {
        return Some(format.clone());
    }
    if !text.contains('%') {
        let diagnostic = Diagnostic::new(&codes::BAD_TIME_FORMAT, span, format!("`{text}` is not a time format"));
        let diagnostic = diagnostic.suggest(did_you_mean(text, known.iter().map(|(name, _)| *name)));
        problems.push(diagnostic.help("formats: rfc3339, unix, unixMillis, unixMicros, or a strftime pattern as in %d.%m.%Y %H:%M:%S"));
        return None;
    }
    if let Err(error) = jiff::fmt::strtime::format(text, &jiff::Zoned::new(jiff::Timestamp::UNIX_EPOCH, jiff::tz::TimeZone::UTC)) {
        problems.push(Diagnostic::new(&codes::BAD_TIME_FORMAT, span, format!("`{text}` is not a strftime pattern: {error}")));
        return None;
    }
    let says_offset = ["%z", "%:z", "%Q", "%:Q", "%s", "%::z", "%+"].iter().any(|directive| text.contains(directive));
    if zone.is_none() && !says_offset {
        let diagnostic = Diagnostic::new(&codes::BAD_TIME_FORMAT, span, format!("`{text}` says no offset, so it needs `zone`"));
        problems.push(diagnostic.help("add `zone: UTC`, or the zone of the sender's clock"));
        return None;
    }
    Some(TimeFormat::Pattern { pattern: text.into(), zone: zone.unwrap_or("UTC").into() })
}

fn is_zone(text: &str) -> bool {
    let offset = jiff::fmt::strtime::parse("%:z", text).is_ok_and(|parsed| parsed.offset().is_some());
    offset || jiff::tz::TimeZone::get(text).is_ok()
}

pub(super) fn quality(node: &Node, what: &str, problems: &mut Diagnostics) -> Option<QualityRule> {
    let fields = Fields::read(&BINDING_QUALITY, node, format!("`quality` of {what}"), problems)?;
    let path = fields.require("path", problems).and_then(|node| path(node, false, problems));
    let mut codes_of = |key: &str| -> Box<[serde_json::Value]> {
        let Some(node) = fields.get(key) else { return Box::default() };
        for item in node.items_or_one().iter().filter(|item| item.as_scalar().is_none()) {
            problems.push(wrong_kind(item, &format!("a code in `{key}`"), "a number or a text"));
        }
        node.items_or_one().iter().filter(|item| item.as_scalar().is_some()).map(Node::to_json).collect()
    };
    let (good, uncertain) = (codes_of("good"), codes_of("uncertain"));
    Some(QualityRule { path: path?, good, uncertain })
}

/// What the entries of a map may lead to: the telemetry of all types.
#[derive(Debug)]
pub(super) struct Targets<'a> {
    types: &'a Types,
}

impl<'a> Targets<'a> {
    pub(super) fn new(types: &'a Types) -> Targets<'a> {
        Targets { types }
    }

    pub(super) fn map(&self, node: &Node, what: &str, problems: &mut Diagnostics) -> Box<[MapRule]> {
        let items = expect_list(node, &format!("`map` of {what}"), problems);
        items.into_iter().flatten().filter_map(|item| self.rule(item, what, problems)).collect()
    }

    fn rule(&self, node: &Node, what: &str, problems: &mut Diagnostics) -> Option<MapRule> {
        let fields = Fields::read(&BINDING_MAP, node, format!("an entry of `map` of {what}"), problems)?;
        let Some(each) = fields.get("each") else {
            return self.value(&fields, problems).map(MapRule::Value);
        };
        let path = fields.require("path", problems).and_then(|node| path(node, true, problems));
        for key in ["to", "unit", "scale", "offset", "values"] {
            if let Some(entry) = fields.entry(key) {
                let message = format!("`{key}` stands beside `each`; it belongs into its `map`");
                problems.push(Diagnostic::new(&codes::NOT_APPLICABLE, entry.key.span, message));
            }
        }
        let what = format!("`each` of {what}");
        let inner = Fields::read(&BINDING_EACH, each, what.clone(), problems)?;
        let time = inner.get("time").and_then(|node| time(node, &what, problems));
        let quality = inner.get("quality").and_then(|node| quality(node, &what, problems));
        let items = expect_list(inner.require("map", problems)?, &format!("`map` of {what}"), problems)?;
        let mut map = Vec::new();
        for item in items {
            let Some(fields) = Fields::read(&BINDING_MAP, item, format!("an entry of `map` of {what}"), problems) else { continue };
            if let Some(entry) = fields.entry("each") {
                let message = "`each` inside `each` is not possible; one path may hold several [*]";
                problems.push(Diagnostic::new(&codes::NOT_APPLICABLE, entry.key.span, message));
                continue;
            }
            map.extend(self.value(&fields, problems));
        }
        Some(MapRule::Each { path: path?, time, quality, map: map.into() })
    }

    fn value(&self, fields: &Fields<'_>, problems: &mut Diagnostics) -> Option<ValueRule> {
        let path = fields.require("path", problems).and_then(|node| path(node, false, problems));
        let unit = self.unit(fields, problems);
        let scale = fields.number("scale", problems).unwrap_or(1.0);
        let offset = fields.number("offset", problems).unwrap_or(0.0);
        let to_node = fields.require("to", problems)?;
        let to = fields.text("to", problems)?;
        let slots = self.slots(to, to_node.span, problems);
        if let (Some(unit), Some(node)) = (&unit, fields.get("unit")) {
            check_unit(unit, to, &slots, node.span, problems);
        }
        let values = self.values(fields, to, &slots, problems);
        Some(ValueRule { path: path?, to: to.into(), unit, scale, offset, values })
    }

    fn unit(&self, fields: &Fields<'_>, problems: &mut Diagnostics) -> Option<Unit> {
        let text = fields.text("unit", problems)?;
        let span = fields.get("unit").map_or(fields.span, |node| node.span);
        Unit::parse(text).map_err(|unknown| problems.push(unknown_unit(&unknown, span))).ok()
    }

    /// The slots of all types that the name means: exactly one leaf, or all below an object.
    fn slots(&self, name: &str, span: Span, problems: &mut Diagnostics) -> Vec<&'a SlotSpec> {
        let layouts = || self.types.by_name.values().map(|entry| &entry.layout);
        let found: Vec<&SlotSpec> = layouts().flat_map(|layout| telemetry_below(layout, name)).collect();
        if !found.is_empty() || self.types.any_unknown() {
            return found;
        }
        if let Some(layout) = layouts().find(|layout| layout.member(name).is_some()) {
            let message = format!("`{name}` is a property of `{}`; bindings lead to telemetry", layout.name);
            problems.push(Diagnostic::new(&codes::UNKNOWN_MEMBER, span, message));
            return found;
        }
        let mut known: Vec<&str> =
            layouts().flat_map(|layout| &layout.slots).filter(|slot| slot.section == Section::Telemetry).map(|slot| &*slot.path).collect();
        known.sort_unstable();
        known.dedup();
        let diagnostic = Diagnostic::new(&codes::UNKNOWN_MEMBER, span, format!("no type has the telemetry `{name}`"));
        problems.push(diagnostic.suggest(did_you_mean(name, known.iter().copied())).help(format!("telemetry: {}", list_some(known))));
        found
    }

    fn values(&self, fields: &Fields<'_>, to: &str, slots: &[&SlotSpec], problems: &mut Diagnostics) -> Option<Meanings> {
        let mapping = expect_mapping(fields.get("values")?, &format!("`values` of {}", fields.what), problems)?;
        for entry in &mapping.entries {
            if let NodeKind::Sequence(_) | NodeKind::Mapping(_) = entry.value.kind {
                problems.push(wrong_kind(&entry.value, &format!("what `{}` means", entry.key.text), "a single value"));
                continue;
            }
            let json = entry.value.to_json();
            let mut refusals = slots.iter().map(|slot| slot.accept((&json).into(), None).err());
            // It must fit somewhere; which type a twin has is known only when it is known.
            let first = refusals.next().flatten();
            if let Some(refusal) = first.filter(|_| refusals.all(|refusal| refusal.is_some())) {
                let message = format!("what `{}` means does not fit `{to}`: {refusal}", entry.key.text);
                problems.push(Diagnostic::new(&codes::BAD_VALUE, entry.value.span, message));
            }
        }
        Some(mapping.entries.iter().map(|entry| (entry.key.text.clone(), entry.value.to_json())).collect())
    }

    /// Whether some type has telemetry of type `json` by that name.
    pub(super) fn json(&self, name: &str, span: Span, problems: &mut Diagnostics) -> bool {
        let slots = self.slots(name, span, problems);
        let has_json = slots.iter().any(|slot| matches!(slot.value_type, ValueType::Json));
        if !slots.is_empty() && !has_json {
            problems.push(Diagnostic::new(&codes::UNKNOWN_MEMBER, span, format!("`{name}` is not of type json")));
        }
        has_json
    }
}

fn check_unit(unit: &Unit, to: &str, slots: &[&SlotSpec], span: Span, problems: &mut Diagnostics) {
    let fits = |slot: &&SlotSpec| slot.payload_unit().is_some_and(|own| unit.conversion_to(own).is_some());
    if !slots.is_empty() && !slots.iter().any(fits) {
        let own = slots.iter().find_map(|slot| slot.payload_unit());
        let message = match own {
            Some(own) => format!("{} does not convert to {}, the unit of `{to}`", unit.symbol(), own.symbol()),
            None => format!("`{to}` has no unit to convert to"),
        };
        problems.push(Diagnostic::new(&codes::UNIT_MISMATCH, span, message));
    }
}
