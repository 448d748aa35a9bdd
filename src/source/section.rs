//! Reading one mapping against its section: unknown keys, later keys and wrong kinds of values are reported here, for all sections alike.

use std::time::Duration;

use crate::reading::{Timestamp, parse_duration};

use super::keys::{Section, State};
use super::{Diagnostic, Diagnostics, Entry, Mapping, Node, ScalarValue, Span, codes, did_you_mean, list_some};

/// The known keys of one mapping. `what` names it in messages: telemetry `temperature`.
#[derive(Debug, Clone)]
pub struct Fields<'n> {
    pub section: &'static Section,
    pub what: String,
    /// Of the whole mapping.
    pub span: Span,
    mapping: &'n Mapping,
}

impl<'n> Fields<'n> {
    /// `None` if the node is no mapping, which is then reported.
    pub fn read(section: &'static Section, node: &'n Node, what: impl Into<String>, problems: &mut Diagnostics) -> Option<Fields<'n>> {
        Fields::read_with(section, node, what, &[], problems)
    }

    /// `more` are keys that this workspace itself has given, as an edge has the properties of its relation.
    pub fn read_with(
        section: &'static Section,
        node: &'n Node,
        what: impl Into<String>,
        more: &[&str],
        problems: &mut Diagnostics,
    ) -> Option<Fields<'n>> {
        let what = what.into();
        let mapping = expect_mapping(node, &what, problems)?;
        for entry in mapping.entries.iter().filter(|entry| !is_ignored(&entry.key.text) && !more.contains(&&*entry.key.text)) {
            check_key(section, entry, &what, more, problems);
        }
        Some(Fields { section, what, span: node.span, mapping })
    }

    pub fn entry(&self, key: &str) -> Option<&'n Entry> {
        debug_assert!(self.section.key(key).is_some(), "`{key}` is not in the table of {}", self.section.name);
        self.mapping.get(key)
    }

    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// All that it says, in the order of the file.
    pub fn entries(&self) -> impl Iterator<Item = &'n Entry> {
        self.mapping.entries.iter().filter(|entry| !is_ignored(&entry.key.text))
    }

    /// Entries in the order of the file that are not in the section's table.
    pub fn others(&self) -> impl Iterator<Item = &'n Entry> {
        let section = self.section;
        self.mapping.entries.iter().filter(move |entry| section.key(&entry.key.text).is_none() && !is_ignored(&entry.key.text))
    }

    /// A key without which the rest has no meaning.
    pub fn require(&self, key: &str, problems: &mut Diagnostics) -> Option<&'n Node> {
        let found = self.get(key);
        if found.is_none() {
            let span = Span { end: self.span.end.min(self.span.start + 1), ..self.span };
            problems.push(Diagnostic::new(&codes::MISSING_KEY, span, format!("{} needs `{key}`", self.what)));
        }
        found
    }

    pub fn text(&self, key: &str, problems: &mut Diagnostics) -> Option<&'n str> {
        self.get(key).and_then(|node| expect_text(node, &format!("`{key}` of {}", self.what), problems))
    }

    pub fn bool(&self, key: &str, problems: &mut Diagnostics) -> Option<bool> {
        let node = self.get(key)?;
        match node.as_scalar().map(|scalar| scalar.value) {
            Some(ScalarValue::Bool(value)) => Some(value),
            _ => {
                problems.push(self.wrong(key, node, "true or false"));
                None
            }
        }
    }

    pub fn whole(&self, key: &str, max: u64, problems: &mut Diagnostics) -> Option<u64> {
        let node = self.get(key)?;
        match node.as_scalar().map(|scalar| scalar.value) {
            Some(ScalarValue::Int(value)) if u64::try_from(value).is_ok_and(|value| value <= max) => u64::try_from(value).ok(),
            _ => {
                problems.push(self.wrong(key, node, &format!("a whole number from 0 to {max}")));
                None
            }
        }
    }

    pub fn number(&self, key: &str, problems: &mut Diagnostics) -> Option<f64> {
        let node = self.get(key)?;
        match node.as_scalar().map(|scalar| scalar.value) {
            Some(ScalarValue::Int(value)) => Some(value as f64),
            Some(ScalarValue::Float(value)) if value.is_finite() => Some(value),
            _ => {
                problems.push(self.wrong(key, node, "a number"));
                None
            }
        }
    }

    pub fn duration(&self, key: &str, problems: &mut Diagnostics) -> Option<Duration> {
        let node = self.get(key)?;
        let duration = node.as_scalar().and_then(|scalar| parse_duration(&scalar.text));
        if duration.is_none() {
            let message = format!("`{key}` of {} is not a duration: {}", self.what, node.describe());
            problems.push(
                Diagnostic::new(&codes::BAD_DURATION, node.span, message).help("write 250ms, 15s, 5m, 2h, 7d or ISO 8601 as in PT1M30S"),
            );
        }
        duration
    }

    pub fn time(&self, key: &str, problems: &mut Diagnostics) -> Option<Timestamp> {
        let node = self.get(key)?;
        let text = node.as_text().unwrap_or_default();
        match Timestamp::parse_rfc3339(text) {
            Ok(time) => Some(time),
            Err(_) => {
                let message = format!("`{key}` of {} is not a time: {}", self.what, node.describe());
                problems.push(
                    Diagnostic::new(&codes::BAD_TIME, node.span, message).help("write RFC 3339 with an offset, as in 2026-01-31T12:00:00Z"),
                );
                None
            }
        }
    }

    /// One of a few words, and what each means.
    pub fn word<T: Copy>(&self, key: &str, words: &[(&str, T)], problems: &mut Diagnostics) -> Option<T> {
        let node = self.get(key)?;
        let text = node.as_text().unwrap_or_default();
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let known = || words.iter().map(|(word, _)| *word);
            let message = format!("`{key}` of {} cannot be {}", self.what, node.describe());
            let diagnostic = Diagnostic::new(&codes::UNKNOWN_WORD, node.span, message).suggest(did_you_mean(text, known()));
            problems.push(diagnostic.help(format!("possible: {}", list_some(known()))));
        }
        found
    }

    fn wrong(&self, key: &str, node: &Node, expected: &str) -> Diagnostic {
        wrong_kind(node, &format!("`{key}` of {}", self.what), expected)
    }
}

