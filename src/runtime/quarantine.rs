//! Who has sent messages that are kept in quarantine: senders that no twin is known for, gathered from the kept rejections.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::catalog::Binding;
use crate::catalog::binding::{MapRule, Source, TwinSelector, ValueRule};
use crate::codec::{self, Captures, Route, topic};
use crate::reading::unit::Unit;
use crate::store::{self, RejectionFilter, RejectionRow};

use super::Runtime;
use super::bindings::Bindings;

/// The code of rejections that are kept for it.
pub const QUARANTINED: &str = "QUARANTINED";
/// Kept messages that are looked through, the newest first.
pub const MESSAGES_MAX: usize = 1_000;
/// Members of one sender.
const MEMBERS_MAX: usize = 200;

/// A sender that nobody knows.
#[derive(Debug, Clone)]
pub struct UnknownSender {
    /// What the message calls it: the id a twin would have, or what another system calls it.
    pub name: String,
    /// The other system.
    pub namespace: Option<String>,
    pub binding: Arc<Binding>,
    /// Its kept messages, the newest first.
    pub rows: Vec<RejectionRow>,
    /// What it sends, by name, as far as its messages can be read.
    pub members: BTreeMap<String, Sent>,
}

/// A value that was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    pub value: Json,
    pub unit: Option<String>,
}

impl UnknownSender {
    /// What tells it from all others, as text.
    pub fn key(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{}/{namespace}:{}", self.binding.id, self.name),
            None => format!("{}/{}", self.binding.id, self.name),
        }
    }
}

impl Runtime {
    /// All that are kept, the latest heard of first. Who has become known since is not among them.
    pub async fn unknown_senders(&self) -> Result<Vec<UnknownSender>, store::Error> {
        let filter = RejectionFilter { codes: vec![QUARANTINED.to_owned()], limit: MESSAGES_MAX, ..RejectionFilter::default() };
        let rows = self.store.rejections(&filter).await?;
        let bindings = self.bindings.load_full();
        let mut senders: Vec<UnknownSender> = Vec::new();
        for row in rows {
            let Some(message) = read(&bindings, &row) else { continue };
            if self.is_known(&message) {
                continue;
            }
            let is_same = |sender: &UnknownSender| Arc::ptr_eq(&sender.binding, &message.binding) && sender.name == message.name;
            let place = senders.iter().position(is_same).unwrap_or_else(|| {
                let Message { name, namespace, binding, .. } = message.clone();
                senders.push(UnknownSender { name, namespace, binding, rows: Vec::new(), members: BTreeMap::new() });
                senders.len() - 1
            });
            let sender = &mut senders[place];
            for (name, sent) in message.members {
                if sender.members.len() < MEMBERS_MAX {
                    sender.members.entry(name).or_insert(sent);
                }
            }
            sender.rows.push(row);
        }
        Ok(senders)
    }

    fn is_known(&self, message: &Message) -> bool {
        let directory = &self.shared.directory;
        match &message.namespace {
            Some(namespace) => directory.by_external_id(namespace, &message.name).is_some(),
            None => directory.by_id(&message.name).is_some(),
        }
    }
}

/// One kept message, read as far as it goes.
#[derive(Debug, Clone)]
struct Message {
    name: String,
    namespace: Option<String>,
    binding: Arc<Binding>,
    members: Vec<(String, Sent)>,
}

fn read(bindings: &Bindings, row: &RejectionRow) -> Option<Message> {
    let address = &*row.rejection.address;
    let (sources, topic) = match address.strip_prefix("/ingest/topic/") {
        Some(topic) => (vec![Source::Http], topic),
        None => {
            let brokers = bindings.catalog.bindings.iter().map(|binding| binding.source.clone());
            let brokers = brokers.filter(|source| matches!(source, Source::Broker(_)));
            (std::iter::once(Source::Embedded).chain(brokers).collect(), address)
        }
    };
    let json = codec::parse_json(row.rejection.excerpt.as_bytes()).ok().map(|(json, _)| json);
    sources.iter().find_map(|source| {
        let Ok(Route::Bound { binding, captures, .. }) = bindings.router(source).route(topic) else { return None };
        let (name, namespace) = sender(binding, &captures, json.as_ref())?;
        let members = json.as_ref().map(|json| members(binding, json)).unwrap_or_default();
        Some(Message { name, namespace, binding: binding.clone(), members })
    })
}

fn sender(binding: &Binding, captures: &Captures<'_, '_>, json: Option<&Json>) -> Option<(String, Option<String>)> {
    let mut text = String::new();
    match &binding.twin {
        TwinSelector::Id(template) => {
            topic::expand(template, captures, &mut text);
            Some((text, None))
        }
        TwinSelector::ExternalId { namespace, id } => {
            topic::expand(id, captures, &mut text);
            Some((text, Some(namespace.to_string())))
        }
        TwinSelector::Path(path) => topic::twin_in(path, json?).ok().map(|name| (name, None)),
    }
}

/// By the binding's map, or by the names at the top of a native payload.
fn members(binding: &Binding, json: &Json) -> Vec<(String, Sent)> {
    let mut found = Vec::new();
    for rule in &binding.map {
        match rule {
            MapRule::Value(rule) => found.extend(mapped(rule, json)),
            MapRule::Each { path, map, .. } => {
                let item = path.first(json);
                found.extend(item.into_iter().flat_map(|item| map.iter().filter_map(|rule| mapped(rule, item))));
            }
        }
    }
    if binding.map.is_empty() {
        let first = json.as_array().map_or(Some(json), |items| items.first());
        let object = first.and_then(Json::as_object).into_iter().flatten();
        found.extend(object.filter(|(name, _)| *name != "ts").map(|(name, value)| (name.clone(), native(value))));
    }
    found
}

fn mapped(rule: &ValueRule, json: &Json) -> Option<(String, Sent)> {
    let value = rule.path.first(json)?.clone();
    Some((rule.to.to_string(), Sent { value, unit: rule.unit.as_ref().map(Unit::symbol).map(str::to_owned) }))
}

/// `21.5`, or `{"value": 21.5, "unit": "degC"}`.
fn native(value: &Json) -> Sent {
    let wrapped = value.as_object().and_then(|object| Some((object.get("value")?, object.get("unit").and_then(Json::as_str))));
    match wrapped {
        Some((value, unit)) => Sent { value: value.clone(), unit: unit.map(str::to_owned) },
        None => Sent { value: value.clone(), unit: None },
    }
}
