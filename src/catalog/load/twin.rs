//! Twins: who there is, of which type, below whom, and what each says of itself.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::HashSet;

use crate::catalog::twin_spec::{EdgeSpec, TwinSpec};
use crate::catalog::{CONTAINS, Layout};
use crate::reading::{Timestamp, TwinId};
use crate::source::keys::{REFERENCE, TWIN, TWINS_FILE};
use crate::source::{
    Diagnostic, Diagnostics, Entry, Fields, Node, Span, codes, did_you_mean, expect_list, expect_mapping, expect_text, is_ignored,
    wrong_kind,
};

use super::files::Files;
use super::layouts::{Type, Types};
use super::logic::Expressions;
use super::relation::Relations;
use super::{edge, observe, twin_rules, twin_values};

/// With more twins than this an unknown id gets no suggestion: looking for the nearest would take longer than the rest.
const SUGGESTION_TWINS_MAX: usize = 10_000;

/// All twins of the files.
#[derive(Debug, Default)]
pub(super) struct Twins {
    pub specs: Vec<TwinSpec>,
    /// Every id that is described, and its place in `specs` if its type is known.
    ids: HashMap<TwinId, Option<usize>>,
    externals: HashMap<(String, String), (TwinId, Span)>,
    pub places: Places,
    /// Any other id may be described in a file that cannot be read.
    is_blind: bool,
}

/// Where edges are written, and which twins' edges are not known in full.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub edges: HashMap<EdgeKey, Span>,
    pub incomplete: HashSet<TwinId>,
}

/// Relation, ends and beginning.
pub(super) type EdgeKey = (u16, TwinId, TwinId, Option<Timestamp>);

/// A twin as found, before anything in it is read.
pub(super) struct Draft<'n, 't> {
    pub id: TwinId,
    pub id_span: Span,
    pub fields: Fields<'n>,
    pub entry: Option<&'t Type>,
    parent: Option<(TwinId, Span)>,
}

pub(super) fn collect(files: &Files, types: &Types, relations: &Relations, problems: &mut Diagnostics) -> Twins {
    let mut finder = Finder { types, drafts: Vec::new(), places: HashMap::new(), problems };
    for tree in &files.twins {
        let Some(file) = Fields::read(&TWINS_FILE, &tree.root, "the file", finder.problems) else { continue };
        if let Some(items) = file.get("twins").filter(|node| !node.is_null()).and_then(|node| expect_list(node, "`twins`", finder.problems))
        {
            items.iter().for_each(|item| finder.find(item, None));
        }
    }
    let drafts = finder.drafts;
    let mut twins = Twins { is_blind: files.twins_broken, ..Twins::default() };
    for draft in &drafts {
        twins.register(draft, problems);
    }
    let (mut uniques, mut expressions) = (twin_values::Uniques::default(), Expressions::default());
    for draft in &drafts {
        twins.fill(draft, types, relations, (&mut uniques, &mut expressions), problems);
    }
    twins
}

struct Finder<'n, 't, 'p> {
    types: &'t Types,
    drafts: Vec<Draft<'n, 't>>,
    places: HashMap<TwinId, Span>,
    problems: &'p mut Diagnostics,
}

