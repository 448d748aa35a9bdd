//! How large each operation of a document is with its fragments expanded, counted on the parsed text before anything else walks it.
//!
//! Thirty fragments that spread the next one twice are 2^30 selections. Each fragment is counted once and its counts are added where it is
//! spread, so the walk is as long as the text; the sums saturate.

use std::collections::HashMap;

use apollo_compiler::Node;
use apollo_compiler::ast::{Definition, Document, FragmentDefinition, OperationDefinition, Selection};

use super::lines::Lines;
use crate::api::error::{ApiError, Code, Location};
use crate::api::limits::Limits;

/// All operations of a document together may have that many times the selections of one: each is validated.
const OPERATIONS_TOGETHER: u64 = 10;
/// Selection sets may nest that many times deeper through fragments than the braces of a text may.
const THROUGH_FRAGMENTS: u64 = 2;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Fields that nest, without introspection.
    pub(super) depth: u64,
    pub(super) selections: u64,
    aliases: u64,
    root_fields: u64,
    directives: u64,
    /// Selection sets that nest, those of fragments too.
    nesting: u64,
}

impl Counts {
    fn add_beside(&mut self, other: Counts) {
        self.depth = self.depth.max(other.depth);
        self.nesting = self.nesting.max(other.nesting);
        self.selections = self.selections.saturating_add(other.selections);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.root_fields = self.root_fields.saturating_add(other.root_fields);
        self.directives = self.directives.saturating_add(other.directives);
    }
}

/// The depth of each operation by its place in the document, or what is too much.
pub(super) fn count(document: &Document, lines: &Lines, limits: &Limits) -> Result<HashMap<usize, u64>, Vec<ApiError>> {
    let mut counter = Counter::new(document, lines, THROUGH_FRAGMENTS * limits.nesting_max as u64);
    let mut depths = HashMap::new();
    let mut errors = Vec::new();
    let mut together = 0u64;
    for operation in document.definitions.iter().filter_map(Definition::as_operation_definition) {
        let counts = counter.operation(operation)?;
        let offset = operation.location().map_or(0, |place| place.offset());
        errors.extend(excess(&counts, limits).map(|error| place(error, lines.locate(offset))));
        depths.insert(offset, counts.depth);
        together = together.saturating_add(counts.selections);
    }
    let together_max = OPERATIONS_TOGETHER * limits.selections_max;
    if errors.is_empty() && together > together_max {
        let message = format!("the operations of the document have {together} selections together; the limit is {together_max}");
        errors.push(ApiError::limit("selections_max", limits.selections_max, message).hint("send them in documents of their own"));
    }
    if errors.is_empty() { Ok(depths) } else { Err(errors) }
}

fn excess(counts: &Counts, limits: &Limits) -> impl Iterator<Item = ApiError> {
    let rows = [
        ("depth_max", counts.depth, limits.depth_max, "levels of fields"),
        ("selections_max", counts.selections, limits.selections_max, "selections, with fragments expanded"),
        ("aliases_max", counts.aliases, limits.aliases_max, "aliases, with fragments expanded"),
        ("root_fields_max", counts.root_fields, limits.root_fields_max, "fields at its root"),
        ("directives_max", counts.directives, limits.directives_max, "directives, with fragments expanded"),
    ];
    rows.into_iter().filter(|(_, count, max, _)| count > max).map(|(setting, count, max, what)| {
        let error = ApiError::limit(setting, max, format!("the operation has {count} {what}; the limit is {max}"));
        error.hint("ask in several operations")
    })
}

fn place(mut error: ApiError, location: Location) -> ApiError {
    error.locations.push(location);
    error
}

struct Counter<'d> {
    fragments: HashMap<&'d str, &'d Node<FragmentDefinition>>,
    /// `None` while a fragment is being counted.
    counted: HashMap<&'d str, Option<Counts>>,
    lines: &'d Lines,
    nesting_max: u64,
}

impl<'d> Counter<'d> {
    fn new(document: &'d Document, lines: &'d Lines, nesting_max: u64) -> Counter<'d> {
        let fragments = document.definitions.iter().filter_map(Definition::as_fragment_definition);
        let fragments = fragments.map(|fragment| (fragment.name.as_str(), fragment)).collect();
        Counter { fragments, counted: HashMap::new(), lines, nesting_max }
    }

    fn operation(&mut self, operation: &'d OperationDefinition) -> Result<Counts, Vec<ApiError>> {
        let mut counts = self.set(&operation.selection_set, 0).map_err(|error| vec![error])?;
        counts.directives = counts.directives.saturating_add(operation.directives.len() as u64);
        // A fragment that was counted elsewhere may lie deeper here.
        if counts.nesting > self.nesting_max { Err(vec![self.too_nested()]) } else { Ok(counts) }
    }

    fn set(&mut self, selections: &'d [Selection], level: u64) -> Result<Counts, ApiError> {
        if level > self.nesting_max {
            return Err(self.too_nested());
        }
        let mut sum = Counts::default();
        for selection in selections {
            let one = match selection {
                Selection::Field(field) => {
                    let inner = self.set(&field.selection_set, level + 1)?;
                    let is_introspection = field.name.starts_with("__");
                    Counts {
                        depth: if is_introspection { 0 } else { inner.depth + 1 },
                        aliases: inner.aliases.saturating_add(u64::from(field.alias.is_some())),
                        root_fields: 1,
                        ..self.wrapped(inner, field.directives.len())
                    }
                }
                Selection::InlineFragment(inline) => {
                    let inner = self.set(&inline.selection_set, level + 1)?;
                    self.wrapped(inner, inline.directives.len())
                }
                Selection::FragmentSpread(spread) => {
                    let inner = self.fragment(&spread.fragment_name, spread, level + 1)?;
                    self.wrapped(inner, spread.directives.len())
                }
            };
            sum.add_beside(one);
        }
        Ok(sum)
    }

    /// The selection itself counts, too.
    fn wrapped(&self, inner: Counts, directives: usize) -> Counts {
        Counts {
            selections: inner.selections.saturating_add(1),
            directives: inner.directives.saturating_add(directives as u64),
            nesting: inner.nesting + 1,
            ..inner
        }
    }

    fn fragment<T>(&mut self, name: &str, spread: &Node<T>, level: u64) -> Result<Counts, ApiError> {
        // An unknown one is for the validator to report.
        let Some(fragment) = self.fragments.get(name).copied() else { return Ok(Counts::default()) };
        match self.counted.get(name) {
            Some(Some(counts)) => return Ok(*counts),
            Some(None) => {
                let error = ApiError::new(Code::ValidationFailed, format!("fragment `{name}` spreads itself"));
                return Err(place(error, self.lines.locate(spread.location().map_or(0, |place| place.offset()))));
            }
            None => self.counted.insert(fragment.name.as_str(), None),
        };
        let mut counts = self.set(&fragment.selection_set, level)?;
        counts.directives = counts.directives.saturating_add(fragment.directives.len() as u64);
        self.counted.insert(fragment.name.as_str(), Some(counts));
        Ok(counts)
    }

    fn too_nested(&self) -> ApiError {
        let nesting_max = self.nesting_max / THROUGH_FRAGMENTS;
        let message = format!("with fragments expanded, selections nest deeper than {} levels", self.nesting_max);
        ApiError::limit("nesting_max", nesting_max, message).hint("ask in several operations")
    }
}
