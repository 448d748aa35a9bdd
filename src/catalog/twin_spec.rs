//! Twins as the workspace's files describe them.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use smol_str::SmolStr;

use crate::reading::{SlotNo, Timestamp, TwinId, Value};
use crate::source::Span;

use super::layout::Layout;

#[derive(Debug, Clone)]
pub struct TwinSpec {
    pub id: TwinId,
    pub layout: Arc<Layout>,
    pub name: Arc<str>,
    /// Checked, in the slots' units; those not written in the file are absent.
    pub properties: Vec<(SlotNo, Value)>,
    /// Name space and id.
    pub external_ids: Vec<(String, String)>,
    /// Outgoing edges, `contains` and `observes` included.
    pub edges: Vec<EdgeSpec>,
    /// What is said of rules, by their ids, in order.
    pub rules: Vec<RuleSetting>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RuleSetting {
    pub rule: SmolStr,
    pub enabled: Option<bool>,
    /// Name and value, in the parameter's unit.
    pub params: Vec<(Box<str>, Json)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct EdgeSpec {
    /// Index into `Catalog::relations`.
    pub relation: u16,
    pub name: Arc<str>,
    pub to: TwinId,
    /// Checked against the relation's properties, in their units.
    pub properties: Map<String, Json>,
    pub valid_from: Option<Timestamp>,
    pub valid_to: Option<Timestamp>,
}
