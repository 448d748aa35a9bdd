//! `pollux.toml`: from TOML to a tree with places, and from there into the sections.

use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

use toml_edit::{Document, Item, Key as TomlKey, Table, TableLike, Value};

use super::repeated::{self, BROKER, WEBHOOK};
use super::setting::{Refused, Section};
use super::{Config, FILE_NAME, Loaded, Origin};
use crate::source::{
    Diagnostic, Diagnostics, Entry, FileId, Key, Mapping, Node, NodeKind, Scalar, ScalarValue, Sources, Span, codes, did_you_mean,
    list_some,
};

pub(super) fn apply(sources: &mut Sources, path: &Path, loaded: &mut Loaded) {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return,
        Err(error) => {
            let id = sources.add_unreadable(FILE_NAME, &codes::UNREADABLE, &error.to_string());
            loaded.problems.push(Diagnostic::new(&codes::UNREADABLE, Span::new(id, 0, 0), error.to_string()));
            return;
        }
    };
    let id = sources.add(FILE_NAME, &bytes);
    let file = sources.file(id);
    if !file.is_whole {
        sources.problems().iter().filter(|problem| problem.span.file == id).for_each(|problem| loaded.problems.push(problem.clone()));
        return;
    }
    match read_toml(id, &file.text) {
        Ok(tree) => apply_tree(&tree, loaded),
        Err(problem) => loaded.problems.push(problem),
    }
}

fn apply_tree(tree: &Mapping, loaded: &mut Loaded) {
    for entry in &tree.entries {
        if &*entry.key.text == BROKER {
            loaded.config.brokers = repeated::read(entry, &mut loaded.problems, &mut fill_table);
        } else if &*entry.key.text == WEBHOOK {
            loaded.config.webhooks = repeated::read(entry, &mut loaded.problems, &mut fill_table);
        } else if loaded.config.section_mut(&entry.key.text).is_some() {
            apply_section(&entry.key.text, entry, loaded);
        } else {
            loaded.problems.push(unknown_section(entry));
        }
    }
}

fn apply_section(name: &str, entry: &Entry, loaded: &mut Loaded) {
    let Some(section) = loaded.config.section_mut(name) else { return };
    let NodeKind::Mapping(settings) = &entry.value.kind else {
        let message = format!("`{0}` is a section: write it as `[{0}]` on a line of its own", section.name());
        return loaded.problems.push(Diagnostic::new(&codes::SETTING_VALUE, entry.key.span, message));
    };
    let is_inner = |key: &Key, loaded: &mut Loaded| loaded.config.section_mut(&format!("{name}.{}", key.text)).is_some();
    let (inner, own): (Vec<&Entry>, Vec<&Entry>) = settings.entries.iter().partition(|entry| is_inner(&entry.key, loaded));
    if let Some(section) = loaded.config.section_mut(name) {
        for setting in fill(section, own, &mut loaded.problems) {
            loaded.origins.insert((section.name(), setting.0), Origin::File(setting.1));
        }
    }
    for entry in inner {
        apply_section(&format!("{name}.{}", entry.key.text), entry, loaded);
    }
}

/// Sets what the table says; the answer is the keys that were set and where.
fn fill<'a>(
    section: &mut dyn Section,
    entries: impl IntoIterator<Item = &'a Entry>,
    problems: &mut Diagnostics,
) -> Vec<(&'static str, Span)> {
    let rows = section.settings();
    let mut filled = Vec::new();
    for Entry { key, value } in entries {
        match section.set(&key.text, value) {
            Ok(()) => filled.extend(rows.iter().find(|row| *row.key == *key.text).map(|row| (row.key, value.span))),
            Err(Refused::UnknownKey) => problems.push(unknown_key(section, key)),
            Err(Refused::Value(why)) => {
                let message = format!("`{}` in [{}]: {why}", key.text, section.name());
                problems.push(Diagnostic::new(&codes::SETTING_VALUE, value.span, message));
            }
        }
    }
    filled
}

/// Of tables that may stand several times no place is kept.
fn fill_table(section: &mut dyn Section, table: &Mapping, problems: &mut Diagnostics) {
    fill(section, &table.entries, problems);
}

