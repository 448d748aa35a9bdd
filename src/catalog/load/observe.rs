//! `observes`: which telemetry of a device is also telemetry of which asset, and when.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::catalog::OBSERVES;
use crate::catalog::layout::{Kind, Layout, Section, SlotSpec, ValueType};
use crate::catalog::twin_spec::EdgeSpec;
use crate::reading::TwinId;
use crate::source::keys::{OBSERVES as OBSERVES_KEYS, OBSERVES_TARGET};
use crate::source::{
    Diagnostic, Diagnostics, Fields, Node, NodeKind, Span, codes, did_you_mean, expect_list, expect_text, list_some, wrong_kind,
};

use super::edge::validity;
use super::layouts::{Type, Types};
use super::relation::Relations;
use super::twin::{Draft, Twins};
use super::value_type::type_word;

const PRIORITY_MAX: u64 = 1_000_000;

/// Edges whose properties are `map` (slot paths of the device to slot paths of the asset) and `priority`.
pub(super) fn read(
    draft: &Draft<'_, '_>,
    entry: &Type,
    types: &Types,
    relations: &Relations,
    twins: &Twins,
    problems: &mut Diagnostics,
) -> Vec<(EdgeSpec, Span)> {
    let Some(given) = draft.fields.entry("observes") else { return Vec::new() };
    if entry.layout.kind != Kind::Device {
        let message = format!("`{}` is an ASSET; only a DEVICE observes", draft.id);
        problems.push(Diagnostic::new(&codes::NOT_A_DEVICE, given.key.span, message).related(entry.span, "its type"));
        return Vec::new();
    }
    let items = expect_list(&given.value, &format!("`observes` of {}", draft.fields.what), problems);
    let reader = Reader { id: &draft.id, device: entry, types, relation: relations.index_of(OBSERVES), twins };
    items.into_iter().flatten().filter_map(|item| reader.entry(item, problems)).collect()
}

struct Reader<'a> {
    id: &'a TwinId,
    device: &'a Type,
    types: &'a Types,
    relation: Option<u16>,
    twins: &'a Twins,
}

impl Reader<'_> {
    fn entry(&self, node: &Node, problems: &mut Diagnostics) -> Option<(EdgeSpec, Span)> {
        let fields = Fields::read(&OBSERVES_KEYS, node, format!("an entry of `observes` of `{}`", self.id), problems)?;
        let asset_node = fields.require("asset", problems);
        let to = asset_node.and_then(|node| self.twins.resolve(node, &format!("`asset` of {}", fields.what), problems));
        let map_node = fields.require("map", problems);
        let (valid_from, valid_to) = validity(&fields, problems);
        let priority = fields.whole("priority", PRIORITY_MAX, problems);
        let asset = to.as_ref().and_then(|to| self.twins.layout_of(to)).and_then(|layout| self.types.get(&layout.name));
        let map = self.map(map_node?, asset, problems);
        let mut properties = Map::new();
        properties.insert("map".to_owned(), Json::Object(map));
        if let Some(priority) = priority {
            properties.insert("priority".to_owned(), priority.into());
        }
        let edge = EdgeSpec { relation: self.relation?, name: Arc::from(OBSERVES), to: to?, properties, valid_from, valid_to };
        Some((edge, asset_node?.span))
    }

    fn map(&self, node: &Node, asset: Option<&Type>, problems: &mut Diagnostics) -> Map<String, Json> {
        let mut map = Map::new();
        match &node.kind {
            NodeKind::Scalar(_) => problems.push(wrong_kind(node, "`map`", "a list of names, or names to names")),
            NodeKind::Sequence(items) => {
                for item in items {
                    if let Some(name) = expect_text(item, "a name in `map`", problems) {
                        self.pair(name, item.span, name, item.span, asset, &mut map, problems);
                    }
                }
            }
            NodeKind::Mapping(mapping) => {
                for entry in &mapping.entries {
                    let target = match &entry.value.kind {
                        NodeKind::Mapping(_) => {
                            let what = format!("`{}` in `map`", entry.key.text);
                            let fields = Fields::read(&OBSERVES_TARGET, &entry.value, what, problems);
                            fields.and_then(|fields| fields.require("to", problems))
                        }
                        NodeKind::Scalar(_) | NodeKind::Sequence(_) => Some(&entry.value),
                    };
                    let Some(target) = target else { continue };
                    if let Some(name) = expect_text(target, "the telemetry of the asset", problems) {
                        self.pair(&entry.key.text, entry.key.span, name, target.span, asset, &mut map, problems);
                    }
                }
            }
        }
        map
    }

    #[expect(clippy::too_many_arguments, reason = "two names, each with its place, and where the pair goes")]
    fn pair(
        &self,
        from: &str,
        from_span: Span,
        to: &str,
        to_span: Span,
        asset: Option<&Type>,
        map: &mut Map<String, Json>,
        problems: &mut Diagnostics,
    ) {
        let sources = leaves(self.device, from, from_span, "the device", problems);
        let targets = asset.and_then(|asset| leaves(asset, to, to_span, "the asset", problems));
        let (Some(sources), Some(targets), Some(asset)) = (sources, targets, asset) else { return };
        for source in &sources {
            // `vibration.x` of the one is `vibration.x` of the other, whatever the members are called.
            let rest = &source.path[from.len()..];
            let Some(target) = targets.iter().find(|target| target.path[to.len()..] == *rest) else {
                let message = format!("`{}` has no `{to}{rest}` for the device's `{}`", asset.layout.name, source.path);
                problems.push(Diagnostic::new(&codes::BAD_OBSERVES, to_span, message));
                continue;
            };
            if let Some(reason) = misfit(source, target) {
                let message = format!(
                    "`{}` of `{}` cannot be `{}` of `{}`: {reason}",
                    source.path, self.device.layout.name, target.path, asset.layout.name
                );
                problems.push(Diagnostic::new(&codes::BAD_OBSERVES, to_span, message));
            } else if map.values().any(|known| known.as_str() == Some(&target.path)) {
                problems.push(Diagnostic::new(&codes::BAD_OBSERVES, to_span, format!("`{}` is given twice", target.path)));
            } else {
                map.insert(source.path.to_string(), Json::String(target.path.to_string()));
            }
        }
    }
}

