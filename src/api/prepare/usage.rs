//! What the validator lets pass: input fields that are given twice, variables inside of lists and input objects at places of another type,
//! and inputs of which exactly one field must be given.

use std::collections::HashSet;

use apollo_compiler::ast::{Argument, InputValueDefinition, Type, Value, VariableDefinition};
use apollo_compiler::executable::{ExecutableDocument, Operation, Selection, SelectionSet};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Name, Node};

use super::lines::Lines;
use super::schema::{Checker, is_one_of};
use crate::api::error::{ApiError, Code};

/// To be called with a document that is valid otherwise.
pub(super) fn check(checker: &Checker, document: &ExecutableDocument, lines: &Lines) -> Vec<ApiError> {
    let mut errors = Vec::new();
    for operation in document.operations.iter() {
        let mut walk = Walk { checker, document, lines, operation, seen: HashSet::new(), errors };
        for variable in &operation.variables {
            if let Some(default) = &variable.default_value {
                walk.value(&variable.ty, false, default);
            }
        }
        walk.set(&operation.selection_set);
        errors = walk.errors;
    }
    // Fragments are walked once for each operation that spreads them.
    let mut shown = HashSet::new();
    errors.retain(|error| shown.insert((error.message.clone(), error.locations.first().map(|place| (place.line, place.column)))));
    errors
}

struct Walk<'a> {
    checker: &'a Checker,
    document: &'a ExecutableDocument,
    lines: &'a Lines,
    operation: &'a Operation,
    /// Fragments.
    seen: HashSet<&'a Name>,
    errors: Vec<ApiError>,
}

impl<'a> Walk<'a> {
    fn set(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            for directive in selection.directives().iter() {
                if let Some(definition) = self.checker.schema.directive_definitions.get(&directive.name) {
                    self.arguments(&definition.arguments, &directive.arguments);
                }
            }
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.definition.arguments, &field.arguments);
                    self.set(&field.selection_set);
                }
                Selection::InlineFragment(inline) => self.set(&inline.selection_set),
                Selection::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.fragment_name);
                    if let Some(fragment) = fragment.filter(|fragment| self.seen.insert(&fragment.name)) {
                        self.set(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn arguments(&mut self, definitions: &[Node<InputValueDefinition>], arguments: &[Node<Argument>]) {
        for argument in arguments {
            if let Some(definition) = definitions.iter().find(|definition| definition.name == argument.name) {
                self.value(&definition.ty, definition.default_value.is_some(), &argument.value);
            }
        }
    }

    fn value(&mut self, ty: &Type, has_default: bool, value: &Node<Value>) {
        match &**value {
            Value::Variable(name) => self.variable(ty, has_default, name, value),
            Value::List(items) if ty.is_list() => items.iter().for_each(|item| self.value(ty.item_type(), false, item)),
            Value::List(_) => self.free_value(value),
            Value::Object(fields) => self.object(ty.inner_named_type(), fields, value),
            Value::Null | Value::Enum(_) | Value::String(_) | Value::Float(_) | Value::Int(_) | Value::Boolean(_) => (),
        }
    }

    fn object(&mut self, type_name: &Name, fields: &[(Name, Node<Value>)], object: &Node<Value>) {
        let mut names = HashSet::new();
        for (name, value) in fields {
            if !names.insert(name) {
                self.push(format!("input field `{name}` is given twice"), value);
            }
        }
        let Some(ExtendedType::InputObject(input)) = self.checker.type_of(type_name) else {
            // A scalar of ours takes any value; it has no types inside.
            return fields.iter().for_each(|(_, value)| self.free_value(value));
        };
        for (name, value) in fields {
            if let Some(definition) = input.fields.get(name) {
                self.value(&definition.ty, definition.default_value.is_some(), value);
            }
        }
        if is_one_of(input) {
            self.one_of(type_name, fields, object);
        }
    }

    fn one_of(&mut self, type_name: &Name, fields: &[(Name, Node<Value>)], object: &Node<Value>) {
        let is_null = |value: &Value| value.is_null() || value.as_variable().is_some_and(|name| !self.is_never_null(name));
        if fields.len() != 1 || fields.iter().any(|(_, value)| is_null(value)) {
            self.push(format!("exactly one field of `{type_name}` must be given, and it must not be null"), object);
        }
    }

    fn free_value(&mut self, value: &Node<Value>) {
        if let Some(name) = value.as_variable().filter(|name| self.definition(name).is_none()) {
            self.push(format!("variable `${name}` is not defined"), value);
        }
        value.as_list().into_iter().flatten().for_each(|item| self.free_value(item));
        let mut names = HashSet::new();
        for (name, value) in value.as_object().into_iter().flatten() {
            if !names.insert(name) {
                self.push(format!("field `{name}` is given twice"), value);
            }
            self.free_value(value);
        }
    }

    /// _IsVariableUsageAllowed_ of the specification.
    fn variable(&mut self, ty: &Type, has_default: bool, name: &Name, value: &Node<Value>) {
        let Some(definition) = self.definition(name) else {
            return self.push(format!("variable `${name}` is not defined"), value);
        };
        let has_value = definition.default_value.as_ref().is_some_and(|default| !default.is_null());
        let may_be_left_out = !definition.ty.is_non_null() && (has_value || has_default);
        let wanted = if may_be_left_out { ty.clone().nullable() } else { ty.clone() };
        if !definition.ty.is_assignable_to(&wanted) {
            self.push(format!("variable `${name}` of type `{}` is used where `{ty}` is expected", definition.ty), value);
        }
    }

    fn definition(&self, name: &Name) -> Option<&'a Node<VariableDefinition>> {
        self.operation.variables.iter().find(|variable| variable.name == *name)
    }

    fn is_never_null(&self, name: &Name) -> bool {
        self.definition(name).is_some_and(|definition| definition.ty.is_non_null())
    }

    fn push(&mut self, message: String, value: &Node<Value>) {
        let mut error = ApiError::new(Code::ValidationFailed, message);
        error.locations.extend(value.location().map(|place| self.lines.locate(place.offset())));
        self.errors.push(error);
    }
}
