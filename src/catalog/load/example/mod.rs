//! `tests:` of a type, read against its members and rules.

mod deed;
mod expect;

use std::sync::Arc;

use crate::catalog::Layout;
use crate::catalog::example::{Example, Given, Step};
use crate::catalog::layout::{Section, SlotSpec};
use crate::reading::{Quality, Raw, Reason, SlotNo, Value};
use crate::source::keys::{TEST, TEST_STEP};
use crate::source::{Diagnostic, Diagnostics, Entry, Fields, Node, codes, expect_list, expect_mapping, expect_text};

use super::layouts::{Type, Types};
use super::literal;
use super::types::{Declared, TypeDecl};

/// Examples of one type, steps of one example.
const EXAMPLES_MAX: usize = 1024;
const STEPS_MAX: usize = 10_000;

/// Of all types that could be read in full: what follows from members and rules that are broken is not reported as well.
pub(super) fn collect(declared: &Declared<'_>, types: &Types, problems: &mut Diagnostics) -> Vec<Example> {
    let mut examples = Vec::new();
    for name in &declared.order {
        let decl = &declared.types[name];
        let Some(node) = decl.fields.get("tests") else { continue };
        let what = format!("`tests` of {}", decl.fields.what);
        let (Some(nodes), Some(entry)) = (expect_list(node, &what, problems), types.get(name)) else { continue };
        if nodes.len() > EXAMPLES_MAX {
            let message = format!("{what} has {} entries; the most are {EXAMPLES_MAX}", nodes.len());
            problems.push(Diagnostic::new(&codes::LIMIT, node.span, message));
        } else if is_whole(decl, entry) {
            let layout = &entry.layout;
            examples.extend(nodes.iter().filter_map(|node| Reader { layout, problems: &mut *problems }.example(node)));
        }
    }
    examples
}

fn is_whole(decl: &TypeDecl<'_>, entry: &Type) -> bool {
    let rules = decl.fields.get("rules").and_then(Node::as_sequence).unwrap_or_default();
    let id_of = |node: &Node| node.as_mapping()?.get("id")?.value.as_text().map(str::to_owned);
    entry.is_whole() && rules.iter().all(|node| id_of(node).is_some_and(|id| entry.layout.rule(&id).is_some()))
}

