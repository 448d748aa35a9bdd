//! The types as declared: what their files say, and who inherits from whom.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalog::layout::{Kind, Version};
use crate::source::keys::TYPE_FILE;
use crate::source::{Diagnostic, Diagnostics, Fields, Node, Span, codes, did_you_mean};

use super::files::Files;
use super::names;

/// How deep types may inherit.
const ANCESTORS_MAX: usize = 32;

/// All types, by name.
#[derive(Debug)]
pub(super) struct Declared<'n> {
    pub types: BTreeMap<&'n str, TypeDecl<'n>>,
    /// Types of which only the name is known.
    pub broken: &'n BTreeSet<String>,
    /// Files that rules may name as detectors.
    pub detectors: &'n BTreeMap<String, Option<Arc<str>>>,
    /// Parents before children.
    pub order: Vec<&'n str>,
}

#[derive(Debug)]
pub(super) struct TypeDecl<'n> {
    pub name: &'n str,
    pub fields: Fields<'n>,
    /// Where the type says its name.
    pub span: Span,
    pub version: Version,
    pub kind: Kind,
    pub is_abstract: bool,
    pub parent: Option<(&'n str, Span)>,
    /// The parent is not there, or is not known in full.
    pub is_orphan: bool,
}

impl Declared<'_> {
    /// Whether a file of that name is there, in whatever state.
    pub(super) fn exists(&self, name: &str) -> bool {
        self.types.contains_key(name) || self.broken.contains(name)
    }

    pub(super) fn nearest(&self, name: &str) -> Option<&str> {
        did_you_mean(name, self.types.keys().copied().chain(self.broken.iter().map(String::as_str)))
    }
}

pub(super) fn collect<'n>(files: &'n Files, problems: &mut Diagnostics) -> Declared<'n> {
    let exists = |name: &str| files.types.contains_key(name) || files.broken_types.contains(name);
    let mut types = BTreeMap::new();
    for (name, tree) in &files.types {
        if let Some(decl) = declaration(name, &tree.root, problems) {
            names::check_type(name, decl.span, exists, problems);
            types.insert(name.as_str(), decl);
        }
    }
    let mut declared = Declared { types, broken: &files.broken_types, detectors: &files.detectors, order: Vec::new() };
    settle_parents(&mut declared, &files.types.keys().map(String::as_str).collect(), problems);
    declared
}

fn declaration<'n>(name: &'n str, root: &'n Node, problems: &mut Diagnostics) -> Option<TypeDecl<'n>> {
    let fields = Fields::read(&TYPE_FILE, root, format!("type `{name}`"), problems)?;
    let written = fields.require("type", problems);
    let span = written.map_or(root.span, |node| node.span);
    if let Some(text) = fields.text("type", problems)
        && text != name
    {
        let message = format!("the type is called `{text}` and its file `{name}`");
        problems.push(Diagnostic::new(&codes::TYPE_NAME_DIFFERS, span, message).help("rename one of the two"));
    }
    let kinds = [("ASSET", Kind::Asset), ("DEVICE", Kind::Device)];
    let kind = fields.word("kind", &kinds, problems).unwrap_or(Kind::Asset);
    let is_abstract = fields.bool("abstract", problems).unwrap_or(false);
    let version = version(&fields, problems);
    let (parent, is_orphan) = parent(&fields, problems);
    Some(TypeDecl { name, fields, span, version, kind, is_abstract, parent, is_orphan })
}

fn version(fields: &Fields<'_>, problems: &mut Diagnostics) -> Version {
    let first = Version { major: 1, minor: 0 };
    let Some(node) = fields.get("version") else { return first };
    let text = node.as_scalar().map_or("", |scalar| &*scalar.text);
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    let number = |part: &str| part.parse::<u32>().ok().filter(|_| part.bytes().all(|b| b.is_ascii_digit()));
    match (number(major).filter(|major| *major > 0), number(minor)) {
        (Some(major), Some(minor)) => Version { major, minor },
        (_, _) => {
            let message = format!("{} is not a version", node.describe());
            problems.push(Diagnostic::new(&codes::BAD_VERSION, node.span, message).help("write 3 or 3.1"));
            first
        }
    }
}

