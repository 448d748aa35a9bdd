//! Bindings: which topics carry which twins' readings, and where in the payload they stand.

mod path;
mod template;
mod topic;

use std::sync::Arc;

pub use topic::Shape;

/// Below it lies a topic per input of imported detectors.
pub use crate::iotevents::detector::INPUT_TOPICS;

use crate::reading::unit::Unit;
use crate::source::Span;

/// The longest topic, in bytes.
pub const TOPIC_BYTES_MAX: usize = 1024;
/// The most levels of a topic.
pub const TOPIC_LEVELS_MAX: usize = 32;

/// One entry of `bindings:`, its names checked. What depends on the type of the twin (slots, conversions) is compiled per type by `codec::mapped`.
#[derive(Debug, Clone)]
pub struct Binding {
    pub id: Arc<str>,
    pub source: Source,
    pub topic: TopicPattern,
    pub twin: TwinSelector,
    /// The name of a codec; `json` if nothing is said.
    pub codec: Arc<str>,
    pub time: Option<TimeRule>,
    pub quality: Option<QualityRule>,
    /// Empty: the payload is a native one (member names at the top level).
    pub map: Box<[MapRule]>,
    pub unknown_twin: UnknownTwin,
    pub unmapped: Unmapped,
    /// Where `source` stands: which brokers there are is known only when `pollux.toml` is.
    pub source_span: Span,
}

/// Why a text is no path, no topic pattern or no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidText {
    /// In characters, from the start of the text.
    pub offset: usize,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// `mqtt`: the embedded endpoint.
    Embedded,
    /// An external broker of that name in `pollux.toml`.
    Broker(Arc<str>),
    Http,
}

/// `plant/{line}/{tag}/values`, split at `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPattern {
    pub text: Arc<str>,
    pub levels: Box<[Level]>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Level {
    Literal(Box<str>),
    /// `{name}`: exactly one level.
    One(Box<str>),
    /// `{name...}`: this level and all that follow; only at the end.
    Rest(Box<str>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TwinSelector {
    /// `"{line}-{tag}"`
    Id(Template),
    /// `{externalId: {plc: "{tag}"}}`
    ExternalId { namespace: Box<str>, id: Template },
    /// `{path: $.id}`
    Path(JsonPath),
}

/// Text with the names of topic levels in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(pub Box<[TemplatePart]>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplatePart {
    Text(Box<str>),
    Level(Box<str>),
}

/// RFC 9535 names, indices and `[*]` (or `.*`), nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath {
    pub text: Box<str>,
    pub steps: Box<[PathStep]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathStep {
    Name(Box<str>),
    /// Negative counts from the end.
    Index(i64),
    All,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeRule {
    pub path: JsonPath,
    pub format: TimeFormat,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeFormat {
    Rfc3339,
    Unix,
    UnixMillis,
    UnixMicros,
    /// A strftime pattern, read in the time zone (an IANA name or an offset) where the text itself has none.
    Pattern {
        pattern: Box<str>,
        zone: Box<str>,
    },
}

/// Which sent codes mean GOOD and UNCERTAIN; all else is BAD.
#[derive(Debug, Clone, PartialEq)]
pub struct QualityRule {
    pub path: JsonPath,
    pub good: Box<[serde_json::Value]>,
    pub uncertain: Box<[serde_json::Value]>,
}

#[derive(Debug, Clone)]
pub enum MapRule {
    Value(ValueRule),
    /// Array fan-out: each element that `path` selects is a reading group of its own.
    Each {
        path: JsonPath,
        time: Option<TimeRule>,
        quality: Option<QualityRule>,
        map: Box<[ValueRule]>,
    },
}

#[derive(Debug, Clone)]
pub struct ValueRule {
    pub path: JsonPath,
    /// A member or a leaf of one: `temperature`, `vibration.x`.
    pub to: Box<str>,
    /// The unit of the payload; the slot's own if absent.
    pub unit: Option<Unit>,
    pub scale: f64,
    pub offset: f64,
    /// Sent text (or the text of a sent number) to the value that is meant.
    pub values: Option<Meanings>,
}

/// Sent texts and the values that are meant.
pub type Meanings = Box<[(Box<str>, serde_json::Value)]>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnknownTwin {
    Reject,
    Quarantine,
    Provision { type_name: Arc<str>, inside: Option<crate::reading::TwinId> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmapped {
    Count,
    Reject,
    /// Into this member of type `json`.
    Json(Box<str>),
}

impl InvalidText {
    fn at(text: &str, byte: usize, message: String) -> InvalidText {
        InvalidText { offset: text[..byte].chars().count(), message }
    }
}

fn is_level_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
