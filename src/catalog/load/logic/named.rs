//! What a type says it may report and may be asked: the events and commands that rules name.

use crate::catalog::logic::{CommandSpec, EventSpec};
use crate::source::keys::{COMMAND, EVENT};
use crate::source::{Diagnostic, Diagnostics, Entry, Fields, codes, expect_mapping, is_ignored};

use super::rules::SEVERITIES;

/// The most events, and the most commands, of one type.
const NAMED_MAX: usize = 256;

pub(in crate::catalog::load) fn events(fields: &Fields<'_>, known: &mut Vec<EventSpec>, problems: &mut Diagnostics) {
    for entry in entries(fields, "events", known.len(), problems) {
        let name = &*entry.key.text;
        let what = format!("event `{name}`");
        let mut severity = None;
        if !entry.value.is_null() {
            let Some(fields) = Fields::read(&EVENT, &entry.value, what, problems) else { continue };
            severity = fields.word("severity", SEVERITIES, problems);
        }
        if is_new(entry, known.iter().map(|event| &*event.name), problems) {
            known.push(EventSpec { name: name.into(), severity: severity.unwrap_or(crate::alarm::Severity::Info) });
        }
    }
}

pub(in crate::catalog::load) fn commands(fields: &Fields<'_>, known: &mut Vec<CommandSpec>, problems: &mut Diagnostics) {
    for entry in entries(fields, "commands", known.len(), problems) {
        let name = &*entry.key.text;
        let what = format!("command `{name}`");
        let mut idempotent = false;
        if !entry.value.is_null() {
            let Some(fields) = Fields::read(&COMMAND, &entry.value, what, problems) else { continue };
            idempotent = fields.bool("idempotent", problems).unwrap_or(false);
        }
        if is_new(entry, known.iter().map(|command| &*command.name), problems) {
            known.push(CommandSpec { name: name.into(), idempotent });
        }
    }
}

fn entries<'n>(fields: &Fields<'n>, key: &str, inherited: usize, problems: &mut Diagnostics) -> Vec<&'n Entry> {
    let Some(node) = fields.get(key) else { return Vec::new() };
    let Some(mapping) = expect_mapping(node, &format!("`{key}`"), problems) else { return Vec::new() };
    let entries: Vec<&Entry> = mapping.entries.iter().filter(|entry| !is_ignored(&entry.key.text)).collect();
    if entries.len() + inherited > NAMED_MAX {
        problems.push(Diagnostic::new(&codes::LIMIT, node.span, format!("more than {NAMED_MAX} {key}, inherited ones included")));
        return Vec::new();
    }
    entries
}

fn is_new<'k>(entry: &Entry, mut known: impl Iterator<Item = &'k str>, problems: &mut Diagnostics) -> bool {
    let name = &*entry.key.text;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name || name.len() > 64 {
        let message = format!("`{name}` is no name: a letter, then letters, digits and _, 64 at most");
        problems.push(Diagnostic::new(&codes::BAD_NAME, entry.key.span, message));
        return false;
    }
    let is_known = known.any(|known| known == name);
    if is_known {
        problems.push(Diagnostic::new(
            &codes::DECLARED_TWICE,
            entry.key.span,
            format!("`{name}` is declared already, perhaps by a parent"),
        ));
    }
    !is_known
}
