//! Parameters of rules: constants with units, or expressions over the properties of the twin.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::catalog::logic::Param;
use crate::expr::{Checked, Datum, Environment, Expect, Known, Operand, Shape, Unknown, Why};
use crate::reading::unit::parse_quantity;
use crate::reading::{Quality, Timestamp};
use crate::source::keys::PARAM;
use crate::source::{Diagnostics, Entry, Fields, Node, NodeKind, Scalar, ScalarValue, expect_mapping};

use super::Expressions;
use super::rules::Ground;
use super::scope::{Blanks, TypeScope};

/// The parameters that a rule declares.
pub(super) fn declared(fields: &Fields<'_>, no: u16, ground: &mut Ground<'_>, problems: &mut Diagnostics) -> Vec<Param> {
    let Some(mapping) = fields.get("params").and_then(|node| expect_mapping(node, "`params`", problems)) else { return Vec::new() };
    mapping.entries.iter().filter_map(|entry| Given { entry, no, shape: None }.read(ground, problems)).collect()
}

/// A parameter as a file gives it: where it is declared, or where a subtype gives another value.
pub(super) struct Given<'n> {
    pub entry: &'n Entry,
    pub no: u16,
    /// What it must be, where it is declared already.
    pub shape: Option<Shape>,
}

impl Given<'_> {
    pub(super) fn read(&self, ground: &mut Ground<'_>, problems: &mut Diagnostics) -> Option<Param> {
        let name = &*self.entry.key.text;
        let what = format!("parameter `{name}`");
        let fields = match &self.entry.value.kind {
            NodeKind::Mapping(_) => Some(Fields::read(&PARAM, &self.entry.value, &*what, problems)?),
            NodeKind::Scalar(_) | NodeKind::Sequence(_) => None,
        };
        let node = match &fields {
            Some(fields) => fields.require("default", problems)?,
            None => &self.entry.value,
        };
        let mut scope = TypeScope { properties_only: true, ..TypeScope::of(ground.type_name, ground.slots, ground.blanks) };
        let expect = self.shape.as_ref().map_or(Expect::Anything, |shape| Expect::Value { name, shape });
        let mut found = Diagnostics::new();
        let value = ground.expressions.read(&as_expression(node), &what, &mut scope, expect, &mut found);
        if !scope.met_blank {
            problems.extend(found);
        }
        let value = value?;
        let constant = constant(&value);
        Some(Param { rule: self.no, name: name.into(), value, constant, given_by: Arc::clone(ground.type_name) })
    }
}

/// A constant that fits a parameter, in its unit.
pub(in crate::catalog::load) fn given_constant(
    entry: &Entry,
    shape: &Shape,
    expressions: &mut Expressions,
    problems: &mut Diagnostics,
) -> Option<Json> {
    let name = &*entry.key.text;
    let none = std::collections::HashSet::new();
    let mut scope = TypeScope::of("", &[], Blanks { members: &none, any: false });
    let expect = Expect::Value { name, shape };
    let value = expressions.read(&as_expression(&entry.value), &format!("parameter `{name}`"), &mut scope, expect, problems)?;
    Some(constant(&value)?.to_json())
}

/// Quantities are written as everywhere in the files: `85 degC`. Expressions write them `quantity(85, 'degC')`.
pub(super) fn as_expression(node: &Node) -> Node {
    let Some(text) = node.as_scalar().map(|scalar| &*scalar.text) else { return node.clone() };
    let Some((number, unit)) = parse_quantity(text) else { return node.clone() };
    let text = format!("quantity({number:?}, '{}')", unit.replace('\'', ""));
    Node { kind: NodeKind::Scalar(Scalar { text: text.into(), value: ScalarValue::Text }), ..node.clone() }
}

/// The value of what reads nothing.
pub(super) fn constant(value: &Checked) -> Option<Datum> {
    if value.dependencies.is_empty() { value.tree.evaluate(&Nothing).ok() } else { None }
}

/// There is nothing to read.
struct Nothing;

impl Environment for Nothing {
    fn read(&self, operand: Operand) -> Known<Datum> {
        Err(Unknown::of(operand, Why::Missing))
    }

    fn previous(&self, operand: Operand) -> Known<Datum> {
        self.read(operand)
    }

    fn is_changed(&self, _operand: Operand) -> bool {
        false
    }

    fn time_of(&self, _operand: Operand) -> Option<Timestamp> {
        None
    }

    fn quality(&self, _operand: Operand) -> Quality {
        Quality::Missing
    }

    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}