impl<'n, 't> Finder<'n, 't, '_> {
    fn find(&mut self, node: &'n Node, parent: Option<(TwinId, Span)>) {
        let what = node.as_mapping().and_then(|mapping| mapping.get("id")).and_then(|entry| entry.value.as_text());
        let what = what.map_or_else(|| "a twin".to_owned(), |id| format!("twin `{id}`"));
        let Some(fields) = Fields::read(&TWIN, node, what, self.problems) else { return };
        let id_node = fields.require("id", self.problems);
        let id = id_node.and_then(|node| self.id(node));
        let entry = self.type_of(&fields);
        let children = fields.get("contains").and_then(|node| expect_list(node, &format!("`contains` of {}", fields.what), self.problems));
        let below = id.clone().zip(id_node.map(|node| node.span));
        if let (Some(id), Some(node)) = (id, id_node) {
            self.drafts.push(Draft { id, id_span: node.span, fields, entry, parent });
        }
        children.into_iter().flatten().for_each(|child| self.find(child, below.clone()));
    }

    fn id(&mut self, node: &Node) -> Option<TwinId> {
        let text = expect_text(node, "`id`", self.problems)?;
        let Ok(id) = TwinId::parse(text) else {
            let message = format!("`{text}` is not a twin id: use 1 to 128 of A-Z a-z 0-9 _ . : - beginning with a letter or digit");
            self.problems.push(Diagnostic::new(&codes::BAD_TWIN_ID, node.span, message));
            return None;
        };
        if let Some(first) = self.places.get(&id) {
            let diagnostic = Diagnostic::new(&codes::TWIN_TWICE, node.span, format!("there are two twins `{id}`"));
            self.problems.push(diagnostic.related(*first, "the first one"));
            return None;
        }
        self.places.insert(id.clone(), node.span);
        Some(id)
    }

    fn type_of(&mut self, fields: &Fields<'n>) -> Option<&'t Type> {
        let node = fields.require("type", self.problems)?;
        let name = fields.text("type", self.problems)?;
        let entry = self.types.get(name);
        match entry {
            Some(entry) if entry.layout.is_abstract => {
                let diagnostic =
                    Diagnostic::new(&codes::ABSTRACT_TYPE, node.span, format!("`{name}` is abstract: it has no twins of its own"));
                self.problems.push(diagnostic.related(entry.span, "the type"));
                None
            }
            Some(_) => entry,
            None if self.types.is_broken(name) => None,
            None => {
                let diagnostic = Diagnostic::new(&codes::UNKNOWN_TYPE, node.span, format!("there is no type `{name}`"));
                self.problems.push(diagnostic.suggest(self.types.nearest(name)));
                None
            }
        }
    }
}

impl Twins {
    /// Ids and external ids first: twins may refer to each other in any order.
    fn register(&mut self, draft: &Draft<'_, '_>, problems: &mut Diagnostics) {
        let place = draft.entry.map(|entry| {
            self.specs.push(TwinSpec {
                id: draft.id.clone(),
                layout: entry.layout.clone(),
                name: draft.fields.text("name", problems).map_or_else(|| Arc::from(draft.id.as_str()), Arc::from),
                properties: Vec::new(),
                external_ids: Vec::new(),
                edges: Vec::new(),
                rules: Vec::new(),
                span: draft.id_span,
            });
            self.specs.len() - 1
        });
        self.ids.insert(draft.id.clone(), place);
        let Some(node) = draft.fields.get("externalIds") else { return };
        let Some(mapping) = expect_mapping(node, &format!("`externalIds` of {}", draft.fields.what), problems) else { return };
        for entry in mapping.entries.iter().filter(|entry| !is_ignored(&entry.key.text)) {
            let what = format!("the external id `{}` of {}", entry.key.text, draft.fields.what);
            if let Some(text) = expect_text(&entry.value, &what, problems) {
                self.register_external(draft, entry, text, place, problems);
            }
        }
    }

    fn register_external(&mut self, draft: &Draft<'_, '_>, entry: &Entry, text: &str, place: Option<usize>, problems: &mut Diagnostics) {
        let external = (entry.key.text.to_string(), text.to_owned());
        if let Some((other, span)) = self.externals.get(&external) {
            let message = format!("the external id `{text}` in `{}` belongs to `{other}`", external.0);
            problems.push(Diagnostic::new(&codes::EXTERNAL_ID_TWICE, entry.value.span, message).related(*span, "the first one"));
            return;
        }
        self.externals.insert(external.clone(), (draft.id.clone(), entry.value.span));
        if let Some(place) = place {
            self.specs[place].external_ids.push(external);
        }
    }

    fn fill(
        &mut self,
        draft: &Draft<'_, '_>,
        types: &Types,
        relations: &Relations,
        (uniques, expressions): (&mut twin_values::Uniques, &mut Expressions),
        problems: &mut Diagnostics,
    ) {
        self.place_below(draft, relations, problems);
        let (Some(entry), Some(Some(place))) = (draft.entry, self.ids.get(&draft.id).copied()) else { return };
        self.specs[place].properties = twin_values::read(draft, entry, uniques, problems);
        self.specs[place].rules = twin_rules::read(draft, entry, expressions, problems);
        let before = problems.len();
        let edges = edge::read(draft, entry, relations, self, problems);
        let observed = observe::read(draft, entry, types, relations, self, problems);
        // Of a file that cannot be read the ids are not known: what leads there is missing without a word.
        if problems.len() > before || self.is_blind {
            self.places.incomplete.insert(draft.id.clone());
        }
        for (edge, span) in edges.into_iter().chain(observed) {
            self.add_edge(place, edge, span, problems);
        }
    }

