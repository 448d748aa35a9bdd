//! Topics: which binding, or which native form, a topic belongs to.
//!
//! Of several patterns that match, the one with a literal level furthest to the left counts, then `{name}`, then `{name...}`. Patterns of one
//! shape tie; the loader refuses them, and here the first counts.

use std::fmt;
use std::sync::Arc;

use foldhash::HashMap;
use serde_json::Value as Json;

use crate::catalog::Binding;
use crate::catalog::binding::{JsonPath, Level, Source, TOPIC_BYTES_MAX, TOPIC_LEVELS_MAX, Template, TemplatePart, TopicPattern};
use crate::reading::Problem;

use super::json;

/// Native topics begin with this level.
pub const NATIVE: &str = "pollux";

/// The bindings of one source, ready to be asked.
#[derive(Debug, Default)]
pub struct Router {
    bindings: Vec<Arc<Binding>>,
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, Node>,
    one: Option<Box<Node>>,
    /// Of a pattern that ends here with `{name...}`.
    rest: Option<usize>,
    /// Of a pattern that ends here.
    end: Option<usize>,
}

/// Where a message goes.
#[derive(Debug, Clone, Copy)]
pub enum Route<'r, 't> {
    /// `pollux/<twin>/telemetry`
    Telemetry { twin: &'t str },
    /// `pollux/<twin>/telemetry/<member>`
    Member { twin: &'t str, member: &'t str },
    /// `pollux/<twin>/reported`
    Reported { twin: &'t str },
    /// `pollux/<twin>/events/<name>`
    Event { twin: &'t str, event: &'t str },
    Bound {
        binding: &'r Arc<Binding>,
        /// Its place among those the router was made of.
        index: usize,
        captures: Captures<'r, 't>,
    },
}

/// What the named levels of a pattern are in a topic.
#[derive(Debug, Clone, Copy)]
pub struct Captures<'r, 't> {
    pattern: &'r TopicPattern,
    topic: &'t str,
}

/// Why a topic leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unrouted {
    #[error("the topic is not UTF-8")]
    NotText,
    #[error("the topic is longer than {TOPIC_BYTES_MAX} bytes")]
    TooLong,
    #[error("the topic has more than {TOPIC_LEVELS_MAX} levels")]
    TooDeep,
    #[error(
        "no binding matches `{0}`, and it is not pollux/<twin>/telemetry, pollux/<twin>/telemetry/<member>, pollux/<twin>/reported or pollux/<twin>/events/<name>"
    )]
    NotNative(String),
    #[error("no binding matches the topic `{0}`")]
    NoBinding(String),
}

impl Unrouted {
    pub fn code(&self) -> &'static str {
        match self {
            Unrouted::NotText => "NOT_UTF8",
            Unrouted::TooLong | Unrouted::TooDeep => "TOPIC_TOO_LONG",
            Unrouted::NotNative(_) | Unrouted::NoBinding(_) => "NO_BINDING",
        }
    }
}

impl Router {
    /// Of all bindings, those of one source.
    pub fn new(source: &Source, bindings: &[Arc<Binding>]) -> Router {
        let mut router =
            Router { bindings: bindings.iter().filter(|binding| binding.source == *source).cloned().collect(), root: Node::default() };
        for (index, binding) in router.bindings.iter().enumerate() {
            router.root.insert(&binding.topic.levels, index);
        }
        router
    }

    pub fn bindings(&self) -> &[Arc<Binding>] {
        &self.bindings
    }

    pub fn route_bytes<'r, 't>(&'r self, topic: &'t [u8]) -> Result<Route<'r, 't>, Unrouted> {
        if topic.len() > TOPIC_BYTES_MAX {
            return Err(Unrouted::TooLong);
        }
        self.route(std::str::from_utf8(topic).map_err(|_| Unrouted::NotText)?)
    }

    pub fn route<'r, 't>(&'r self, topic: &'t str) -> Result<Route<'r, 't>, Unrouted> {
        if topic.len() > TOPIC_BYTES_MAX {
            return Err(Unrouted::TooLong);
        }
        if let Some(route) = native(topic) {
            return Ok(route);
        }
        let mut levels = [""; TOPIC_LEVELS_MAX];
        let mut count = 0;
        for level in topic.split('/') {
            *levels.get_mut(count).ok_or(Unrouted::TooDeep)? = level;
            count += 1;
        }
        let found = self.root.find(&levels[..count], true).and_then(|index| Some((index, self.bindings.get(index)?)));
        let Some((index, binding)) = found else { return Err(unrouted(topic)) };
        Ok(Route::Bound { binding, index, captures: Captures { pattern: &binding.topic, topic } })
    }
}

