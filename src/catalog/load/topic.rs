//! Topic patterns and templates of their levels.

use std::sync::Arc;

use crate::catalog::binding::{Level, Template, TemplatePart, TopicPattern};

const TOPIC_BYTES_MAX: usize = 1024;

/// `plant/{line}/{rest...}`. `Err` says what is wrong, for people.
pub fn parse_topic(text: &str) -> Result<TopicPattern, String> {
    if text.is_empty() {
        return Err("a topic pattern is not empty".to_owned());
    }
    if text.len() > TOPIC_BYTES_MAX {
        return Err(format!("a topic pattern has at most {TOPIC_BYTES_MAX} bytes"));
    }
    if text.contains('\0') {
        return Err("a topic has no NUL character".to_owned());
    }
    let parts: Vec<&str> = text.split('/').collect();
    let mut levels: Vec<Level> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let level = level(part)?;
        if matches!(level, Level::Rest(_)) && index + 1 < parts.len() {
            return Err(format!("`{part}` takes all that follows and stands at the end only"));
        }
        if let Some(name) = name_of(&level).filter(|name| levels.iter().any(|other| name_of(other) == Some(name))) {
            return Err(format!("`{name}` names two levels"));
        }
        levels.push(level);
    }
    Ok(TopicPattern { text: Arc::from(text), levels: levels.into() })
}

fn level(text: &str) -> Result<Level, String> {
    if text.contains(['+', '#']) {
        return Err(format!("`{text}`: the wildcards + and # are not used here; write {{name}} for one level and {{name...}} for the rest"));
    }
    let Some(inner) = text.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) else {
        if text.contains(['{', '}']) {
            return Err(format!("`{text}`: a name in braces fills its whole level"));
        }
        return Ok(Level::Literal(text.into()));
    };
    let (name, is_rest) = inner.strip_suffix("...").map_or((inner, false), |name| (name, true));
    if !super::names::is_member_name(name) {
        return Err(format!("`{{{inner}}}`: a name of letters, digits and `_` stands in braces"));
    }
    Ok(if is_rest { Level::Rest(name.into()) } else { Level::One(name.into()) })
}

fn name_of(level: &Level) -> Option<&str> {
    match level {
        Level::Literal(_) => None,
        Level::One(name) | Level::Rest(name) => Some(name),
    }
}

/// Two patterns with the same form match the same topics with the same rank: they differ at most in what they call the levels.
pub(super) fn form(pattern: &TopicPattern) -> Vec<Level> {
    let nameless = |level: &Level| match level {
        Level::Literal(text) => Level::Literal(text.clone()),
        Level::One(_) => Level::One(Box::default()),
        Level::Rest(_) => Level::Rest(Box::default()),
    };
    pattern.levels.iter().map(nameless).collect()
}

/// `"{line}-{tag}"`, whose names are levels of the pattern.
pub(super) fn parse_template(text: &str, pattern: &TopicPattern) -> Result<Template, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or("a `{` is not closed")?;
        if !before.is_empty() {
            parts.push(TemplatePart::Text(before.into()));
        }
        if !pattern.levels.iter().any(|level| name_of(level) == Some(name)) {
            let known: Vec<&str> = pattern.levels.iter().filter_map(name_of).collect();
            let known = if known.is_empty() { "it names none".to_owned() } else { format!("it names {}", known.join(", ")) };
            return Err(format!("the topic names no level `{name}`; {known}"));
        }
        parts.push(TemplatePart::Level(name.into()));
        rest = after;
    }
    if rest.contains('}') {
        return Err("a `}` has no `{` before it".to_owned());
    }
    if !rest.is_empty() {
        parts.push(TemplatePart::Text(rest.into()));
    }
    if parts.is_empty() { Err("it is empty".to_owned()) } else { Ok(Template(parts.into())) }
}