/// Keys that begin with `x-` are other people's.
pub fn is_ignored(key: &str) -> bool {
    key.starts_with("x-")
}

pub fn expect_mapping<'n>(node: &'n Node, what: &str, problems: &mut Diagnostics) -> Option<&'n Mapping> {
    let mapping = node.as_mapping();
    if mapping.is_none() {
        problems.push(wrong_kind(node, what, "a mapping of keys and values"));
    }
    mapping
}

pub fn expect_list<'n>(node: &'n Node, what: &str, problems: &mut Diagnostics) -> Option<&'n [Node]> {
    let items = node.as_sequence();
    if items.is_none() {
        problems.push(wrong_kind(node, what, "a list"));
    }
    items
}

/// A scalar that is text. `12` is a number: where text is meant it wants quotes.
pub fn expect_text<'n>(node: &'n Node, what: &str, problems: &mut Diagnostics) -> Option<&'n str> {
    let text = node.as_text();
    if text.is_none() {
        let diagnostic = wrong_kind(node, what, "text");
        let is_word = node.as_scalar().is_some_and(|scalar| scalar.value != ScalarValue::Null);
        problems.push(if is_word { diagnostic.help("put it in quotes") } else { diagnostic });
    }
    text
}

pub fn wrong_kind(node: &Node, what: &str, expected: &str) -> Diagnostic {
    Diagnostic::new(&codes::WRONG_KIND, node.span, format!("{what} must be {expected}, not {}", node.describe()))
}

fn check_key(section: &'static Section, entry: &Entry, what: &str, more: &[&str], problems: &mut Diagnostics) {
    let key = &*entry.key.text;
    match section.key(key).map(|known| known.state) {
        Some(State::Ready) => {}
        Some(State::Later) => {
            let message = format!("`{key}` is not supported by this version");
            problems.push(
                Diagnostic::new(&codes::NOT_SUPPORTED, entry.key.span, message)
                    .help("take it out, or keep it under a key that begins with `x-`"),
            );
        }
        None => {
            let mut all = more.to_vec();
            all.extend(section.keys.iter().map(|key| key.name));
            let mut ready = more.to_vec();
            for name in section.ready_keys() {
                ready.push(name);
            }
            let diagnostic = Diagnostic::new(&codes::UNKNOWN_KEY, entry.key.span, format!("unknown key `{key}` in {what}"));
            let diagnostic = diagnostic.suggest(did_you_mean(key, all));
            problems.push(diagnostic.help(format!("keys here: {}; see `pollux explain {}`", ready.join(", "), codes::UNKNOWN_KEY.id)));
        }
    }
}