/// The telemetry slots at and below a name.
fn leaves<'t>(entry: &'t Type, name: &str, span: Span, whose: &str, problems: &mut Diagnostics) -> Option<Vec<&'t SlotSpec>> {
    let layout = &entry.layout;
    let found = telemetry_below(layout, name);
    if !found.is_empty() {
        return Some(found);
    }
    if !entry.may_have(name) {
        let known = || layout.members.iter().filter(|member| member.section == Section::Telemetry).map(|member| &*member.name);
        let diagnostic = Diagnostic::new(&codes::BAD_OBSERVES, span, format!("{whose}, a `{}`, has no telemetry `{name}`", layout.name));
        problems.push(diagnostic.suggest(did_you_mean(name, known())).help(format!("its telemetry: {}", list_some(known()))));
    }
    None
}

/// The telemetry slots of a type at and below a name.
pub fn telemetry_below<'t>(layout: &'t Layout, name: &str) -> Vec<&'t SlotSpec> {
    let is_below = |path: &str| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    layout.slots.iter().filter(|slot| slot.section == Section::Telemetry && is_below(&slot.path)).collect()
}

/// Why the values of one slot cannot be values of the other.
pub fn misfit(source: &SlotSpec, target: &SlotSpec) -> Option<String> {
    let (from, to) = (type_word(&source.value_type), type_word(&target.value_type));
    if from != to && !(from == "int" && to == "double") {
        return Some(format!("one is {from}, the other {to}"));
    }
    if let (ValueType::Enum(from), ValueType::Enum(to)) = (&source.value_type, &target.value_type) {
        let lost = from.iter().find(|value| !to.iter().any(|other| other.name == value.name));
        return lost.map(|value| format!("the value {} is not there", value.name));
    }
    match (&source.unit, &target.unit) {
        (Some(from), Some(to)) if from.conversion_to(to).is_none() => {
            Some(format!("{} does not convert to {}", from.symbol(), to.symbol()))
        }
        (Some(from), None) => Some(format!("one is in {}, the other has no unit", from.symbol())),
        (None, Some(to)) => Some(format!("one has no unit, the other is in {}", to.symbol())),
        (Some(_), Some(_)) | (None, None) => None,
    }
}