fn unknown_section(entry: &Entry) -> Diagnostic {
    let defaults = Config::default();
    let sections = defaults.sections();
    let names = || sections.iter().map(|section| section.name()).chain([BROKER, WEBHOOK]);
    let name = &entry.key.text;
    if matches!(entry.value.kind, NodeKind::Mapping(_) | NodeKind::Sequence(_)) {
        let problem = Diagnostic::new(&codes::SETTING_KEY, entry.key.span, format!("unknown section `{name}`"));
        return problem.suggest(did_you_mean(name, names())).help(format!("sections: {}", list_some(names())));
    }
    let problem = Diagnostic::new(&codes::SETTING_KEY, entry.key.span, format!("`{name}` stands outside of any section"));
    let has_it = |section: &&&dyn Section| section.settings().iter().any(|row| *row.key == **name);
    match sections.iter().find(has_it) {
        Some(section) => problem.help(format!("put it below a line `[{}]`", section.name())),
        None => problem.help(format!("sections: {}", list_some(names()))),
    }
}

fn unknown_key(section: &dyn Section, key: &Key) -> Diagnostic {
    let rows = section.settings();
    let defaults = Config::default();
    let inner = defaults.sections().map(|other| other.name().strip_prefix(section.name()).and_then(|rest| rest.strip_prefix('.')));
    let names = || rows.iter().map(|row| row.key).chain(inner.into_iter().flatten());
    let problem = Diagnostic::new(&codes::SETTING_KEY, key.span, format!("unknown key `{}` in [{}]", key.text, section.name()));
    let (file, variable) = (format!("{}_file", key.text), format!("{}_env", key.text));
    if names().any(|name| name == variable) {
        return problem.help(format!("a workspace holds no secrets: name a file (`{file}`) or an environment variable (`{variable}`)"));
    }
    problem.suggest(did_you_mean(&key.text, names())).help(format!("keys here: {}", names().collect::<Vec<_>>().join(", ")))
}

fn read_toml(id: FileId, text: &str) -> Result<Mapping, Diagnostic> {
    match Document::parse(text) {
        Ok(document) => Ok(Reader { id }.entries(document.as_table())),
        Err(error) => {
            let span = error.span().unwrap_or(text.len()..text.len());
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            let problem = Diagnostic::new(&codes::TOML_SYNTAX, Span::new(id, span.start, span.end), message);
            Err(problem.help("texts, addresses, sizes and durations stand in quotes; a section is `[name]` on a line of its own"))
        }
    }
}

struct Reader {
    id: FileId,
}

impl Reader {
    fn entries(&self, table: &dyn TableLike) -> Mapping {
        let keys = table.iter().map(|(key, _)| key.to_owned()).collect::<Vec<_>>();
        let pairs = keys.iter().filter_map(|key| table.get_key_value(key));
        Mapping { entries: pairs.map(|(key, item)| Entry { key: self.key(key), value: self.item(key, item) }).collect() }
    }

    fn key(&self, key: &TomlKey) -> Key {
        Key { text: key.get().into(), span: self.span(key.span()) }
    }

    fn item(&self, key: &TomlKey, item: &Item) -> Node {
        let span = self.span(item.span().or_else(|| key.span()));
        let kind = match item {
            Item::None => NodeKind::Mapping(Mapping::default()),
            Item::Value(value) => return self.value(value),
            Item::Table(table) => NodeKind::Mapping(self.entries(table)),
            Item::ArrayOfTables(tables) => {
                let node = |table: &Table| Node { span: self.span(table.span()), kind: NodeKind::Mapping(self.entries(table)) };
                NodeKind::Sequence(tables.iter().map(node).collect())
            }
        };
        Node { span, kind }
    }

    fn value(&self, value: &Value) -> Node {
        let scalar = |text: String, value| NodeKind::Scalar(Scalar { text: text.into(), value });
        let kind = match value {
            Value::String(text) => scalar(text.value().clone(), ScalarValue::Text),
            Value::Integer(number) => scalar(number.value().to_string(), ScalarValue::Int(*number.value())),
            Value::Float(number) => scalar(number.value().to_string(), ScalarValue::Float(*number.value())),
            Value::Boolean(value) => scalar(value.value().to_string(), ScalarValue::Bool(*value.value())),
            Value::Datetime(time) => scalar(time.value().to_string(), ScalarValue::Text),
            Value::Array(items) => NodeKind::Sequence(items.iter().map(|item| self.value(item)).collect()),
            Value::InlineTable(table) => NodeKind::Mapping(self.entries(table)),
        };
        Node { span: self.span(value.span()), kind }
    }

    fn span(&self, range: Option<Range<usize>>) -> Span {
        let range = range.unwrap_or(0..0);
        Span::new(self.id, range.start, range.end)
    }
}
