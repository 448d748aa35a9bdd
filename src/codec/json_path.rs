//! What a path selects in a payload. How it is written is read in `catalog::binding`.

use serde_json::Value as Json;

use crate::catalog::binding::{JsonPath, PathStep};

use super::READINGS_MAX;

impl JsonPath {
    /// Everything it selects, in the order of the payload, at most [`READINGS_MAX`] and one more.
    pub fn select<'j>(&self, root: &'j Json) -> Vec<&'j Json> {
        let mut selected = vec![root];
        for step in &self.steps {
            let mut next = Vec::with_capacity(selected.len());
            for json in selected {
                match (step, json) {
                    (PathStep::All, Json::Array(items)) => next.extend(items),
                    (PathStep::All, Json::Object(object)) => next.extend(object.values()),
                    (PathStep::All, _) => {}
                    (PathStep::Name(_) | PathStep::Index(_), json) => next.extend(child(json, step)),
                }
                if next.len() > READINGS_MAX {
                    next.truncate(READINGS_MAX + 1);
                    break;
                }
            }
            selected = next;
        }
        selected
    }

    /// What a path without `[*]` selects; of one with `[*]`, the first. Without allocation.
    pub fn first<'j>(&self, root: &'j Json) -> Option<&'j Json> {
        if self.is_plural() {
            return self.select(root).first().copied();
        }
        self.steps.iter().try_fold(root, child)
    }
}

fn child<'j>(json: &'j Json, step: &PathStep) -> Option<&'j Json> {
    match (step, json) {
        (PathStep::Name(name), Json::Object(object)) => object.get(&**name),
        (PathStep::Index(index), Json::Array(items)) => {
            let place = if *index < 0 { i64::try_from(items.len()).ok()?.checked_add(*index)? } else { *index };
            items.get(usize::try_from(place).ok()?)
        }
        (PathStep::Name(_) | PathStep::Index(_) | PathStep::All, _) => None,
    }
}