    fn place_below(&mut self, draft: &Draft<'_, '_>, relations: &Relations, problems: &mut Diagnostics) {
        let parent = match (&draft.parent, draft.fields.entry("in")) {
            (Some((parent, _)), Some(entry)) => {
                let message = format!("{} is written inside `{parent}` and has `in` as well", draft.fields.what);
                problems.push(Diagnostic::new(&codes::TWO_PLACES, entry.key.span, message));
                None
            }
            (Some((parent, _)), None) => Some((parent.clone(), draft.id_span)),
            (None, Some(entry)) => {
                let parent = self.resolve(&entry.value, &format!("`in` of {}", draft.fields.what), problems);
                parent.map(|parent| (parent, entry.value.span))
            }
            (None, None) => None,
        };
        let Some((parent, span)) = parent else { return };
        let (Some(Some(place)), Some(relation)) = (self.ids.get(&parent).copied(), relations.index_of(CONTAINS)) else {
            return;
        };
        let edge = EdgeSpec {
            relation,
            name: Arc::from(CONTAINS),
            to: draft.id.clone(),
            properties: serde_json::Map::new(),
            valid_from: None,
            valid_to: None,
        };
        self.add_edge(place, edge, span, problems);
    }

    fn add_edge(&mut self, place: usize, edge: EdgeSpec, span: Span, problems: &mut Diagnostics) {
        let spec = &mut self.specs[place];
        let key = (edge.relation, spec.id.clone(), edge.to.clone(), edge.valid_from);
        if let Some(first) = self.places.edges.insert(key.clone(), span) {
            let message = format!("the edge `{}` from `{}` to `{}` is written twice", edge.name, spec.id, edge.to);
            problems.push(Diagnostic::new(&codes::EDGE_TWICE, span, message).related(first, "the first one"));
            self.places.edges.insert(key, first);
            return;
        }
        // An edge to a twin of an unknown type is not known in full.
        if self.ids.get(&edge.to).copied().flatten().is_some() {
            spec.edges.push(edge);
        } else {
            self.places.incomplete.insert(spec.id.clone());
        }
    }

    /// An id, or `{externalId: {sap: "10004711"}}`. What is unknown is reported.
    pub(super) fn resolve(&self, node: &Node, what: &str, problems: &mut Diagnostics) -> Option<TwinId> {
        if node.as_mapping().is_some() {
            return self.resolve_external(node, what, problems);
        }
        let Some(text) = node.as_text() else {
            problems.push(wrong_kind(node, what, "the id of a twin, or {externalId: {nameSpace: id}}"));
            return None;
        };
        match self.ids.get_key_value(text) {
            Some((id, _)) => Some(id.clone()),
            None => {
                if !self.is_blind {
                    let near = || did_you_mean(text, self.ids.keys().map(TwinId::as_str));
                    let suggestion = if self.ids.len() <= SUGGESTION_TWINS_MAX { near() } else { None };
                    let diagnostic = Diagnostic::new(&codes::UNKNOWN_TWIN, node.span, format!("there is no twin `{text}`"));
                    problems.push(diagnostic.suggest(suggestion));
                }
                None
            }
        }
    }

    fn resolve_external(&self, node: &Node, what: &str, problems: &mut Diagnostics) -> Option<TwinId> {
        let fields = Fields::read(&REFERENCE, node, what, problems)?;
        let mapping = expect_mapping(fields.require("externalId", problems)?, "`externalId`", problems)?;
        let [entry] = mapping.entries.as_slice() else {
            problems.push(wrong_kind(node, what, "one name space and the id in it, as in {externalId: {sap: \"10004711\"}}"));
            return None;
        };
        let text = expect_text(&entry.value, "an external id", problems)?;
        let found = self.externals.get(&(entry.key.text.to_string(), text.to_owned()));
        if found.is_none() && !self.is_blind {
            let message = format!("no twin has the external id `{text}` in `{}`", entry.key.text);
            problems.push(Diagnostic::new(&codes::UNKNOWN_TWIN, entry.value.span, message));
        }
        found.map(|(id, _)| id.clone())
    }

    /// `None` if the id is unknown, or its type is.
    pub(super) fn layout_of(&self, id: &TwinId) -> Option<&Arc<Layout>> {
        let place = self.ids.get(id).copied().flatten()?;
        Some(&self.specs[place].layout)
    }

    pub(super) fn into_parts(self) -> (Vec<TwinSpec>, Places) {
        (self.specs, self.places)
    }
}
