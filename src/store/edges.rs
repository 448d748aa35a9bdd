//! Which table holds which relation.

/// Tables that are not relations.
const FIXED: [&str; 9] = ["twin", "type", "rejection", "checkpoint", "meta", "idempotency", "alarm", "model", "scene"];

/// A relation's table has its name, so that `->feeds->twin` reads as one would write it; a name that is taken gets a suffix.
pub(super) fn table_of(relation: &str) -> String {
    if FIXED.contains(&relation) { format!("{relation}_relation") } else { relation.to_owned() }
}
