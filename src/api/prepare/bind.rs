//! From a checked operation and its variables to what the engine runs: fields with constant arguments, and nothing else that would have to
//! be decided while it runs.
//!
//! The engine runs a response key that is selected twice two times, ignores fragments at the root of subscriptions, and mistakes an omitted
//! variable for null. So this is done here: `@skip` and `@include` are decided, fragments are inlined where the type of their object is
//! known, fields of the same key are merged, and arguments are coerced with their defaults. What remains of fragments are the conditions of
//! interfaces and unions. The work is bounded by the expanded selections, which were counted before.

use std::collections::HashMap;

use apollo_compiler::Node;
use apollo_compiler::executable::{Directive, DirectiveList, Field, Name as TypeName, Operation, OperationType, Selection, SelectionSet};
use async_graphql::parser::types;
use async_graphql::{Name, Pos, Positioned, Value as EngineValue};
use serde_json::{Map, Value as Json};

use super::coerce::Coercion;
use super::cost::{self, Cost};
use super::document::{Document, shorten};
use super::schema::Checker;
use crate::api::error::{ApiError, Code, Location};

/// A field at the root of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootField {
    /// The key of the answer.
    pub key: String,
    pub name: String,
    pub location: Location,
}

pub(super) struct Bound {
    pub(super) root: Vec<RootField>,
    pub(super) engine: types::ExecutableDocument,
    pub(super) cost: Cost,
}

pub(super) fn bind(
    checker: &Checker,
    document: &Document,
    operation: &Node<Operation>,
    variables: &Map<String, Json>,
) -> Result<Bound, Vec<ApiError>> {
    let mut binder = Binder { checker, document, coercion: Coercion::new(checker, variables), fields: 0, errors: Vec::new() };
    let set = &operation.selection_set;
    let (items, mut cost) = binder.set(&set.ty, &[set], false);
    if !binder.errors.is_empty() {
        return Err(shorten(binder.errors.len(), binder.errors));
    }
    let fields = binder.fields;
    if operation.is_subscription() {
        cost = cost::at_rate(cost, items.iter().find_map(rate_hz));
    }
    let root = items.iter().filter_map(root_field).collect();
    let pos = binder.pos(operation);
    let definition = types::OperationDefinition {
        ty: match operation.operation_type {
            OperationType::Query => types::OperationType::Query,
            OperationType::Mutation => types::OperationType::Mutation,
            OperationType::Subscription => types::OperationType::Subscription,
        },
        variable_definitions: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::new(types::SelectionSet { items }, pos),
    };
    let operations = types::DocumentOperations::Single(Positioned::new(definition, pos));
    let engine = types::ExecutableDocument { operations, fragments: HashMap::new() };
    Ok(Bound { root, engine, cost: Cost { cost, limit: 0, depth: document.depth(operation), fields } })
}

fn root_field(item: &Positioned<types::Selection>) -> Option<RootField> {
    let types::Selection::Field(field) = &item.node else { return None };
    let location = Location { line: item.pos.line, column: item.pos.column };
    Some(RootField { key: field.node.response_key().node.to_string(), name: field.node.name.node.to_string(), location })
}

fn rate_hz(item: &Positioned<types::Selection>) -> Option<f64> {
    let types::Selection::Field(field) = &item.node else { return None };
    field.node.get_argument("maxRateHz")?.node.clone().into_const()?.into_json().ok()?.as_f64()
}

struct Binder<'a> {
    checker: &'a Checker,
    document: &'a Document,
    coercion: Coercion<'a>,
    fields: u64,
    errors: Vec<ApiError>,
}

