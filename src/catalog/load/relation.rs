//! The relations of the workspace: each name means one thing, wherever it is declared.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::layout::{Field, Relation};
use crate::catalog::{CONTAINS, OBSERVES};
use crate::source::keys::{RELATION, RELATIONS_FILE, TYPE_RELATION};
use crate::source::{Diagnostic, Diagnostics, Fields, Node, Span, codes, expect_mapping, is_ignored};

use super::files::Files;
use super::names;
use super::types::Declared;
use super::value_type::ValueReader;

/// By index: `contains`, `observes`, then in the order of names.
#[derive(Debug)]
pub(super) struct Relations {
    relations: Vec<Relation>,
    /// Where each was declared first; the built-in ones nowhere.
    places: Vec<Option<Span>>,
    index: HashMap<Arc<str>, u16>,
}

impl Relations {
    pub(super) fn index_of(&self, name: &str) -> Option<u16> {
        self.index.get(name).copied()
    }

    /// The relation that has this name seen from the other end.
    pub(super) fn by_inverse(&self, name: &str) -> Option<Arc<str>> {
        self.relations.iter().find(|relation| relation.inverse.as_deref() == Some(name)).map(|relation| relation.name.clone())
    }

    /// All names, those of inverses included.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.relations.iter().flat_map(|relation| [Some(&*relation.name), relation.inverse.as_deref()].into_iter().flatten())
    }

    pub(super) fn get(&self, index: u16) -> &Relation {
        &self.relations[usize::from(index)]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Relation, Option<Span>)> {
        self.relations.iter().zip(self.places.iter().copied())
    }

    pub(super) fn into_relations(self) -> Vec<Relation> {
        self.relations
    }

    fn push(&mut self, relation: Relation, place: Option<Span>) {
        let index = u16::try_from(self.relations.len()).unwrap_or(u16::MAX);
        self.index.insert(relation.name.clone(), index);
        self.relations.push(relation);
        self.places.push(place);
    }
}

/// What one place says about a relation; what it does not say is open, except in the workspace's file.
struct Statement<'n> {
    span: Span,
    fields: Option<Fields<'n>>,
    is_complete: bool,
}

pub(super) fn collect<'n>(
    files: &'n Files,
    declared: &Declared<'n>,
    values: &mut ValueReader<'n>,
    problems: &mut Diagnostics,
) -> Relations {
    let mut order: Vec<&'n str> = Vec::new();
    let mut statements: HashMap<&'n str, Vec<Statement<'n>>> = HashMap::new();
    let mut add = |name: &'n str, statement: Statement<'n>| {
        let known = statements.entry(name).or_default();
        if known.is_empty() {
            order.push(name);
        }
        known.push(statement);
    };
    workspace_relations(files, &mut add, problems);
    for decl in declared.types.values() {
        type_relations(&decl.fields, &mut add, problems);
    }
    order.sort_unstable();
    let mut relations = Relations { relations: Vec::new(), places: Vec::new(), index: HashMap::new() };
    relations.push(built_in(CONTAINS, true), None);
    relations.push(built_in(OBSERVES, false), None);
    for name in order.into_iter().filter(|name| !matches!(*name, CONTAINS | OBSERVES)) {
        let (relation, place) = unite(name, &statements[name], values, problems);
        relations.push(relation, Some(place));
    }
    relations
}

fn built_in(name: &str, hierarchy: bool) -> Relation {
    Relation { name: Arc::from(name), inverse: None, hierarchy, symmetric: false, properties: Box::default() }
}

fn workspace_relations<'n>(files: &'n Files, add: &mut dyn FnMut(&'n str, Statement<'n>), problems: &mut Diagnostics) {
    let Some(tree) = &files.relations else { return };
    let Some(file) = Fields::read(&RELATIONS_FILE, &tree.root, "schemas/relations.yaml", problems) else { return };
    let Some(mapping) = file.get("relations").and_then(|node| expect_mapping(node, "`relations`", problems)) else { return };
    for entry in mapping.entries.iter().filter(|entry| !is_ignored(&entry.key.text)) {
        let (name, span) = (&*entry.key.text, entry.key.span);
        if matches!(name, CONTAINS | OBSERVES) {
            let message = format!("`{name}` is built in and cannot be declared");
            problems.push(
                Diagnostic::new(&codes::BUILT_IN_RELATION, span, message)
                    .help("its targets and cardinality are each type's own: declare them there"),
            );
        } else if names::check_member(name, span, problems) {
            let fields = read_or_empty(&RELATION, &entry.value, name, problems);
            add(name, Statement { span, fields, is_complete: true });
        }
    }
}