struct Reader<'a> {
    layout: &'a Arc<Layout>,
    problems: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn example(&mut self, node: &Node) -> Option<Example> {
        let fields = Fields::read(&TEST, node, format!("a test of `{}`", self.layout.name), self.problems)?;
        let name = fields.require("name", self.problems).and_then(|node| expect_text(node, "the name of a test", self.problems))?;
        let span = fields.get("name").map_or(fields.span, |node| node.span);
        let steps = fields.require("steps", self.problems)?;
        let steps = expect_list(steps, "`steps`", self.problems)?;
        if steps.len() > STEPS_MAX {
            let message = format!("test `{name}` has {} steps; the most are {STEPS_MAX}", steps.len());
            self.problems.push(Diagnostic::new(&codes::LIMIT, span, message));
            return None;
        }
        let mut given = Vec::new();
        if let Some(mapping) = fields.get("given").and_then(|node| expect_mapping(node, "`given`", self.problems)) {
            for entry in &mapping.entries {
                let values = self.values(entry, &[Section::Property], "`given`");
                given.extend(values.into_iter().map(|given| (given.slot, given.value)));
            }
        }
        let mut read: Vec<Step> = Vec::with_capacity(steps.len());
        for node in steps {
            let Some(step) = self.step(node) else { continue };
            if read.last().is_some_and(|last| last.at > step.at) {
                let message = format!("the steps of test `{name}` go back in time here");
                self.problems.push(Diagnostic::new(&codes::TEST_STEP, node.span, message).help("order them by `at`"));
            }
            read.push(step);
        }
        Some(Example { layout: self.layout.clone(), name: name.into(), span, given, steps: read })
    }

    fn step(&mut self, node: &Node) -> Option<Step> {
        let names = self.names();
        let more: Vec<&str> = names.iter().map(String::as_str).collect();
        let fields = Fields::read_with(&TEST_STEP, node, "a step of a test", &more, self.problems)?;
        fields.require("at", self.problems)?;
        let at = fields.duration("at", self.problems)?;
        let mut values = Vec::new();
        let within = fields.get("values").and_then(|node| expect_mapping(node, "`values`", self.problems));
        let written = within.map(|mapping| mapping.entries.iter()).into_iter().flatten();
        // Names that there are none of have been reported with the keys.
        let others = fields.others().filter(|entry| more.contains(&&*entry.key.text));
        for entry in others.chain(written) {
            values.extend(self.values(entry, &[Section::Telemetry, Section::Property], "the step"));
        }
        let deeds = self.deeds(&fields);
        let expect = fields.get("expect").map(|node| self.expect(node)).unwrap_or_default();
        Some(Step { at, values, deeds, expect })
    }

    /// Members, and the leaves of those that have some.
    fn names(&self) -> Vec<String> {
        let members = self.layout.members.iter().map(|member| member.name.to_string());
        let slots = self.layout.slots.iter().map(|slot| slot.path.to_string());
        let mut names: Vec<String> = members.chain(slots).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn values(&mut self, entry: &Entry, sections: &[Section], what: &str) -> Vec<Given> {
        let name = &*entry.key.text;
        let layout = self.layout;
        let member = layout.members.iter().find(|member| *member.name == *name || name.starts_with(&format!("{}.", member.name)));
        let Some(member) = member.filter(|member| sections.contains(&member.section)) else {
            let known = layout.members.iter().filter(|member| sections.contains(&member.section)).map(|member| &*member.name);
            let words = if sections.len() > 1 { "telemetry and properties" } else { "properties" };
            let message = format!("{what} gives values to {words} of {}, and `{name}` is none", layout.name);
            let diagnostic = Diagnostic::new(&codes::UNKNOWN_PROPERTY, entry.key.span, message);
            self.problems.push(diagnostic.suggest(crate::source::did_you_mean(name, known)));
            return Vec::new();
        };
        if let Some(slot) = layout.slot_by_path(name) {
            let spec = layout.slot(slot);
            return self.leaf(spec, &entry.value, name).map(|value| given(spec, slot, value)).into_iter().collect();
        }
        let range = usize::from(member.slots.start)..usize::from(member.slots.end);
        let slots: Vec<&SlotSpec> = layout.slots[range].iter().collect();
        let values = literal::member_values(member, &slots, &entry.value, &format!("`{name}`"), &codes::BAD_VALUE, self.problems);
        let slot = |index: usize| SlotNo(member.slots.start + u16::try_from(index).unwrap_or(u16::MAX));
        values.into_iter().map(|(index, value)| given(slots[index], slot(index), value)).collect()
    }

    fn leaf(&mut self, spec: &SlotSpec, node: &Node, what: &str) -> Option<Value> {
        let is_decimal = matches!(spec.value_type, crate::catalog::ValueType::Decimal);
        match literal::with_raw(node, is_decimal, |raw| spec.accept_literal(raw)) {
            Ok(accepted) => Some(accepted.value),
            Err(refusal) => {
                self.problems.push(Diagnostic::new(&codes::BAD_VALUE, node.span, format!("`{what}` does not fit: {refusal}")));
                None
            }
        }
    }
}

/// A value that breaks a constraint is read as one that came from outside would be.
fn given(spec: &SlotSpec, slot: SlotNo, value: Value) -> Given {
    let raw = match &value {
        Value::Double(number) => Some(Raw::Float(*number)),
        Value::Int(number) => Some(Raw::Int(*number)),
        Value::Bool(_)
        | Value::Decimal(_)
        | Value::Text(_)
        | Value::Timestamp(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::Duration(_)
        | Value::Enum(_)
        | Value::Bytes(_)
        | Value::Json(_) => None,
    };
    match raw.and_then(|raw| spec.accept(raw, None).ok()) {
        Some(accepted) => Given { slot, value, quality: accepted.quality, reason: accepted.reason },
        None => Given { slot, value, quality: Quality::Good, reason: Reason::None },
    }
}
