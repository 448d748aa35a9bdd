//! The names of a detector: its variables with what they hold, and its timers. They are known before any expression is read, because states may
//! ask for what is set in others.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::expr::{Checked, Datum, Expect, Kind, Shape};
use crate::reading::{parse_duration, unit::parse_quantity};
use crate::rule::detector::{Scalar, VariableSpec};
use crate::source::{Diagnostic, Diagnostics, Node, ScalarValue, Severity, codes, expect_mapping, is_ignored, wrong_kind};

use super::super::params::{as_expression, constant};
use super::super::rules::Reader;
use super::super::scope::MachineNames;
use super::written::{Written, check_name};

impl Reader<'_, '_, '_> {
    /// Declared ones: typed by their initial values.
    pub(super) fn variables(&mut self) -> (Vec<VariableSpec>, Vec<(SmolStr, Shape)>) {
        let (mut specs, mut shapes) = (Vec::new(), Vec::new());
        let Some(node) = self.fields.get("variables") else { return (specs, shapes) };
        let Some(mapping) = expect_mapping(node, "`variables`", self.problems) else { return (specs, shapes) };
        for entry in mapping.entries.iter().filter(|entry| !is_ignored(&entry.key.text)) {
            let name = &*entry.key.text;
            if check_name("variable", name, entry.key.span, self.problems)
                && let Some((value, shape)) = self.initial_value(&entry.value, name)
            {
                specs.push(VariableSpec { name: name.into(), initial: Some(value), typed: true });
                shapes.push((name.into(), shape));
            }
        }
        (specs, shapes)
    }

    /// A text that reads as a duration is one, and a number with a unit has it.
    fn initial_value(&mut self, node: &Node, name: &str) -> Option<(Scalar, Shape)> {
        let what = format!("variable `{name}`");
        let scalar = node.as_scalar();
        let value = match scalar.map(|scalar| scalar.value) {
            Some(ScalarValue::Bool(value)) => (Scalar::Bool(value), Shape::new(Kind::Bool)),
            Some(ScalarValue::Int(value)) => (Scalar::Int(value), Shape::new(Kind::Int)),
            Some(ScalarValue::Float(value)) if value.is_finite() => (Scalar::Double(value), Shape::new(Kind::Double)),
            Some(ScalarValue::Text) => {
                let text = scalar.map_or("", |scalar| &*scalar.text);
                if let Some(length) = parse_duration(text) {
                    let micros = i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
                    (Scalar::Duration(micros), Shape::new(Kind::Duration))
                } else if parse_quantity(text).is_some() {
                    self.quantity(node, &what)?
                } else {
                    (Scalar::Text(text.into()), Shape::new(Kind::Text))
                }
            }
            Some(ScalarValue::Null | ScalarValue::UInt(_) | ScalarValue::Float(_)) | None => {
                self.problems.push(wrong_kind(node, &what, "a value: it types the variable"));
                return None;
            }
        };
        Some(value)
    }

    fn quantity(&mut self, node: &Node, what: &str) -> Option<(Scalar, Shape)> {
        let node = as_expression(node);
        let checked = self.within(|expressions, scope, problems| expressions.read(&node, what, scope, Expect::Anything, problems))?;
        let value = constant(&checked).as_ref().and_then(Datum::as_number)?;
        Some((Scalar::Double(value), checked.shape().clone()))
    }

    /// All names of the machine: timers by the steps that name them, and variables that are set and not declared, typed by what they are first
    /// set to.
    pub(super) fn machine_names(&mut self, written: &Written<'_>, declared: Vec<(SmolStr, Shape)>) -> MachineNames {
        let mut names = MachineNames { variables: declared, timers: Vec::new(), started: BTreeSet::new() };
        let mut timers = BTreeSet::new();
        let mut waiting: Vec<(&str, &Node)> = Vec::new();
        for mapping in written.steps().filter_map(Node::as_mapping) {
            let text = |key: &str| mapping.get(key).and_then(|entry| entry.value.as_text());
            if let Some(timer) = text("timer") {
                timers.insert(SmolStr::new(timer));
                if mapping.get("set").is_some() {
                    names.started.insert(timer.into());
                }
            }
            if let (Some(variable), Some(value)) = (text("var"), mapping.get("value")) {
                waiting.push((variable, &value.value));
            }
        }
        names.timers = timers.into_iter().collect();
        // Each round types those whose value reads nothing that is not typed yet.
        loop {
            let before = names.variables.len();
            for (name, value) in &waiting {
                if !names.variables.iter().any(|(known, _)| known == name)
                    && let Some(shape) = self.shape_in(&names, value)
                {
                    names.variables.push(((*name).into(), shape));
                }
            }
            if names.variables.len() == before {
                return names;
            }
        }
    }

    /// What a value is, if it can be told; what is wrong with it is reported when the step itself is read.
    fn shape_in(&mut self, names: &MachineNames, value: &Node) -> Option<Shape> {
        let former = self.machine.replace(names.clone());
        let mut unheard = Diagnostics::new();
        let checked = self.within(|expressions, scope, _| expressions.read(value, "a value", scope, Expect::Anything, &mut unheard));
        self.machine = former;
        checked.map(|checked| checked.shape().clone()).filter(is_storable)
    }

    /// What a variable is set to.
    pub(super) fn variable_value(&mut self, node: &Node, name: &str, shape: &Shape) -> Option<Checked> {
        let what = format!("`value` of variable `{name}`");
        let expect = Expect::Value { name, shape };
        self.within(|expressions, scope, problems| expressions.read(node, &what, scope, expect, problems))
    }

    /// A variable without a type: its value cannot be read, or is nothing that a variable holds.
    pub(super) fn report_untyped(&mut self, node: &Node, name: &str) {
        let before = self.problems.count(Severity::Error);
        let what = format!("`value` of variable `{name}`");
        let read = self.within(|expressions, scope, problems| expressions.read(node, &what, scope, Expect::Anything, problems));
        if let Some(checked) = read.filter(|_| self.problems.count(Severity::Error) == before) {
            let message = format!(
                "types do not fit: variable `{name}` holds true or false, a number, text, an instant or a length of time; this is {}",
                checked.shape()
            );
            self.problems.push(Diagnostic::new(&codes::EXPR_TYPES, node.span, message));
        }
    }
}

/// Whether a variable can hold it.
fn is_storable(shape: &Shape) -> bool {
    match shape.kind {
        Kind::Bool | Kind::Int | Kind::Double | Kind::Text | Kind::Timestamp | Kind::Duration | Kind::Enum(_) => true,
        Kind::List(_) | Kind::Map(_) | Kind::Object(_) | Kind::Geo | Kind::Any => false,
    }
}