/// What is merged into one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key<'a> {
    /// The fields of a response key.
    Field(&'a TypeName),
    /// The fragments on a type.
    On(&'a TypeName),
}

enum Part<'a> {
    Field(&'a Node<Field>),
    Fragment(&'a SelectionSet, Pos),
}

impl<'a> Binder<'a> {
    /// The selections of an object that is a `parent`, and what they cost.
    fn set(&mut self, parent: &TypeName, sets: &[&'a SelectionSet], is_in_page: bool) -> (Vec<Positioned<types::Selection>>, u64) {
        let mut groups = Groups::new();
        for set in sets {
            self.collect(parent, set, &mut groups);
        }
        let mut items = Vec::new();
        let mut cost = 0u64;
        for (key, parts) in groups.entries {
            let (item, its_cost) = match key {
                Key::Field(_) => {
                    let same: Vec<&'a Node<Field>> = parts.iter().filter_map(Part::field).collect();
                    let Some((first, rest)) = same.split_first() else { continue };
                    self.field(parent, first, rest, is_in_page)
                }
                Key::On(condition) => {
                    let same: Vec<(&'a SelectionSet, Pos)> = parts.iter().filter_map(Part::fragment).collect();
                    let Some((_, pos)) = same.first().copied() else { continue };
                    let sets: Vec<&'a SelectionSet> = same.into_iter().map(|(set, _)| set).collect();
                    let (items, cost) = self.set(condition, &sets, is_in_page);
                    if items.is_empty() {
                        continue;
                    }
                    let type_condition = types::TypeCondition { on: Positioned::new(Name::new(condition), pos) };
                    let fragment = types::InlineFragment {
                        type_condition: Some(Positioned::new(type_condition, pos)),
                        directives: Vec::new(),
                        selection_set: Positioned::new(types::SelectionSet { items }, pos),
                    };
                    (Positioned::new(types::Selection::InlineFragment(Positioned::new(fragment, pos)), pos), cost)
                }
            };
            items.push(item);
            cost = cost.saturating_add(its_cost);
        }
        (items, cost)
    }

    fn collect(&mut self, parent: &TypeName, set: &'a SelectionSet, groups: &mut Groups<'a>) {
        for selection in &set.selections {
            if self.is_skipped(selection.directives()) {
                continue;
            }
            match selection {
                Selection::Field(field) => groups.push(Key::Field(field.response_key()), Part::Field(field)),
                Selection::InlineFragment(inline) => {
                    self.collect_fragment(parent, &inline.selection_set, self.pos(inline), groups);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.document.fragments.get(&spread.fragment_name) {
                        self.collect_fragment(parent, &fragment.selection_set, self.pos(spread), groups);
                    }
                }
            }
        }
    }

    /// An inline fragment without a condition has the type that it stands in.
    fn collect_fragment(&mut self, parent: &TypeName, set: &'a SelectionSet, pos: Pos, groups: &mut Groups<'a>) {
        if self.checker.is_always(parent, &set.ty) {
            self.collect(parent, set, groups);
        } else if !self.checker.is_object(parent) {
            groups.push(Key::On(&set.ty), Part::Fragment(set, pos));
        }
        // An object of another type has nothing of it.
    }

    fn is_skipped(&mut self, directives: &'a DirectiveList) -> bool {
        let skip = directives.get("skip").map(|directive| self.condition(directive));
        let include = directives.get("include").map(|directive| self.condition(directive));
        skip == Some(true) || include == Some(false)
    }

    fn condition(&mut self, directive: &'a Node<Directive>) -> bool {
        let Some(definition) = self.checker.schema.directive_definitions.get(&directive.name) else { return false };
        let arguments = self.coercion.arguments(&definition.arguments, &directive.arguments);
        self.take_problems(directive);
        arguments.get("if").and_then(Json::as_bool).unwrap_or_default()
    }

    fn field(
        &mut self,
        parent: &TypeName,
        field: &'a Node<Field>,
        same: &[&'a Node<Field>],
        is_in_page: bool,
    ) -> (Positioned<types::Selection>, u64) {
        self.fields += 1;
        let arguments = self.arguments(field);
        for other in same.iter().filter(|other| !other.arguments.is_empty()) {
            // The validator takes lists that begin alike for the same.
            if self.arguments(other) != arguments {
                let message = format!("`{}` is selected with different arguments", field.response_key());
                self.errors.push(self.place(ApiError::new(Code::ValidationFailed, message), other));
            }
        }
        let multiplier = cost::multiplier(&field.definition, &arguments, is_in_page);
        let sets: Vec<&'a SelectionSet> = std::iter::once(&field).chain(same).map(|field| &field.selection_set).collect();
        let (items, below) = self.set(&field.selection_set.ty, &sets, multiplier.is_page);
        let cost = cost::field(self.checker, parent, &field.definition, &arguments, multiplier, below);
        let pos = self.pos(field);
        let engine_arguments = arguments.into_iter().filter_map(|(name, value)| {
            let value = EngineValue::from_json(value).ok()?.into_value();
            Some((Positioned::new(Name::new(name), pos), Positioned::new(value, pos)))
        });
        let engine_field = types::Field {
            alias: field.alias.as_ref().map(|alias| Positioned::new(Name::new(alias), pos)),
            name: Positioned::new(Name::new(&field.name), pos),
            arguments: engine_arguments.collect(),
            directives: Vec::new(),
            selection_set: Positioned::new(types::SelectionSet { items }, pos),
        };
        (Positioned::new(types::Selection::Field(Positioned::new(engine_field, pos)), pos), cost)
    }

    fn arguments(&mut self, field: &'a Node<Field>) -> Map<String, Json> {
        if field.definition.arguments.is_empty() {
            return Map::new();
        }
        let arguments = self.coercion.arguments(&field.definition.arguments, &field.arguments);
        self.take_problems(field);
        arguments
    }

    fn take_problems<T>(&mut self, node: &Node<T>) {
        for problem in std::mem::take(&mut self.coercion.problems) {
            let error = ApiError { hint: problem.hint, ..ApiError::bad_input(problem.message) };
            self.errors.push(self.place(error, node));
        }
    }

    fn place<T>(&self, error: ApiError, node: &Node<T>) -> ApiError {
        let pos = self.pos(node);
        error.at(pos.line, pos.column)
    }

    fn pos<T>(&self, node: &Node<T>) -> Pos {
        let location = self.document.lines.locate(node.location().map_or(0, |place| place.offset()));
        Pos { line: location.line, column: location.column }
    }
}

impl<'a> Part<'a> {
    fn field(&self) -> Option<&'a Node<Field>> {
        match self {
            Part::Field(field) => Some(field),
            Part::Fragment(..) => None,
        }
    }

    fn fragment(&self) -> Option<(&'a SelectionSet, Pos)> {
        match self {
            Part::Field(_) => None,
            Part::Fragment(set, pos) => Some((set, *pos)),
        }
    }
}

/// In the order in which the keys came first, which is that of the answer.
struct Groups<'a> {
    places: HashMap<Key<'a>, usize>,
    entries: Vec<(Key<'a>, Vec<Part<'a>>)>,
}

impl<'a> Groups<'a> {
    fn new() -> Groups<'a> {
        Groups { places: HashMap::new(), entries: Vec::new() }
    }

    fn push(&mut self, key: Key<'a>, part: Part<'a>) {
        let place = *self.places.entry(key).or_insert(self.entries.len());
        match self.entries.get_mut(place) {
            Some((_, parts)) => parts.push(part),
            None => self.entries.push((key, vec![part])),
        }
    }
}
