//! Enums of members, and the inputs that filter by them.

use crate::api::build::SchemaBuilder;
use crate::api::names::{EnumPlan, ViewPlan};

use super::used::Used;

pub(super) fn declare(schema: &mut SchemaBuilder, plan: &ViewPlan, used: &Used) {
    for (index, words) in plan.enums.iter().enumerate() {
        let mut builder = schema.enumeration(&words.name, "", &[]);
        for value in &words.values {
            builder.value(value, "");
        }
        if let Some(filter) = words.filter.as_ref().filter(|_| used.enum_filters.contains(&index)) {
            declare_match(schema, words, filter);
        }
    }
}

fn declare_match(schema: &mut SchemaBuilder, words: &EnumPlan, filter: &str) {
    let mut input = schema.input(filter, "Compares; what is missing or bad matches nothing, unless it is asked for by `isNull`.");
    let one = &*words.name;
    let list = format!("[{one}!]");
    input.field("eq", one).field("ne", one).field("in", &list).field("isNull", "Boolean");
    if words.reading.is_some() {
        input.field("stale", "Boolean");
    }
}
