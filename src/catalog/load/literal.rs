//! Values written in files: a property's value to the values of its slots, checked by the same rules as values from the wire.

use crate::catalog::layout::{Field, Member, SlotSpec, ValueType};
use crate::reading::{Raw, Value};
use crate::source::{Code, Diagnostic, Diagnostics, Node, NodeKind, ScalarValue, codes, did_you_mean, is_ignored, list_some, wrong_kind};

use super::member::fixed_items;

/// `slots` are those of the member, in order; the answer names them by their place in it.
pub(super) fn member_values(
    member: &Member,
    slots: &[&SlotSpec],
    node: &Node,
    what: &str,
    code: &'static Code,
    problems: &mut Diagnostics,
) -> Vec<(usize, Value)> {
    let mut placing = Placing { slots, code, problems, values: Vec::new() };
    placing.place(&member.name, &member.value_type, node, what);
    placing.values
}

struct Placing<'a, 'p> {
    slots: &'a [&'a SlotSpec],
    code: &'static Code,
    problems: &'p mut Diagnostics,
    values: Vec<(usize, Value)>,
}

impl Placing<'_, '_> {
    fn place(&mut self, path: &str, value_type: &ValueType, node: &Node, what: &str) {
        if let ValueType::Object(fields) = value_type {
            return self.object(path, fields, node, what);
        }
        let (Some(items), ValueType::Array(array)) = (fixed_items(value_type), value_type) else {
            return self.leaf(path, node, what);
        };
        let Some(given) = node.as_sequence() else {
            self.problems.push(wrong_kind(node, what, &format!("a list of {items} numbers")));
            return;
        };
        if given.len() != items {
            let message = format!("{what} needs {items} items and has {}", given.len());
            self.problems.push(Diagnostic::new(self.code, node.span, message));
            return;
        }
        for (index, item) in given.iter().enumerate() {
            self.place(&format!("{path}.{index}"), &array.items.value_type, item, &format!("item {index} of {what}"));
        }
    }

    fn object(&mut self, path: &str, fields: &[Field], node: &Node, what: &str) {
        let NodeKind::Mapping(mapping) = &node.kind else {
            self.problems.push(wrong_kind(node, what, "a mapping of its fields"));
            return;
        };
        for entry in mapping.entries.iter().filter(|entry| !is_ignored(&entry.key.text)) {
            let key = &*entry.key.text;
            let Some(field) = fields.iter().find(|field| *field.name == *key) else {
                let known = || fields.iter().map(|field| &*field.name);
                let diagnostic = Diagnostic::new(&codes::UNKNOWN_PROPERTY, entry.key.span, format!("{what} has no field `{key}`"));
                self.problems.push(diagnostic.suggest(did_you_mean(key, known())).help(format!("its fields: {}", list_some(known()))));
                continue;
            };
            self.place(&format!("{path}.{key}"), &field.value.value_type, &entry.value, &format!("`{key}` of {what}"));
        }
        for field in fields.iter().filter(|field| field.required && mapping.get(&field.name).is_none()) {
            self.problems.push(Diagnostic::new(&codes::MISSING_PROPERTY, node.span, format!("{what} needs `{}`", field.name)));
        }
    }

    fn leaf(&mut self, path: &str, node: &Node, what: &str) {
        let Some((index, slot)) = self.slots.iter().enumerate().find(|(_, slot)| *slot.path == *path) else { return };
        let accepted = with_raw(node, matches!(slot.value_type, ValueType::Decimal), |raw| slot.accept_literal(raw));
        match accepted {
            Ok(accepted) => self.values.push((index, accepted.value)),
            Err(refusal) => self.problems.push(Diagnostic::new(self.code, node.span, format!("{what} does not fit: {refusal}"))),
        }
    }
}

/// Decimals are exact: what is written as a number is taken by its letters.
pub(super) fn with_raw<T>(node: &Node, is_decimal: bool, take: impl FnOnce(Raw<'_>) -> T) -> T {
    match &node.kind {
        NodeKind::Scalar(scalar) => match scalar.value {
            ScalarValue::Int(_) | ScalarValue::UInt(_) | ScalarValue::Float(_) if is_decimal => take(Raw::Text(&scalar.text)),
            ScalarValue::Null
            | ScalarValue::Bool(_)
            | ScalarValue::Int(_)
            | ScalarValue::UInt(_)
            | ScalarValue::Float(_)
            | ScalarValue::Text => take(scalar.raw()),
        },
        NodeKind::Sequence(_) | NodeKind::Mapping(_) => take(Raw::Structure(&node.to_json())),
    }
}
