//! Values with parts: objects, arrays, maps and free JSON. They become canonical JSON.

use std::io;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::catalog::layout::{ArrayType, Field, MapType};
use crate::reading::{Raw, Value};

use super::{Check, JSON_BYTES_MAX, NESTING_MAX, Refusal};

/// The longest key of a map, in bytes.
const KEY_BYTES_MAX: usize = 512;

impl Check<'_> {
    /// Fields may be named as in the type or as on the wire; a field that is null is absent.
    pub(super) fn object(&mut self, fields: &[Field], raw: Raw<'_>, depth: usize) -> Result<Value, Refusal> {
        let Raw::Structure(Json::Object(sent)) = raw else { return Err(Refusal::wrong_type("an object", raw)) };
        check_depth(depth)?;
        let known = |name: &str| fields.iter().any(|field| &*field.wire == name || &*field.name == name);
        if let Some(unknown) = sent.keys().find(|name| !known(name)) {
            let names: Vec<&str> = fields.iter().map(|field| &*field.wire).collect();
            let message = format!("unknown field `{}`; fields here: {}", shortened(unknown), names.join(", "));
            return Err(Refusal::new("UNKNOWN_FIELD", message));
        }
        let mut object = Map::new();
        for field in fields {
            let value = sent.get(&*field.wire).or_else(|| sent.get(&*field.name)).filter(|value| !value.is_null());
            match value {
                Some(value) => {
                    let value = self.leaf(&field.value, value.into(), depth + 1).map_err(|refusal| refusal.at(&field.name))?;
                    object.insert(field.name.to_string(), value);
                }
                None if field.required => return Err(Refusal::new("MISSING_FIELD", format!("the field `{}` is required", field.wire))),
                None => {}
            }
        }
        Ok(Value::Json(Arc::new(Json::Object(object))))
    }

    pub(super) fn array(&mut self, array: &ArrayType, raw: Raw<'_>, depth: usize) -> Result<Value, Refusal> {
        let Raw::Structure(Json::Array(sent)) = raw else { return Err(Refusal::wrong_type("an array", raw)) };
        check_depth(depth)?;
        if sent.len() > array.items_max {
            return Err(Refusal::new("TOO_LONG", format!("expected at most {} items, got {}", array.items_max, sent.len())));
        }
        if sent.len() < array.items_min {
            self.outside(|| Refusal::new("TOO_SHORT", format!("expected at least {} items, got {}", array.items_min, sent.len())))?;
        }
        let mut items = Vec::with_capacity(sent.len());
        for (index, item) in sent.iter().enumerate() {
            items.push(self.leaf(&array.items, item.into(), depth + 1).map_err(|refusal| refusal.at(format_args!("item {index}")))?);
        }
        if array.unique
            && let Some(twice) = repeated(&items)
        {
            self.outside(|| Refusal::new("NOT_UNIQUE", format!("{} stands in the array twice", Raw::from(twice))))?;
        }
        Ok(Value::Json(Arc::new(Json::Array(items))))
    }

    pub(super) fn map(&mut self, map: &MapType, raw: Raw<'_>, depth: usize) -> Result<Value, Refusal> {
        let Raw::Structure(Json::Object(sent)) = raw else { return Err(Refusal::wrong_type("an object", raw)) };
        check_depth(depth)?;
        if sent.len() > map.entries_max {
            return Err(Refusal::new("TOO_LONG", format!("expected at most {} entries, got {}", map.entries_max, sent.len())));
        }
        let mut entries = Map::new();
        for (key, entry) in sent {
            if key.len() > KEY_BYTES_MAX {
                return Err(Refusal::new("TOO_LONG", format!("the key `{}` has more than {KEY_BYTES_MAX} bytes", shortened(key))));
            }
            let entry =
                self.leaf(&map.entries, entry.into(), depth + 1).map_err(|refusal| refusal.at(format_args!("`{}`", shortened(key))))?;
            entries.insert(key.clone(), entry);
        }
        Ok(Value::Json(Arc::new(Json::Object(entries))))
    }
}

/// Anything at all, within its size.
pub(super) fn json(raw: Raw<'_>) -> Result<Value, Refusal> {
    let json = match raw {
        Raw::Null => Json::Null,
        Raw::Bool(value) => Json::Bool(value),
        Raw::Int(number) => number.into(),
        Raw::UInt(number) => number.into(),
        Raw::Float(number) if !number.is_finite() => return Err(Refusal::new("NOT_FINITE", format!("expected JSON, got {raw}"))),
        Raw::Float(number) => number.into(),
        Raw::Text(text) if text.len() > JSON_BYTES_MAX => return Err(too_large()),
        Raw::Text(text) => text.into(),
        Raw::Structure(json) => {
            serde_json::to_writer(Room(JSON_BYTES_MAX), json).map_err(|_| too_large())?;
            json.clone()
        }
    };
    Ok(Value::Json(Arc::new(json)))
}

fn too_large() -> Refusal {
    Refusal::new("TOO_LONG", format!("expected at most {JSON_BYTES_MAX} bytes of JSON"))
}

fn check_depth(depth: usize) -> Result<(), Refusal> {
    if depth < NESTING_MAX { Ok(()) } else { Err(Refusal::new("TOO_DEEP", format!("values may stand in each other {NESTING_MAX} deep"))) }
}

fn shortened(name: &str) -> String {
    name.chars().take(60).collect()
}

fn repeated(items: &[Json]) -> Option<&Json> {
    let mut texts: Vec<(String, usize)> = items.iter().enumerate().map(|(index, item)| (item.to_string(), index)).collect();
    texts.sort();
    texts.windows(2).find(|pair| pair[0].0 == pair[1].0).map(|pair| &items[pair[1].1])
}

/// Counts what is written and fails when it runs out.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