fn unrouted(topic: &str) -> Unrouted {
    let shown = topic.chars().take(200).collect();
    let is_native = topic.strip_prefix(NATIVE).is_some_and(|rest| rest.starts_with('/'));
    if is_native { Unrouted::NotNative(shown) } else { Unrouted::NoBinding(shown) }
}

fn native(topic: &str) -> Option<Route<'static, '_>> {
    let (twin, form) = topic.strip_prefix(NATIVE)?.strip_prefix('/')?.split_once('/')?;
    if twin.is_empty() {
        return None;
    }
    match form {
        "telemetry" => Some(Route::Telemetry { twin }),
        "reported" => Some(Route::Reported { twin }),
        _ => {
            if let Some(event) = form.strip_prefix("events/").filter(|event| !event.is_empty() && !event.contains('/')) {
                return Some(Route::Event { twin, event });
            }
            let member = form.strip_prefix("telemetry/").filter(|member| !member.is_empty() && !member.contains('/'))?;
            Some(Route::Member { twin, member })
        }
    }
}

impl Node {
    fn insert(&mut self, levels: &[Level], index: usize) {
        match levels {
            [] => {
                self.end.get_or_insert(index);
            }
            [Level::Rest(_), ..] => {
                self.rest.get_or_insert(index);
            }
            [Level::Literal(text), rest @ ..] => self.literals.entry(text.clone()).or_default().insert(rest, index),
            [Level::One(_), rest @ ..] => self.one.get_or_insert_default().insert(rest, index),
        }
    }

    /// Every node is visited at most once, whatever the topic.
    fn find(&self, levels: &[&str], is_first: bool) -> Option<usize> {
        let Some((level, below)) = levels.split_first() else { return self.end };
        if let Some(found) = self.literals.get(*level).and_then(|node| node.find(below, false)) {
            return Some(found);
        }
        // As everywhere in MQTT, a wildcard does not stand for `$SYS`, and a captured level has a text.
        if (is_first && level.starts_with('$')) || level.is_empty() {
            return None;
        }
        self.one.as_deref().and_then(|node| node.find(below, false)).or(self.rest)
    }
}

impl<'t> Captures<'_, 't> {
    pub fn get(&self, name: &str) -> Option<&'t str> {
        let mut start = 0;
        for level in &self.pattern.levels {
            let rest = self.topic.get(start..)?;
            let text = rest.split('/').next()?;
            match level {
                Level::One(own) if **own == *name => return Some(text),
                Level::Rest(own) if **own == *name => return Some(rest),
                Level::Literal(_) | Level::One(_) | Level::Rest(_) => start += text.len() + 1,
            }
        }
        None
    }

    /// In the order of the pattern.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'t str)> {
        self.pattern.names().filter_map(|name| Some((name, self.get(name)?)))
    }
}

/// Writes a template with the levels of a topic into `text`, which is cleared first. A name that the pattern lacks stands for nothing; the
/// loader refuses it.
pub fn expand(template: &Template, captures: &Captures<'_, '_>, text: &mut String) {
    text.clear();
    for part in &template.0 {
        match part {
            TemplatePart::Text(plain) => text.push_str(plain),
            TemplatePart::Level(name) => text.push_str(captures.get(name).unwrap_or_default()),
        }
    }
}

/// The id that a payload says, for a twin that is selected by a path.
pub fn twin_in(path: &JsonPath, payload: &Json) -> Result<String, Problem> {
    match path.first(payload) {
        Some(Json::String(id)) => Ok(id.clone()),
        Some(Json::Number(number)) => Ok(number.to_string()),
        other => Err(Problem {
            code: "NO_TWIN",
            field: Some(path.text.to_string()),
            message: format!("expected the id of a twin at {}, got {}", path.text, other.map_or_else(|| "nothing".to_owned(), json::shown)),
        }),
    }
}

impl fmt::Display for Route<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Route::Telemetry { twin } => write!(f, "telemetry of {twin}"),
            Route::Member { twin, member } => write!(f, "{member} of {twin}"),
            Route::Event { twin, event } => write!(f, "event {event} of {twin}"),
            Route::Reported { twin } => write!(f, "reported of {twin}"),
            Route::Bound { binding, captures, .. } => {
                write!(f, "binding {}", binding.id)?;
                captures.iter().try_for_each(|(name, text)| write!(f, " {name}={text}"))
            }
        }
    }
}
