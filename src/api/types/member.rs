//! Values of members as JSON: a member that takes several slots is put together again as the modeller wrote it.

use std::ops::Range;

use serde_json::{Map, Value as Json};

use crate::catalog::Layout;
use crate::catalog::layout::{Member, SlotSpec};
use crate::reading::SlotNo;
use crate::reading::unit::Conversion;
use crate::twin::State;

/// The value that these slots hold together; `None` if none of them holds anything.
pub fn value(state: &State, slots: Range<u16>, conversion: Option<&Conversion>) -> Option<Json> {
    let layout = &state.layout;
    let (Some(first), Some(member)) = (layout.slots.get(usize::from(slots.start)), member_of(layout, slots.start)) else { return None };
    if slots.len() == 1 && *first.path == *member.name {
        return leaf(state, SlotNo(slots.start), first, conversion);
    }
    let mut whole = None;
    for no in slots {
        let Some(spec) = layout.slots.get(usize::from(no)) else { continue };
        let Some(value) = leaf(state, SlotNo(no), spec, conversion) else { continue };
        let inside = spec.path.strip_prefix(&*member.name).unwrap_or(&spec.path).trim_start_matches('.');
        put(whole.get_or_insert(Json::Null), inside, value);
    }
    whole
}

fn leaf(state: &State, no: SlotNo, spec: &SlotSpec, conversion: Option<&Conversion>) -> Option<Json> {
    let held = state.slot(no).value.as_ref()?;
    let value = spec.to_json(held);
    match (conversion, value.as_f64()) {
        (Some(conversion), Some(number)) => Some(Json::from(conversion.apply(number))),
        (Some(_) | None, _) => Some(value),
    }
}

fn member_of(layout: &Layout, slot: u16) -> Option<&Member> {
    layout.members.get(usize::from(layout.slots.get(usize::from(slot))?.member))
}

/// Puts a leaf where its path says: names lead into objects, numbers into lists.
fn put(into: &mut Json, path: &str, value: Json) {
    let (step, rest) = path.split_once('.').map_or((path, None), |(step, rest)| (step, Some(rest)));
    let place = match step.parse::<usize>() {
        Ok(index) => {
            if !into.is_array() {
                *into = Json::Array(Vec::new());
            }
            let Json::Array(items) = into else { return };
            if items.len() <= index {
                items.resize(index + 1, Json::Null);
            }
            &mut items[index]
        }
        Err(_) => {
            if !into.is_object() {
                *into = Json::Object(Map::new());
            }
            let Json::Object(members) = into else { return };
            members.entry(step.to_owned()).or_insert(Json::Null)
        }
    };
    match rest {
        Some(rest) => put(place, rest, value),
        None => *place = value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn leaves_grow_together() {
        let mut whole = Json::Null;
        for (path, value) in [("x", json!(1)), ("y.0", json!(2)), ("y.2", json!(3)), ("z.a.b", json!("c"))] {
            put(&mut whole, path, value);
        }
        assert_eq!(whole, json!({"x": 1, "y": [2, null, 3], "z": {"a": {"b": "c"}}}));
    }
}
