//! Sections of which there may be several, each with a name of its own: `[[broker]]`, `[[webhook]]`.

use std::collections::BTreeMap;

use super::sections::{Broker, Webhook};
use super::setting::Section;
use crate::source::{Diagnostic, Diagnostics, Entry, Mapping, NodeKind, Span, codes};

/// Tables of one kind in a workspace.
const TABLES_MAX: usize = 64;

pub(super) const BROKER: &str = "broker";
pub(super) const WEBHOOK: &str = "webhook";

pub(super) trait Repeated: Section + Default {
    /// As written in `[[…]]`.
    const TABLE: &'static str;
    const PLURAL: &'static str;
    /// Who says the name.
    const CALLERS: &'static str;
    /// For those who forgot it.
    const URL_EXAMPLE: &'static str;
    /// Keys of which each says the same as the others.
    const ALTERNATIVES: &'static [&'static [&'static str]];

    fn name(&self) -> &str;

    /// Whether it is said where it is.
    fn has_url(&self, table: &Mapping) -> bool {
        table.get("url").is_some()
    }

    /// What is wrong with the name, which is a word.
    fn check_name(&self) -> Result<(), String> {
        Ok(())
    }
}

impl Repeated for Broker {
    const TABLE: &'static str = BROKER;
    const PLURAL: &'static str = "brokers";
    const CALLERS: &'static str = "bindings";
    const URL_EXAMPLE: &'static str = "mqtt://HOST:1883";
    const ALTERNATIVES: &'static [&'static [&'static str]] = &[&["password_file", "password_env"]];

    fn name(&self) -> &str {
        &self.name
    }

    /// Bindings say `source: NAME`, where two names are taken.
    fn check_name(&self) -> Result<(), String> {
        match &*self.name {
            name @ ("mqtt" | "http") => Err(format!("`{name}` is the name of the embedded endpoint; give the broker another one")),
            _ => Ok(()),
        }
    }
}

impl Repeated for Webhook {
    const TABLE: &'static str = WEBHOOK;
    const PLURAL: &'static str = "webhooks";
    const CALLERS: &'static str = "rules";
    const URL_EXAMPLE: &'static str = "https://HOST/PATH";
    const ALTERNATIVES: &'static [&'static [&'static str]] =
        &[&["url", "url_file", "url_env"], &["secret_file", "secret_env"], &["token_file", "token_env"]];

    fn name(&self) -> &str {
        &self.name
    }

    fn has_url(&self, table: &Mapping) -> bool {
        ["url", "url_file", "url_env"].into_iter().any(|key| table.get(key).is_some())
    }
}

/// Sets what a table says; problems go to where they belong.
pub(super) type Fill<'a> = &'a mut dyn FnMut(&mut dyn Section, &Mapping, &mut Diagnostics);

pub(super) fn read<S: Repeated>(entry: &Entry, problems: &mut Diagnostics, fill: Fill<'_>) -> Vec<S> {
    let (table, plural) = (S::TABLE, S::PLURAL);
    let mut wrong = |span, message: String| problems.push(Diagnostic::new(&codes::SETTING_VALUE, span, message));
    let NodeKind::Sequence(tables) = &entry.value.kind else {
        wrong(entry.key.span, format!("there may be several {plural}: write each as `[[{table}]]`"));
        return Vec::new();
    };
    if let Some(excess) = tables.get(TABLES_MAX) {
        wrong(excess.span, format!("there are {} {plural}; the limit is {TABLES_MAX}", tables.len()));
    }
    let mut first_places = BTreeMap::new();
    let mut sections = Vec::new();
    for node in tables.iter().take(TABLES_MAX) {
        let NodeKind::Mapping(settings) = &node.kind else {
            problems.push(Diagnostic::new(&codes::SETTING_VALUE, node.span, format!("a {table} is a table: write `[[{table}]]`")));
            continue;
        };
        let mut section = S::default();
        fill(&mut section, settings, problems);
        check_table(&section, settings, node.span, problems);
        check_name(&section, settings, node.span, &mut first_places, problems);
        sections.push(section);
    }
    sections
}

fn check_table<S: Repeated>(section: &S, settings: &Mapping, whole: Span, problems: &mut Diagnostics) {
    if !section.has_url(settings) {
        let problem = Diagnostic::new(&codes::SETTING_VALUE, whole, format!("the {} has no `url`", S::TABLE));
        problems.push(problem.help(format!("add a line `url = \"{}\"`", S::URL_EXAMPLE)));
    }
    for keys in S::ALTERNATIVES {
        let mut set = keys.iter().filter_map(|key| settings.get(key));
        if let (Some(first), Some(second)) = (set.next(), set.next()) {
            let message = format!("`{}` and `{}` say the same: keep one of them", first.key.text, second.key.text);
            problems.push(Diagnostic::new(&codes::SETTING_VALUE, second.key.span, message).related(first.key.span, "the other one"));
        }
    }
}

fn check_name<S: Repeated>(
    section: &S,
    settings: &Mapping,
    whole: Span,
    first_places: &mut BTreeMap<String, Span>,
    problems: &mut Diagnostics,
) {
    let (table, name) = (S::TABLE, Repeated::name(section));
    let span = settings.get("name").map_or(whole, |name| name.value.span);
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let fits = match name {
        "" => Err(format!("the {table} has no `name`; {} refer to it by one", S::CALLERS)),
        _ if name.len() <= 64 && name.chars().all(is_word) => section.check_name(),
        _ => Err(format!("the name of a {table} is 1 to 64 of A-Z a-z 0-9 _ -")),
    };
    if let Err(why) = fits {
        problems.push(Diagnostic::new(&codes::SETTING_VALUE, span, why));
    } else if let Some(first) = first_places.insert(name.to_owned(), span) {
        let problem = Diagnostic::new(&codes::SETTING_VALUE, span, format!("two {} have the name `{name}`", S::PLURAL));
        problems.push(problem.related(first, "the first one"));
    }
}
