//! Which keys have a meaning for which value types.

use crate::source::{Diagnostic, Diagnostics, Fields, codes};

/// Which types a key of a value belongs to; `None`: to every type.
fn types_of_key(key: &str) -> Option<&'static [&'static str]> {
    Some(match key {
        "unit" | "min" | "max" | "exclusiveMin" | "exclusiveMax" | "multipleOf" => &["int", "double", "decimal"],
        "decimals" => &["int", "double", "decimal", "object", "array"],
        "minLength" | "maxLength" | "pattern" | "format" => &["string"],
        "values" => &["enum"],
        "geo" => &["geo"],
        "mediaType" | "maxBytes" => &["bytes"],
        "fields" => &["object"],
        "items" | "minItems" => &["array"],
        "maxItems" => &["array", "map"],
        "entries" => &["map"],
        "kind" => &["unit"],
        _ => return None,
    })
}

pub(super) fn check_applicable(type_name: &str, fields: Option<&Fields<'_>>, problems: &mut Diagnostics) {
    let Some(fields) = fields else { return };
    for key in fields.section.ready_keys() {
        check_key_applicable(key, type_name, fields, problems);
    }
}

fn check_key_applicable(key: &str, type_name: &str, fields: &Fields<'_>, problems: &mut Diagnostics) {
    let Some(types) = types_of_key(key).filter(|types| !types.contains(&type_name)) else { return };
    if let Some(entry) = fields.entry(key) {
        let code = if key == "unit" { &codes::UNIT_ON_OTHER } else { &codes::NOT_APPLICABLE };
        let message = format!("`{key}` has no meaning for {}, which is of type {type_name}", fields.what);
        problems.push(Diagnostic::new(code, entry.key.span, message).help(format!("it belongs to {}", types.join(", "))));
    }
}

/// What a shared type is made of stands there alone; where it is used only constraints may follow.
pub(super) fn check_shared(name: &str, type_name: &str, fields: Option<&Fields<'_>>, problems: &mut Diagnostics) {
    let Some(given) = fields else { return };
    for key in ["values", "geo", "mediaType", "maxBytes", "fields", "items", "minItems", "maxItems", "entries", "kind"] {
        if let Some(entry) = given.entry(key) {
            let message = format!("`{key}` of {}: what `{name}` is made of stands in schemas/shared.yaml", given.what);
            problems.push(Diagnostic::new(&codes::NOT_APPLICABLE, entry.key.span, message));
        }
    }
    for key in ["unit", "min", "max", "exclusiveMin", "exclusiveMax", "multipleOf", "minLength", "maxLength", "pattern", "format"] {
        check_key_applicable(key, type_name, given, problems);
    }
}
