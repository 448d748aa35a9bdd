//! A file as a tree in which every key and value knows its place.

use serde_json::{Map, Number, Value as Json};

use crate::reading::Raw;

use super::Span;

#[derive(Debug, Clone)]
pub struct Node {
    pub span: Span,
    pub kind: NodeKind,
}

#[derive(Debug, Clone)]
pub enum NodeKind {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Mapping),
}

/// A word, a number or a text, with its original letters.
#[derive(Debug, Clone)]
pub struct Scalar {
    pub text: Box<str>,
    pub value: ScalarValue,
}

/// By the core schema of YAML 1.2. A quoted scalar is always text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ScalarValue {
    Null,
    Bool(bool),
    Int(i64),
    /// Above `i64::MAX`.
    UInt(u64),
    Float(f64),
    Text,
}

/// In the order of the file; no key stands twice.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    pub entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub key: Key,
    pub value: Node,
}

#[derive(Debug, Clone)]
pub struct Key {
    pub text: Box<str>,
    pub span: Span,
}

impl Mapping {
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| &*entry.key.text == key)
    }
}

impl Scalar {
    pub fn raw(&self) -> Raw<'_> {
        match self.value {
            ScalarValue::Null => Raw::Null,
            ScalarValue::Bool(value) => Raw::Bool(value),
            ScalarValue::Int(value) => Raw::Int(value),
            ScalarValue::UInt(value) => Raw::UInt(value),
            ScalarValue::Float(value) => Raw::Float(value),
            ScalarValue::Text => Raw::Text(&self.text),
        }
    }
}

impl Node {
    pub fn as_mapping(&self) -> Option<&Mapping> {
        match &self.kind {
            NodeKind::Mapping(mapping) => Some(mapping),
            NodeKind::Scalar(_) | NodeKind::Sequence(_) => None,
        }
    }

    pub fn as_sequence(&self) -> Option<&[Node]> {
        match &self.kind {
            NodeKind::Sequence(items) => Some(items),
            NodeKind::Scalar(_) | NodeKind::Mapping(_) => None,
        }
    }

    pub fn as_scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            NodeKind::Scalar(scalar) => Some(scalar),
            NodeKind::Sequence(_) | NodeKind::Mapping(_) => None,
        }
    }

    /// The text of a scalar that is text; a number or a boolean is none.
    pub fn as_text(&self) -> Option<&str> {
        self.as_scalar().filter(|scalar| scalar.value == ScalarValue::Text).map(|scalar| &*scalar.text)
    }

    pub fn is_null(&self) -> bool {
        self.as_scalar().is_some_and(|scalar| scalar.value == ScalarValue::Null)
    }

    /// A list of one may be written without its brackets.
    pub fn items_or_one(&self) -> &[Node] {
        self.as_sequence().unwrap_or(std::slice::from_ref(self))
    }

    /// The place of one character of the text, counted in characters; one behind the last is the end of it. Where the text does not stand
    /// in the file as it reads (escapes, folded lines, blocks), the whole scalar.
    pub fn char_span(&self, offset: usize) -> Span {
        let Some(start) = self.as_scalar().and_then(|scalar| text_start(&scalar.text, self.span)) else { return self.span };
        let text = self.as_scalar().map_or("", |scalar| &*scalar.text);
        let (byte, length) = text.char_indices().nth(offset).map_or((text.len(), 1), |(byte, c)| (byte, c.len_utf8()));
        let start = start + byte;
        Span::new(self.span.file, start, (start + length).min(self.span.end as usize))
    }

    /// For messages: what stands here.
    pub fn describe(&self) -> String {
        match &self.kind {
            NodeKind::Mapping(_) => "a mapping".to_owned(),
            NodeKind::Sequence(_) => "a list".to_owned(),
            NodeKind::Scalar(scalar) => match scalar.value {
                ScalarValue::Null => "nothing".to_owned(),
                ScalarValue::Bool(_) => format!("the boolean {}", scalar.text),
                ScalarValue::Int(_) | ScalarValue::UInt(_) | ScalarValue::Float(_) => format!("the number {}", scalar.text),
                ScalarValue::Text => format!("the text {}", scalar.raw()),
            },
        }
    }

    /// Infinities and NaN, which JSON cannot say, become their text, which no number takes.
    pub fn to_json(&self) -> Json {
        match &self.kind {
            NodeKind::Mapping(mapping) => {
                let pairs = mapping.entries.iter().map(|entry| (entry.key.text.to_string(), entry.value.to_json()));
                Json::Object(pairs.collect::<Map<_, _>>())
            }
            NodeKind::Sequence(items) => Json::Array(items.iter().map(Node::to_json).collect()),
            NodeKind::Scalar(scalar) => match scalar.value {
                ScalarValue::Null => Json::Null,
                ScalarValue::Bool(value) => Json::Bool(value),
                ScalarValue::Int(value) => value.into(),
                ScalarValue::UInt(value) => value.into(),
                ScalarValue::Float(value) => Number::from_f64(value).map_or_else(|| Json::String(scalar.text.to_string()), Json::Number),
                ScalarValue::Text => Json::String(scalar.text.to_string()),
            },
        }
    }
}

/// Where a text begins inside its span, if it stands there letter by letter. The tree does not hold the file; but all escapes are longer than
/// what they mean, save for four characters, and so is whatever folds lines: equal length, with or without quotes, is the text itself.
fn text_start(text: &str, span: Span) -> Option<usize> {
    if text.contains(['\n', '\u{85}', '\u{a0}', '\u{2028}', '\u{2029}']) {
        return None;
    }
    let quotes = ((span.end - span.start) as usize).checked_sub(text.len())?;
    matches!(quotes, 0 | 2).then_some(span.start as usize + quotes / 2)
}
