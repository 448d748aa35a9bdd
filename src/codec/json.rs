//! JSON as a tree, for codecs that must look at a payload more than once: bounded in depth, and strict about names said twice.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use crate::reading::{Problem, Raw};

use super::{NESTING_MAX, READINGS_MAX};

/// The tree, and a problem for each name that an object says twice; the values of such a name are left out.
pub fn parse(payload: &[u8]) -> Result<(Json, Vec<Problem>), Problem> {
    let text = super::text(payload)?;
    let mut problems = Vec::new();
    let mut reader = serde_json::Deserializer::from_str(text);
    let tree = Tree { problems: &mut problems, depth: 0 }.deserialize(&mut reader).and_then(|json| reader.end().map(|()| json));
    tree.map(|json| (json, problems)).map_err(|error| unreadable(text, &error))
}

/// What is wrong with a text that is not JSON, in words that help its sender.
pub(super) fn unreadable(text: &str, error: &serde_json::Error) -> Problem {
    let near = near(text, error);
    let said = error.to_string();
    let (code, message) = if text.trim().is_empty() {
        ("EMPTY", "the payload is empty".to_owned())
    } else if ["NaN", "nan", "Infinity", "inf"].iter().any(|word| near.contains(word)) {
        ("NOT_FINITE", format!("JSON has no NaN and no Infinity; leave the value out or send null ({said})"))
    } else if said.starts_with("number out of range") {
        ("NOT_FINITE", format!("a number is too large for 64 bits ({said})"))
    } else if said.starts_with("recursion limit") || said.starts_with(TOO_DEEP) {
        ("TOO_DEEP", format!("the payload nests deeper than {NESTING_MAX}"))
    } else if error.is_eof() {
        ("TRUNCATED", format!("the payload ends too early ({said})"))
    } else {
        ("NOT_JSON", format!("the payload is not JSON: {said}"))
    };
    Problem { code, field: None, message }
}

const TOO_DEEP: &str = "nests too deep";

/// The few characters around the place of an error.
fn near<'t>(text: &'t str, error: &serde_json::Error) -> &'t str {
    let line_start = match error.line() {
        0 | 1 => 0,
        line => text.match_indices('\n').nth(line - 2).map_or(0, |(index, _)| index + 1),
    };
    let place = (line_start + error.column()).min(text.len());
    let (mut start, mut end) = (place.saturating_sub(2), (place + 8).min(text.len()));
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    &text[start..end]
}

/// Builds a tree from any deserializer.
pub(super) struct Tree<'p> {
    pub(super) problems: &'p mut Vec<Problem>,
    pub(super) depth: usize,
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let depth = deeper(self.depth)?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(Tree { problems: &mut *self.problems, depth })? {
            array.push(item);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let depth = deeper(self.depth)?;
        let mut object = Map::new();
        let mut said_twice = HashSet::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(Tree { problems: &mut *self.problems, depth })?;
            if object.contains_key(&name) {
                said_twice.insert(name);
            } else {
                object.insert(name, value);
            }
        }
        // The names of a set come in no order; the object's do.
        let twice: Vec<String> = object.keys().filter(|name| said_twice.contains(*name)).cloned().collect();
        for name in twice {
            object.remove(&name);
            if self.problems.len() < READINGS_MAX {
                self.problems.push(duplicate_key(&name));
            }
        }
        Ok(Json::Object(object))
    }
}

pub(super) fn duplicate_key(name: &str) -> Problem {
    let name: String = name.chars().take(80).collect();
    Problem { code: "DUPLICATE_KEY", message: format!("`{name}` stands in one object twice; neither value is taken"), field: Some(name) }
}

fn deeper<E: de::Error>(depth: usize) -> Result<usize, E> {
    if depth < NESTING_MAX { Ok(depth + 1) } else { Err(E::custom(TOO_DEEP)) }
}

/// For messages.
pub(super) fn shown(json: &Json) -> String {
    Raw::from(json).to_string()
}
