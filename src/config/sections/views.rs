//! `[graphql.views.NAME]`: which types a view of the GraphQL API generates.

use crate::config::kind::{Kind, mismatch};
use crate::source::{Node, NodeKind};

/// Views of one workspace.
const VIEWS_MAX: usize = 64;

/// Each view by its name, with the types it generates.
#[derive(Debug, Clone, PartialEq, PartialOrd, Default)]
pub struct Views(pub Vec<(String, Vec<String>)>);

impl Kind for Views {
    fn expected() -> String {
        "a table for each view: [graphql.views.NAME] with `generate = [\"…\"]`".to_owned()
    }

    fn read(node: &Node) -> Result<Views, String> {
        let NodeKind::Mapping(table) = &node.kind else { return Err(mismatch::<Views>(node)) };
        if table.entries.len() > VIEWS_MAX {
            return Err(format!("there are {} views; the limit is {VIEWS_MAX}", table.entries.len()));
        }
        table
            .entries
            .iter()
            .map(|entry| Ok((name(&entry.key.text)?, generate(&entry.key.text, &entry.value)?)))
            .collect::<Result<_, _>>()
            .map(Views)
    }

    fn show(&self) -> Option<String> {
        let views: Vec<String> =
            self.0.iter().filter_map(|(name, generate)| Some(format!("{name} = {{ generate = {} }}", generate.show()?))).collect();
        (!views.is_empty()).then(|| format!("{{ {} }}", views.join(", ")))
    }
}

fn name(text: &str) -> Result<String, String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match text.len() {
        1..=64 if text.chars().all(is_word) => Ok(text.to_owned()),
        _ => Err(format!("`{text}` cannot be the name of a view: use 1 to 64 of A-Z a-z 0-9 _ -")),
    }
}

fn generate(view: &str, node: &Node) -> Result<Vec<String>, String> {
    let NodeKind::Mapping(table) = &node.kind else { return Err(format!("the view `{view}` is a table with `generate = [\"…\"]`")) };
    if let Some(unknown) = table.entries.iter().find(|entry| &*entry.key.text != "generate") {
        return Err(format!("the view `{view}` has the unknown key `{}`; the only key is `generate`", unknown.key.text));
    }
    match table.get("generate") {
        Some(entry) => Vec::read(&entry.value),
        None => Err(format!("the view `{view}` does not say what it generates: add `generate = [\"…\"]`")),
    }
}
