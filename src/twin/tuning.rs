//! Parameters of rules that are others on this twin than its type says.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use smol_str::SmolStr;

/// One parameter of one rule, as JSON in the parameter's unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tuned {
    pub rule: SmolStr,
    pub name: SmolStr,
    pub value: Json,
}

/// Shared with readers until it changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tuning(Option<Arc<Vec<Tuned>>>);

impl Tuning {
    pub fn restore(tuned: Vec<Tuned>) -> Tuning {
        Tuning(Some(tuned).filter(|tuned| !tuned.is_empty()).map(Arc::new))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Tuned> {
        self.0.iter().flat_map(|tuned| tuned.iter())
    }

    pub fn get(&self, rule: &str, name: &str) -> Option<&Json> {
        self.iter().find(|tuned| tuned.rule == rule && tuned.name == name).map(|tuned| &tuned.value)
    }

    pub(super) fn set(&mut self, rule: &SmolStr, name: &SmolStr, value: Option<&Json>) {
        let tuned = Arc::make_mut(self.0.get_or_insert_default());
        tuned.retain(|tuned| tuned.rule != *rule || tuned.name != *name);
        if let Some(value) = value {
            tuned.push(Tuned { rule: rule.clone(), name: name.clone(), value: value.clone() });
        }
        if tuned.is_empty() {
            self.0 = None;
        }
    }
}
