//! The properties that a twin's file gives it.

use std::collections::HashMap;

use crate::catalog::layout::{Member, Section, SlotSpec};
use crate::reading::{SlotNo, TwinId, Value};
use crate::source::{Diagnostic, Diagnostics, Span, codes, did_you_mean, expect_mapping, is_ignored, list_some};

use super::layouts::Type;
use super::literal;
use super::twin::Draft;

/// Values of unique properties that have been seen: the declaring type, the path and the value.
#[derive(Debug, Default)]
pub(super) struct Uniques(HashMap<(String, String), (TwinId, Span)>);

pub(super) fn read(draft: &Draft<'_, '_>, entry: &Type, uniques: &mut Uniques, problems: &mut Diagnostics) -> Vec<(SlotNo, Value)> {
    let mut values: Vec<(SlotNo, Value)> = Vec::new();
    let mut given: Vec<&str> = Vec::new();
    let node = draft.fields.get("properties").filter(|node| !node.is_null());
    let mapping = node.and_then(|node| expect_mapping(node, &format!("`properties` of {}", draft.fields.what), problems));
    for property in mapping.iter().flat_map(|mapping| &mapping.entries).filter(|property| !is_ignored(&property.key.text)) {
        let Some(member) = entry.layout.member(&property.key.text).filter(|member| member.section == Section::Property) else {
            unknown(&property.key.text, property.key.span, entry, problems);
            continue;
        };
        given.push(&member.name);
        let slots = slots_of(entry, member);
        let what = format!("`{}` of `{}`", member.name, draft.id);
        for (index, value) in literal::member_values(member, &slots, &property.value, &what, &codes::BAD_VALUE, problems) {
            if slots[index].property.as_ref().is_some_and(|rules| rules.unique) {
                uniques.claim(member, slots[index], &value, draft, property.value.span, problems);
            }
            let slot = member.slots.start + u16::try_from(index).unwrap_or(u16::MAX);
            values.push((SlotNo(slot), value));
        }
    }
    for member in entry.layout.members.iter().filter(|member| !given.contains(&&*member.name)) {
        let missing = |slot: &&SlotSpec| slot.property.as_ref().is_some_and(|rules| rules.required && rules.default.is_none());
        if slots_of(entry, member).iter().any(missing) {
            let diagnostic =
                Diagnostic::new(&codes::MISSING_PROPERTY, draft.id_span, format!("`{}` needs the property `{}`", draft.id, member.name));
            let place = entry.places.get(&*member.name);
            problems.push(match place {
                Some(place) => diagnostic.related(*place, format!("`{}` requires it", member.declared_by)),
                None => diagnostic,
            });
        }
    }
    values
}

fn slots_of<'t>(entry: &'t Type, member: &Member) -> Vec<&'t SlotSpec> {
    entry.layout.slots[usize::from(member.slots.start)..usize::from(member.slots.end)].iter().collect()
}

fn unknown(name: &str, span: Span, entry: &Type, problems: &mut Diagnostics) {
    let layout = &entry.layout;
    if layout.member(name).is_some() {
        let message = format!("`{name}` is telemetry of `{}`: it comes from devices and has no place in a file", layout.name);
        problems.push(Diagnostic::new(&codes::UNKNOWN_PROPERTY, span, message));
        return;
    }
    if entry.may_have(name) {
        return;
    }
    let known = || layout.members.iter().filter(|member| member.section == Section::Property).map(|member| &*member.name);
    let diagnostic = Diagnostic::new(&codes::UNKNOWN_PROPERTY, span, format!("`{}` has no property `{name}`", layout.name));
    problems.push(diagnostic.suggest(did_you_mean(name, known())).help(format!("its properties: {}", list_some(known()))));
}

impl Uniques {
    fn claim(&mut self, member: &Member, slot: &SlotSpec, value: &Value, draft: &Draft<'_, '_>, span: Span, problems: &mut Diagnostics) {
        let key = (format!("{}.{}", member.declared_by, slot.path), format!("{value:?}"));
        if let Some((other, first)) = self.0.get(&key) {
            let message = format!("`{}` is unique, and `{other}` has the same value", slot.path);
            problems.push(Diagnostic::new(&codes::NOT_UNIQUE, span, message).related(*first, "the other one"));
        } else {
            self.0.insert(key, (draft.id.clone(), span));
        }
    }
}