fn type_relations<'n>(fields: &Fields<'n>, add: &mut dyn FnMut(&'n str, Statement<'n>), problems: &mut Diagnostics) {
    let Some(mapping) = fields.get("relations").and_then(|node| expect_mapping(node, &format!("`relations` of {}", fields.what), problems))
    else {
        return;
    };
    for entry in mapping.entries.iter().filter(|entry| !is_ignored(&entry.key.text)) {
        let (name, span) = (&*entry.key.text, entry.key.span);
        if name == OBSERVES {
            let message = "`observes` is built in: every DEVICE has it, and it leads to any twin";
            problems.push(Diagnostic::new(&codes::BUILT_IN_RELATION, span, message).help("take it out; write `observes:` on the twin"));
        } else if names::check_member(name, span, problems) {
            let fields = read_or_empty(&TYPE_RELATION, &entry.value, name, problems);
            if name == CONTAINS {
                refuse_meaning(fields.as_ref(), problems);
            }
            add(name, Statement { span, fields, is_complete: false });
        }
    }
}

fn refuse_meaning(fields: Option<&Fields<'_>>, problems: &mut Diagnostics) {
    for key in MEANING {
        if let Some(entry) = fields.and_then(|fields| fields.entry(key)) {
            let message = format!("`contains` is built in and takes no `{key}`");
            problems.push(Diagnostic::new(&codes::BUILT_IN_RELATION, entry.key.span, message));
        }
    }
}

/// `feeds:` without anything behind it is a relation of which nothing is said.
fn read_or_empty<'n>(
    section: &'static crate::source::keys::Section,
    node: &'n Node,
    name: &str,
    problems: &mut Diagnostics,
) -> Option<Fields<'n>> {
    if node.is_null() { None } else { Fields::read(section, node, format!("relation `{name}`"), problems) }
}

/// The keys that mean one thing in the whole workspace.
const MEANING: [&str; 4] = ["inverse", "hierarchy", "symmetric", "properties"];

fn unite<'n>(name: &'n str, statements: &[Statement<'n>], values: &mut ValueReader<'n>, problems: &mut Diagnostics) -> (Relation, Span) {
    let first = statements.iter().find(|statement| statement.is_complete);
    let place = first.or(statements.first()).map(|statement| statement.span);
    let mut said: [Option<(&Node, &Fields<'n>)>; 4] = [None; 4];
    for statement in statements {
        let Some(fields) = &statement.fields else { continue };
        for (key, known) in MEANING.iter().zip(&mut said) {
            let Some(entry) = fields.entry(key) else { continue };
            let differs = match (*known, first) {
                (Some((node, _)), _) => (node.to_json() != entry.value.to_json()).then_some(node.span),
                (None, Some(file)) if !statement.is_complete && !is_default(&entry.value) => Some(file.span),
                (None, _) => {
                    *known = Some((&entry.value, fields));
                    None
                }
            };
            if let Some(other) = differs {
                let message = format!("`{key}` of the relation `{name}` is declared differently elsewhere");
                let diagnostic = Diagnostic::new(&codes::RELATION_DIFFERS, entry.key.span, message).related(other, "the other declaration");
                problems
                    .push(diagnostic.help("a relation means one thing in the whole workspace: declare it once, in schemas/relations.yaml"));
            }
        }
    }
    let fields_of = |index: usize| said[index].map(|(_, fields)| fields);
    let inverse = fields_of(0).and_then(|fields| inverse(fields, name, problems));
    let hierarchy = fields_of(1).and_then(|fields| fields.bool("hierarchy", problems)).unwrap_or(false);
    let symmetric = fields_of(2).and_then(|fields| fields.bool("symmetric", problems)).unwrap_or(false);
    let properties: Box<[Field]> = match said[3] {
        // The nodes outlive the statements: they are the file's.
        Some((_, fields)) => fields.get("properties").map(|node| values.edge_properties(node, &fields.what, problems)).unwrap_or_default(),
        None => Box::default(),
    };
    if let (true, Some(fields)) = (hierarchy && symmetric, fields_of(2)) {
        let span = fields.entry("symmetric").map_or(fields.span, |entry| entry.key.span);
        problems.push(Diagnostic::new(&codes::NOT_APPLICABLE, span, format!("the relation `{name}` cannot be symmetric and a hierarchy")));
    }
    let relation = Relation { name: Arc::from(name), inverse, hierarchy, symmetric, properties };
    (relation, place.unwrap_or(Span::new(crate::source::FileId(0), 0, 0)))
}

/// `hierarchy: false` says what is so anyway.
fn is_default(node: &Node) -> bool {
    node.as_scalar().is_some_and(|scalar| &*scalar.text == "false")
}

fn inverse(fields: &Fields<'_>, name: &str, problems: &mut Diagnostics) -> Option<Box<str>> {
    let text = fields.text("inverse", problems)?;
    let span = fields.get("inverse").map_or(fields.span, |node| node.span);
    if text == name {
        let message = format!("the inverse of `{name}` cannot have the same name");
        problems.push(Diagnostic::new(&codes::INVERSE_CLASH, span, message).help("write `symmetric: true` where direction means nothing"));
        return None;
    }
    names::check_member(text, span, problems).then(|| text.into())
}
