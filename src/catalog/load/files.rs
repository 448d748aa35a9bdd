//! Which file is what, by its place and name, and each as a tree.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::source::{Diagnostic, Diagnostics, FileId, Node, Sources, Span, codes, read_yaml};

use super::names::is_type_name;

/// The files of a workspace by what they describe.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// By the name of the type, which is that of the file.
    pub types: BTreeMap<String, Tree>,
    /// Types whose files cannot be read: they exist, and no more is known of them.
    pub broken_types: BTreeSet<String>,
    pub relations: Option<Tree>,
    pub relations_broken: bool,
    pub shared: Option<Tree>,
    pub shared_broken: bool,
    /// Detectors that were exported elsewhere, by their paths: their text, as it came.
    /// `None`: it cannot be read.
    pub detectors: BTreeMap<String, Option<Arc<str>>>,
    /// Files of twins and bindings.
    pub twins: Vec<Tree>,
    /// Some file of twins cannot be read: any id may be described there.
    pub twins_broken: bool,
}

#[derive(Debug)]
pub(super) struct Tree {
    pub file: FileId,
    pub root: Node,
}

enum Role<'p> {
    Type(&'p str),
    Relations,
    Shared,
    Twins,
    Detector,
    Misnamed(&'p str),
    Other,
}

pub(super) fn read(sources: &Sources, problems: &mut Diagnostics) -> Files {
    let mut files = Files::default();
    for (id, source) in sources.iter() {
        let role = role(&source.path);
        let tree = match role {
            Role::Other => continue,
            Role::Misnamed(_) => None,
            Role::Detector => {
                files.detectors.insert(source.path.clone(), source.is_whole.then(|| source.text.as_str().into()));
                continue;
            }
            Role::Type(_) | Role::Relations | Role::Shared | Role::Twins => tree(sources, id, problems),
        };
        let start = Span::new(id, 0, 0);
        match role {
            Role::Type(name) => match tree {
                Some(tree) => {
                    let former = files.types.insert(name.to_owned(), tree);
                    report_twice(former.as_ref(), start, &format!("the type `{name}`"), problems);
                }
                None => drop(files.broken_types.insert(name.to_owned())),
            },
            Role::Relations => {
                files.relations_broken |= tree.is_none();
                let former = std::mem::replace(&mut files.relations, tree);
                report_twice(former.as_ref(), start, "relations", problems);
            }
            Role::Shared => {
                files.shared_broken |= tree.is_none();
                let former = std::mem::replace(&mut files.shared, tree);
                report_twice(former.as_ref(), start, "shared types", problems);
            }
            Role::Twins => {
                files.twins_broken |= tree.is_none();
                files.twins.extend(tree);
            }
            Role::Misnamed(stem) => problems.push(misnamed(stem, start)),
            Role::Detector | Role::Other => {}
        }
    }
    files
}

fn role(path: &str) -> Role<'_> {
    let Some((stem, extension)) = path.rsplit_once('.') else { return Role::Other };
    if !matches!(extension, "yaml" | "yml" | "json") {
        return Role::Other;
    }
    match stem.split_once('/') {
        Some(("schemas", "relations")) => Role::Relations,
        Some(("schemas", "shared")) => Role::Shared,
        // A record of names kept by importers.
        Some(("schemas", "names.lock")) => Role::Other,
        Some(("schemas", name)) if is_type_name(name) => Role::Type(name),
        Some(("schemas", name)) => Role::Misnamed(name),
        Some(("twins", _)) => Role::Twins,
        Some(("detectors", _)) if extension == "json" => Role::Detector,
        Some(_) | None => Role::Other,
    }
}

fn tree(sources: &Sources, file: FileId, problems: &mut Diagnostics) -> Option<Tree> {
    if !sources.file(file).is_whole {
        return None;
    }
    read_yaml(sources, file, problems).map(|root| Tree { file, root })
}

fn report_twice(former: Option<&Tree>, span: Span, what: &str, problems: &mut Diagnostics) {
    if let Some(former) = former {
        let diagnostic = Diagnostic::new(&codes::FILE_TWICE, span, format!("{what} stands in two files"));
        problems.push(diagnostic.related(Span::new(former.file, 0, 0), "the other one").help("remove one of the two"));
    }
}

fn misnamed(stem: &str, span: Span) -> Diagnostic {
    let mut letters = stem.chars();
    let better: String =
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).filter(char::is_ascii_alphanumeric).collect();
    let diagnostic = Diagnostic::new(&codes::FILE_NAME, span, format!("`{stem}` is not the name of a type"));
    let diagnostic = diagnostic.help("a file below schemas/ is named after its type: a capital letter, then letters and digits");
    if is_type_name(&better) { diagnostic.help(format!("rename it to `{better}`")) } else { diagnostic }
}
