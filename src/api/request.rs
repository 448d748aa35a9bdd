//! What a transport hands in and gets back: no HTTP, no sockets, nothing of the GraphQL library.

use bytes::Bytes;
use serde_json::{Map, Value as Json};

use super::error::ApiError;

/// The parameters of a GraphQL request, by whatever way they came.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    pub query: Option<String>,
    pub operation_name: Option<String>,
    pub variables: Option<Map<String, Json>>,
    pub extensions: Map<String, Json>,
    /// `Last-Event-ID` of an event stream: where a lossless subscription goes on, before its `after`.
    pub resume_after: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Viewer,
    Operator,
    Modeller,
    Admin,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub subject: String,
    pub role: Role,
}

impl Caller {
    /// Who comes over the loopback while no authentication is set up.
    pub fn local() -> Caller {
        Caller { subject: "local".to_owned(), role: Role::Admin }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    Query,
    Mutation,
    Subscription,
}

/// One result: the whole JSON object with `data`, `errors` and `extensions`, in one line.
#[derive(Debug, Clone)]
pub struct Answer {
    pub body: Bytes,
    /// Where a lossless stream stands after this item.
    pub cursor: Option<String>,
    pub outcome: Outcome,
}

/// Whether the operation has been executed, as far as it could be. Transports tell the two apart: by a status, by another kind of message.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// There is `data`, perhaps null, perhaps with errors.
    Executed,
    /// There is no `data`: the request as a whole was refused, or a stream ends with this.
    Refused(Vec<ApiError>),
}

impl Answer {
    pub fn executed(body: Bytes) -> Answer {
        Answer { body, cursor: None, outcome: Outcome::Executed }
    }

    pub fn refused(errors: Vec<ApiError>) -> Answer {
        let body = serde_json::json!({ "errors": errors }).to_string();
        Answer { body: body.into(), cursor: None, outcome: Outcome::Refused(errors) }
    }

    pub fn at_cursor(mut self, cursor: String) -> Answer {
        self.cursor = Some(cursor);
        self
    }
}
