//! The values of an enum: names, and what the wire says for them.

use std::sync::Arc;

use crate::catalog::layout::{EnumValue, EnumWire};
use crate::source::{Diagnostic, Diagnostics, Node, NodeKind, ScalarValue, Span, codes, wrong_kind};

use super::names;

const ENUM_VALUES_MAX: usize = 4096;

pub(super) fn enum_values(node: &Node, what: &str, problems: &mut Diagnostics) -> Option<Arc<[EnumValue]>> {
    let mut values: Vec<EnumValue> = Vec::new();
    let before = problems.len();
    let mut add = |name: &str, name_span: Span, wire: EnumWire, wire_span: Span, problems: &mut Diagnostics| {
        if !names::check_plain(name, name_span, problems) {
            return;
        }
        if values.iter().any(|value| *value.name == *name) {
            problems.push(Diagnostic::new(&codes::BAD_ENUM, name_span, format!("the value `{name}` of {what} stands twice")));
        } else if let Some(other) = values.iter().find(|value| value.wire == wire) {
            let message = format!("`{}` and `{name}` of {what} are the same on the wire", other.name);
            problems.push(Diagnostic::new(&codes::BAD_ENUM, wire_span, message));
        } else {
            values.push(EnumValue { name: name.into(), wire });
        }
    };
    match &node.kind {
        NodeKind::Sequence(items) => {
            for item in items {
                match item.as_scalar().filter(|scalar| scalar.value == ScalarValue::Text) {
                    Some(scalar) => add(&scalar.text, item.span, EnumWire::Text(scalar.text.clone()), item.span, problems),
                    None => {
                        let diagnostic = Diagnostic::new(
                            &codes::BAD_ENUM,
                            item.span,
                            format!("a value of {what} must be a name, not {}", item.describe()),
                        );
                        problems.push(diagnostic.help("where the wire says numbers, write `values: {IDLE: 0, RUN: 1}`"));
                    }
                }
            }
        }
        NodeKind::Mapping(mapping) => {
            for entry in &mapping.entries {
                let wire = match entry.value.as_scalar().map(|scalar| (scalar.value, &scalar.text)) {
                    Some((ScalarValue::Int(number), _)) => EnumWire::Int(number),
                    Some((ScalarValue::Text, text)) => EnumWire::Text(text.clone()),
                    _ => {
                        let message = format!(
                            "what the wire says for `{}` must be text or a whole number, not {}",
                            entry.key.text,
                            entry.value.describe()
                        );
                        problems.push(Diagnostic::new(&codes::BAD_ENUM, entry.value.span, message));
                        continue;
                    }
                };
                add(&entry.key.text, entry.key.span, wire, entry.value.span, problems);
            }
        }
        NodeKind::Scalar(_) => {
            problems.push(wrong_kind(node, &format!("`values` of {what}"), "a list of names, or names with what the wire says"))
        }
    }
    if problems.len() == before && values.is_empty() {
        problems.push(Diagnostic::new(&codes::BAD_ENUM, node.span, format!("{what} has no values")));
    }
    if values.len() > ENUM_VALUES_MAX {
        problems.push(Diagnostic::new(&codes::LIMIT, node.span, format!("{what} has more than {ENUM_VALUES_MAX} values")));
    }
    (problems.len() == before).then(|| values.into())
}
