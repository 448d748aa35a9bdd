//! The errors clients are told, each with a code they can branch on.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value as Json;

/// What went wrong, as `extensions.code` says it. Codes never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    ParseFailed,
    ValidationFailed,
    BadUserInput,
    OperationResolutionFailed,
    Unauthenticated,
    Forbidden,
    NotFound,
    PersistedQueryNotFound,
    PersistedQueryRequired,
    ResourceLimit,
    Timeout,
    Unavailable,
    SchemaChanged,
    BadCursor,
    Internal,
}

impl Code {
    pub fn name(self) -> &'static str {
        match self {
            Code::ParseFailed => "GRAPHQL_PARSE_FAILED",
            Code::ValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Code::BadUserInput => "BAD_USER_INPUT",
            Code::OperationResolutionFailed => "OPERATION_RESOLUTION_FAILED",
            Code::Unauthenticated => "UNAUTHENTICATED",
            Code::Forbidden => "FORBIDDEN",
            Code::NotFound => "NOT_FOUND",
            Code::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Code::PersistedQueryRequired => "PERSISTED_QUERY_REQUIRED",
            Code::ResourceLimit => "RESOURCE_LIMIT",
            Code::Timeout => "TIMEOUT",
            Code::Unavailable => "UNAVAILABLE",
            Code::SchemaChanged => "SCHEMA_CHANGED",
            Code::BadCursor => "BAD_CURSOR",
            Code::Internal => "INTERNAL",
        }
    }

    /// Whether the same request may succeed when it is sent again later.
    pub fn is_retryable(self) -> bool {
        matches!(self, Code::Timeout | Code::Unavailable)
    }
}

/// A step of a response path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Step {
    Key(String),
    Index(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Location {
    pub line: usize,
    pub column: usize,
}

/// One entry of `errors`. Its message never contains internals.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    pub code: Code,
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The setting of `[graphql.limits]` that was exceeded, and its value.
    pub limit: Option<(&'static str, u64)>,
    pub locations: Vec<Location>,
    pub path: Vec<Step>,
    pub request_id: Option<String>,
}

impl ApiError {
    pub fn new(code: Code, message: impl Into<String>) -> ApiError {
        ApiError { code, message: message.into(), hint: None, limit: None, locations: Vec::new(), path: Vec::new(), request_id: None }
    }

    pub fn bad_input(message: impl Into<String>) -> ApiError {
        ApiError::new(Code::BadUserInput, message)
    }

    /// A bound of `[graphql.limits]` is exceeded.
    pub fn limit(setting: &'static str, value: u64, message: impl Into<String>) -> ApiError {
        ApiError { limit: Some((setting, value)), ..ApiError::new(Code::ResourceLimit, message) }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> ApiError {
        self.hint = Some(hint.into());
        self
    }

    pub fn at(mut self, line: usize, column: usize) -> ApiError {
        self.locations.push(Location { line, column });
        self
    }

    pub fn path(mut self, path: Vec<Step>) -> ApiError {
        self.path = path;
        self
    }
}

/// As the specification of GraphQL lays it out.
impl Serialize for ApiError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut extensions = serde_json::Map::new();
        extensions.insert("code".to_owned(), Json::from(self.code.name()));
        extensions.insert("retryable".to_owned(), Json::from(self.code.is_retryable()));
        if let Some(hint) = &self.hint {
            extensions.insert("hint".to_owned(), Json::from(hint.as_str()));
        }
        if let Some((limit, value)) = self.limit {
            extensions.insert("limit".to_owned(), Json::from(limit));
            extensions.insert("value".to_owned(), Json::from(value));
        }
        if let Some(id) = &self.request_id {
            extensions.insert("requestId".to_owned(), Json::from(id.as_str()));
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("message", &self.message)?;
        if !self.locations.is_empty() {
            map.serialize_entry("locations", &self.locations)?;
        }
        if !self.path.is_empty() {
            map.serialize_entry("path", &self.path)?;
        }
        map.serialize_entry("extensions", &extensions)?;
        map.end()
    }
}
