//! The states of a detector as they stand in the file, before any name in them means something.

use crate::rule::ACTIONS_MAX;
use crate::rule::detector::ENTRIES_MAX;
use crate::source::keys::{ENTRY, STATE};
use crate::source::{Diagnostic, Diagnostics, Fields, Node, Span, codes, expect_list, expect_mapping, is_ignored};

#[derive(Debug)]
pub(super) struct Written<'n> {
    pub states: Vec<WrittenState<'n>>,
}

#[derive(Debug)]
pub(super) struct WrittenState<'n> {
    pub name: &'n str,
    /// Of the name.
    pub span: Span,
    pub on_enter: Vec<WrittenEntry<'n>>,
    pub on_input: Vec<WrittenEntry<'n>>,
    pub on_exit: Vec<WrittenEntry<'n>>,
}

#[derive(Debug)]
pub(super) struct WrittenEntry<'n> {
    pub span: Span,
    pub fields: Fields<'n>,
    pub steps: &'n [Node],
}

impl<'n> Written<'n> {
    pub(super) fn read(node: &'n Node, problems: &mut Diagnostics) -> Option<Written<'n>> {
        let mapping = expect_mapping(node, "`states`", problems)?;
        let mut states = Vec::new();
        for entry in mapping.entries.iter().filter(|entry| !is_ignored(&entry.key.text)) {
            let name = &*entry.key.text;
            check_name("state", name, entry.key.span, problems);
            let mut state = WrittenState { name, span: entry.key.span, on_enter: Vec::new(), on_input: Vec::new(), on_exit: Vec::new() };
            // A state in which nothing happens may be left empty.
            if !entry.value.is_null()
                && let Some(fields) = Fields::read(&STATE, &entry.value, format!("state `{name}`"), problems)
            {
                state.on_enter = entries(&fields, "onEnter", problems);
                state.on_input = entries(&fields, "onInput", problems);
                state.on_exit = entries(&fields, "onExit", problems);
            }
            states.push(state);
        }
        Some(Written { states })
    }

    pub(super) fn steps(&self) -> impl Iterator<Item = &'n Node> + '_ {
        let entries = self.states.iter().flat_map(|state| state.on_enter.iter().chain(&state.on_input).chain(&state.on_exit));
        entries.flat_map(|entry| entry.steps)
    }
}

fn entries<'n>(fields: &Fields<'n>, key: &str, problems: &mut Diagnostics) -> Vec<WrittenEntry<'n>> {
    let Some(node) = fields.get(key) else { return Vec::new() };
    let Some(nodes) = expect_list(node, &format!("`{key}` of {}", fields.what), problems) else { return Vec::new() };
    if nodes.len() > ENTRIES_MAX {
        let message = format!("`{key}` of {} has {} entries; the most are {ENTRIES_MAX}", fields.what, nodes.len());
        problems.push(Diagnostic::new(&codes::LIMIT, node.span, message));
        return Vec::new();
    }
    let what = format!("an entry of `{key}` of {}", fields.what);
    nodes.iter().filter_map(|node| entry(node, &what, problems)).collect()
}

fn entry<'n>(node: &'n Node, what: &str, problems: &mut Diagnostics) -> Option<WrittenEntry<'n>> {
    let fields = Fields::read(&ENTRY, node, what, problems)?;
    let steps = match fields.get("do") {
        Some(node) => expect_list(node, &format!("`do` of {what}"), problems)?,
        None => &[],
    };
    if steps.len() > ACTIONS_MAX {
        let message = format!("{what} has {} steps; the most are {ACTIONS_MAX}", steps.len());
        problems.push(Diagnostic::new(&codes::LIMIT, node.span, message));
        return None;
    }
    Some(WrittenEntry { span: node.span, fields, steps })
}

/// Of states, timers and variables alike.
pub(super) fn check_name(what: &str, name: &str, span: Span, problems: &mut Diagnostics) -> bool {
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let fits = is_name && name.len() <= 64;
    if !fits {
        let message = format!("`{name}` is no name for a {what}: a letter, then letters, digits and _, 64 at most");
        problems.push(Diagnostic::new(&codes::BAD_NAME, span, message));
    }
    fits
}