/// The one parent; and whether something stands there that cannot be used.
fn parent<'n>(fields: &Fields<'n>, problems: &mut Diagnostics) -> (Option<(&'n str, Span)>, bool) {
    let Some(node) = fields.get("extends") else { return (None, false) };
    let items = node.items_or_one();
    if items.len() > 1 {
        let message = format!("{} extends {} types; this version inherits from one at most", fields.what, items.len());
        problems.push(
            Diagnostic::new(&codes::SEVERAL_PARENTS, node.span, message).help("keep one parent and declare the members of the others here"),
        );
    }
    let Some(first) = items.first() else { return (None, false) };
    let name = crate::source::expect_text(first, "a parent", problems);
    (name.map(|name| (name, first.span)), items.len() > 1 || name.is_none())
}

fn settle_parents<'n>(declared: &mut Declared<'n>, known: &BTreeSet<&'n str>, problems: &mut Diagnostics) {
    let names: Vec<&'n str> = declared.types.keys().copied().collect();
    for name in &names {
        let Some((parent, span)) = declared.types[name].parent else { continue };
        let is_usable = declared.types.contains_key(parent);
        if !known.contains(parent) && !declared.broken.contains(parent) {
            let diagnostic = Diagnostic::new(&codes::UNKNOWN_PARENT, span, format!("there is no type `{parent}` to extend"));
            problems.push(diagnostic.suggest(declared.nearest(parent)));
        }
        if !is_usable {
            cut(declared, name);
        }
    }
    for name in &names {
        cut_ring(declared, name, problems);
    }
    let mut depths: Vec<(usize, &'n str)> = names.iter().map(|name| (chain(declared, name).len(), *name)).collect();
    depths.sort_unstable();
    for (depth, name) in &depths {
        if *depth == ANCESTORS_MAX + 2 {
            let message = format!("`{name}` inherits more than {ANCESTORS_MAX} deep");
            problems.push(Diagnostic::new(&codes::LIMIT, declared.types[name].span, message));
        }
    }
    declared.order = depths.into_iter().map(|(_, name)| name).collect();
    for name in declared.order.clone() {
        inherit_kind(declared, name, problems);
    }
}

/// The type stands for itself from here on; what it would have inherited is not known.
fn cut(declared: &mut Declared<'_>, name: &str) {
    if let Some(decl) = declared.types.get_mut(name) {
        decl.parent = None;
        decl.is_orphan = true;
    }
}

/// The type and its ancestors, as far as they are no ring.
fn chain<'n>(declared: &Declared<'n>, name: &'n str) -> Vec<&'n str> {
    let mut chain = vec![name];
    while let Some((parent, _)) = chain.last().and_then(|last| declared.types.get(last)).and_then(|decl| decl.parent) {
        if chain.contains(&parent) {
            break;
        }
        chain.push(parent);
    }
    chain
}

fn cut_ring<'n>(declared: &mut Declared<'n>, name: &'n str, problems: &mut Diagnostics) {
    let chain = chain(declared, name);
    let last = chain.last().and_then(|last| declared.types.get(last));
    let Some((back, _)) = last.and_then(|decl| decl.parent).filter(|(back, _)| *back == name) else { return };
    let ring: Vec<&str> = chain.iter().copied().chain([back]).collect();
    let span = declared.types[name].parent.map_or(declared.types[name].span, |(_, span)| span);
    let mut diagnostic = Diagnostic::new(&codes::TYPE_CYCLE, span, format!("types extend each other in a ring: {}", ring.join(" → ")));
    for other in chain.iter().skip(1) {
        if let Some((parent, span)) = declared.types[other].parent {
            diagnostic = diagnostic.related(span, format!("`{other}` extends `{parent}`"));
        }
    }
    problems.push(diagnostic);
    chain.iter().for_each(|member| cut(declared, member));
}

fn inherit_kind(declared: &mut Declared<'_>, name: &str, problems: &mut Diagnostics) {
    let decl = &declared.types[name];
    let Some((parent, span)) = decl.parent else { return };
    let parent_decl = &declared.types[parent];
    let parent_is_orphan = parent_decl.is_orphan;
    if parent_decl.kind == Kind::Device && decl.kind == Kind::Asset {
        let message = format!("`{name}` is an ASSET and extends `{parent}`, a DEVICE");
        problems.push(Diagnostic::new(&codes::ASSET_EXTENDS_DEVICE, span, message).help("add `kind: DEVICE`, or choose another parent"));
    }
    if let Some(decl) = declared.types.get_mut(name).filter(|_| parent_is_orphan) {
        decl.is_orphan = true;
    }
}
