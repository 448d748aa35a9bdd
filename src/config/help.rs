//! All settings as text: a `pollux.toml` in which every setting stands with what it means, its default and its variable.

use std::fmt::Write;

use super::setting::{Section, variable};
use super::{Config, Loaded, Origin, Origins};
use crate::source::Sources;

const WIDTH: usize = 110;

/// The settings that are in effect. What has its default is commented out, so the text is a file that means the same.
pub fn render_settings(loaded: &Loaded, sources: &Sources) -> String {
    let defaults = Config::default();
    let mut text = String::from("# Settings of Pollux, as they are in effect. Lines that begin with `#` and a key show defaults.\n");
    text.push_str("# A flag wins over the environment variable, and that over this file.\n");
    for (section, default) in loaded.config.sections().into_iter().zip(defaults.sections()) {
        render_section(&mut text, section, default, &loaded.origins, sources);
    }
    text.push('\n');
    render_tables(&mut text, &loaded.config.brokers);
    text.push('\n');
    render_tables(&mut text, &loaded.config.webhooks);
    text
}

fn render_section(text: &mut String, section: &dyn Section, default: &dyn Section, origins: &Origins, sources: &Sources) {
    text.push('\n');
    comment(text, &section.doc().concat());
    put(text, format_args!("[{}]\n", section.name()));
    for row in section.settings() {
        text.push('\n');
        comment(text, &row.doc.concat());
        let default = default.show(row.key);
        let default = default.as_deref().unwrap_or("not set");
        comment(text, &format!("Takes {}. Default: {default}. {}", row.expected, variable(section.name(), row.key)));
        let origin = origins.get(&(section.name(), row.key));
        match (section.show(row.key), origin) {
            (Some(value), Some(origin)) => put(text, format_args!("{} = {value}  # {}\n", row.key, origin_text(*origin, sources))),
            (Some(value), None) => put(text, format_args!("# {} = {value}\n", row.key)),
            (None, _) => put(text, format_args!("# {} =\n", row.key)),
        }
    }
}

fn render_tables<S: Section + Default>(text: &mut String, tables: &[S]) {
    let default = S::default();
    comment(text, &default.doc().concat());
    if tables.is_empty() {
        put(text, format_args!("# [[{}]]\n", default.name()));
        for row in default.settings() {
            text.push_str("#\n");
            comment(text, &row.doc.concat());
            comment(text, &format!("Takes {}.", row.expected));
            put(text, format_args!("# {} ={}\n", row.key, default.show(row.key).map_or_else(String::new, |value| format!(" {value}"))));
        }
    }
    for table in tables {
        put(text, format_args!("[[{}]]\n", table.name()));
        for row in table.settings() {
            let value = table.show(row.key);
            let mark = if value == default.show(row.key) { "# " } else { "" };
            put(text, format_args!("{mark}{} ={}\n", row.key, value.map_or_else(String::new, |value| format!(" {value}"))));
        }
        text.push('\n');
    }
}

fn origin_text(origin: Origin, sources: &Sources) -> String {
    match origin {
        Origin::File(span) => format!("{}:{}", sources.file(span.file).path, sources.start_of(span).line),
        Origin::Environment(_) => "environment".to_owned(),
        Origin::Flag(flag) => flag.to_owned(),
    }
}

/// Words as comment lines of a readable length.
fn comment(text: &mut String, words: &str) {
    let mut width = 0;
    for word in words.split_whitespace() {
        let is_full = width > 0 && width + word.len() > WIDTH;
        text.push_str(match width {
            0 => "# ",
            _ if is_full => "\n# ",
            _ => " ",
        });
        text.push_str(word);
        width = if is_full { word.len() } else { width + 1 + word.len() };
    }
    text.push('\n');
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    text.write_fmt(what).unwrap_or_default();
}
