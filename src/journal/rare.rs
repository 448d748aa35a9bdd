//! What is rare in an entry of the journal, as the JSON it is written in.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::reading::{Timestamp, TwinId, TwinNo};
use crate::twin::{Deleted, Edge, EdgeNo, Edited, Keyed, Rejection};

use super::record::{Unreadable, parse_id};

#[derive(Serialize, Deserialize)]
pub(super) struct CreatedRecord {
    pub(super) no: u32,
    pub(super) id: String,
    pub(super) layout: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct DescribedRecord {
    #[serde(default)]
    pub(super) external_ids: Vec<(String, String)>,
    pub(super) applied: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WatchedRecord {
    pub(super) rule: SmolStr,
    pub(super) fact: Box<crate::rule::Fact>,
}

/// An end by a file has two parts only.
#[derive(Deserialize)]
pub(super) struct EndRecord(pub(super) u64, pub(super) i64, #[serde(default)] pub(super) u8);

#[derive(Serialize, Deserialize)]
pub(super) struct EdgeRecord {
    pub(super) no: u64,
    pub(super) relation: String,
    pub(super) from: u32,
    pub(super) to: u32,
    #[serde(default)]
    pub(super) properties: serde_json::Map<String, serde_json::Value>,
    pub(super) valid_from: i64,
    pub(super) valid_to: Option<i64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) live: bool,
}

impl EdgeRecord {
    pub(super) fn of(edge: &Edge) -> EdgeRecord {
        EdgeRecord {
            no: edge.no.0,
            relation: edge.relation.to_string(),
            from: edge.from.0,
            to: edge.to.0,
            properties: edge.properties.clone(),
            valid_from: edge.valid_from.0,
            valid_to: edge.valid_to.map(|end| end.0),
            live: edge.live,
        }
    }

    pub(super) fn edge(self) -> Edge {
        Edge {
            no: EdgeNo(self.no),
            relation: self.relation.into(),
            from: TwinNo(self.from),
            to: TwinNo(self.to),
            properties: self.properties,
            valid_from: Timestamp(self.valid_from),
            valid_to: self.valid_to.map(Timestamp),
            live: self.live,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct DeletedRecord {
    pub(super) no: u32,
    pub(super) id: String,
    pub(super) applied: u64,
}

impl DeletedRecord {
    pub(super) fn of(deleted: &Deleted) -> DeletedRecord {
        DeletedRecord { no: deleted.no.0, id: deleted.id.to_string(), applied: deleted.applied }
    }

    pub(super) fn deleted(self) -> Result<Deleted, Unreadable> {
        Ok(Deleted { no: TwinNo(self.no), id: parse_id(&self.id)?, applied: self.applied })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct EditedRecord {
    pub(super) by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) keyed: Option<KeyedRecord>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct KeyedRecord {
    pub(super) key: String,
    pub(super) asked: u64,
    pub(super) answer: serde_json::Value,
}

impl EditedRecord {
    pub(super) fn of(edited: &Edited) -> EditedRecord {
        let keyed =
            edited.keyed.as_ref().map(|keyed| KeyedRecord { key: keyed.key.clone(), asked: keyed.asked, answer: keyed.answer.clone() });
        EditedRecord { by: edited.by.clone(), keyed }
    }

    pub(super) fn edited(self) -> Edited {
        let keyed = self.keyed.map(|KeyedRecord { key, asked, answer }| Keyed { key, asked, answer });
        Edited { by: self.by, keyed }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct RejectionRecord {
    pub(super) at: i64,
    pub(super) address: String,
    pub(super) twin: Option<String>,
    pub(super) field: Option<String>,
    pub(super) code: String,
    pub(super) message: String,
    pub(super) excerpt: String,
    /// Entries of older versions do not say.
    #[serde(default)]
    pub(super) payload_bytes: u64,
}

impl RejectionRecord {
    pub(super) fn of(rejection: &Rejection) -> RejectionRecord {
        RejectionRecord {
            at: rejection.at.0,
            address: rejection.address.clone(),
            twin: rejection.twin.as_ref().map(TwinId::to_string),
            field: rejection.field.clone(),
            code: rejection.code.to_string(),
            message: rejection.message.clone(),
            excerpt: rejection.excerpt.clone(),
            payload_bytes: rejection.payload_bytes,
        }
    }

    pub(super) fn rejection(self) -> Result<Rejection, Unreadable> {
        Ok(Rejection {
            at: Timestamp(self.at),
            address: self.address,
            twin: self.twin.as_deref().map(parse_id).transpose()?,
            field: self.field,
            code: self.code.into(),
            message: self.message,
            excerpt: self.excerpt,
            payload_bytes: self.payload_bytes,
        })
    }
}
