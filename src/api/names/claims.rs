//! Who has which name. Types come first and keep theirs; what comes with them gives way, by an underscore that no type can have.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt, HashSet};

use crate::catalog::load::RESERVED_TYPES;

use super::plan::Name;

/// Root fields that the API has whatever the types are, those of later versions included: a name that is given once stays.
const CORE_QUERIES: &[&str] = &[
    "aggregate",
    "alarmCounts",
    "alarmFigures",
    "alarms",
    "command",
    "cost",
    "dryRunRule",
    "events",
    "explain",
    "explainRule",
    "graph",
    "hierarchies",
    "history",
    "issues",
    "job",
    "model",
    "models",
    "node",
    "nodes",
    "path",
    "planTypes",
    "previewIngest",
    "proposals",
    "rejections",
    "rule",
    "ruleState",
    "rules",
    "scene",
    "sceneReplay",
    "sceneState",
    "scenes",
    "search",
    "sql",
    "system",
    "twin",
    "twinByExternalId",
    "twinByPath",
    "twins",
    "twinsAggregate",
    "type",
    "types",
    "viewer",
];
const CORE_MUTATIONS: &[&str] = &[
    "acceptProposal",
    "acknowledgeAlarms",
    "applyGraph",
    "attachModel",
    "cancelCommand",
    "clearAlarms",
    "commentAlarms",
    "createTwin",
    "deleteScene",
    "deleteTwin",
    "deleteTwins",
    "detachModel",
    "importScene",
    "ingest",
    "moveTwin",
    "promoteModel",
    "publishTypes",
    "putRule",
    "putScene",
    "recompute",
    "refuseProposal",
    "registerModel",
    "relate",
    "replayRejection",
    "resetAlarms",
    "score",
    "sendCommand",
    "setDetectorState",
    "setOutOfService",
    "setRuleEnabled",
    "shelveAlarms",
    "unrelate",
    "unshelveAlarms",
    "updateTwin",
    "updateTwins",
];
const CORE_SUBSCRIPTIONS: &[&str] = &[
    "alarmChanges",
    "changes",
    "commandUpdates",
    "events",
    "jobUpdates",
    "predictions",
    "readings",
    "sceneState",
    "schemaChanged",
    "system",
    "twin",
    "twins",
];

/// Names of types.
#[derive(Debug)]
pub(super) struct Claims {
    taken: HashSet<Name>,
}

impl Claims {
    pub(super) fn new<'a>(types: impl Iterator<Item = &'a Arc<str>>) -> Claims {
        let core = RESERVED_TYPES.iter().map(|name| Arc::from(*name));
        Claims { taken: core.chain(types.cloned()).collect() }
    }

    /// `first` and `last` put together, with as many underscores between them as it takes.
    pub(super) fn take(&mut self, first: &str, last: &str) -> Name {
        let mut joint = String::new();
        loop {
            let name: Name = Arc::from(format!("{first}{joint}{last}"));
            if self.taken.insert(name.clone()) {
                return name;
            }
            joint.push('_');
        }
    }
}

/// Two types whose root fields would be the same. Nothing can be generated until one of them is called otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` and `{}` both give the root field `{field}`: schemas/{}.yaml, schemas/{}.yaml", types[0], types[1], types[0], types[1])]
pub struct RootClash {
    pub field: Name,
    pub types: [Name; 2],
}

/// Names of root fields.
#[derive(Debug)]
pub(super) struct RootClaims {
    queries: HashMap<Name, Name>,
    mutations: HashSet<Name>,
}

impl RootClaims {
    pub(super) fn new() -> RootClaims {
        RootClaims { queries: HashMap::new(), mutations: CORE_MUTATIONS.iter().map(|name| Arc::from(*name)).collect() }
    }

    /// The field of one or of many twins of a type, the same in queries and subscriptions.
    pub(super) fn twins(&mut self, word: String, of: &Name) -> Result<Name, RootClash> {
        let is_core = CORE_QUERIES.contains(&&*word) || CORE_SUBSCRIPTIONS.contains(&&*word);
        let field: Name = Arc::from(if is_core { format!("{word}_") } else { word });
        match self.queries.insert(field.clone(), of.clone()) {
            Some(other) => Err(RootClash { field, types: [other, of.clone()] }),
            None => Ok(field),
        }
    }

    /// A further field of queries; only after all of [`RootClaims::twins`].
    pub(super) fn query(&mut self, first: &str, last: &str, of: &Name) -> Name {
        let mut joint = String::new();
        loop {
            let name: Name = Arc::from(format!("{first}{joint}{last}"));
            if !self.queries.contains_key(&name) && !CORE_QUERIES.contains(&&*name) {
                self.queries.insert(name.clone(), of.clone());
                return name;
            }
            joint.push('_');
        }
    }

    pub(super) fn mutation(&mut self, first: &str, last: &str) -> Name {
        let mut joint = String::new();
        loop {
            let name: Name = Arc::from(format!("{first}{joint}{last}"));
            if self.mutations.insert(name.clone()) {
                return name;
            }
            joint.push('_');
        }
    }
}
