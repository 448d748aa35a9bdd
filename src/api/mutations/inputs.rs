//! What mutations of twins take in, and how it is read.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::api::build::SchemaBuilder;
use crate::api::types::issue::UserError;

pub(super) fn declare(schema: &mut SchemaBuilder) {
    schema
        .input("CreateTwinInput", "A twin to make.")
        .field("id", "ID")
        .doc("Made from the type and a number when absent. It never changes.")
        .field("type", "String!")
        .doc("A type of the workspace that is not abstract.")
        .field("name", "String")
        .doc("The id when absent.")
        .field("kind", "TwinKind")
        .doc("Need not be given; if it is, it must be that of the type.")
        .field("parent", "ID")
        .doc("What contains it; a root when absent.")
        .field("set", "JSON")
        .doc("Properties: `{speedMax: 100, flow: {value: 12, unit: \"L/min\"}}`. A plain number is in the unit of the type.")
        .field("externalIds", "[ExternalIdInput!]")
        .field("relations", "[RelateInput!]")
        .doc("Edges that begin at it.");
    schema
        .input("UpdateTwinInput", "What to change of a twin.")
        .field("id", "ID!")
        .field("name", "String")
        .field("set", "JSON")
        .doc("Properties, as for a new twin. What is null stays as it is: clear with `unset`.")
        .field("unset", "[String!]")
        .doc("Properties that go back to the default of the type, or to nothing.")
        .field("expectedRevision", "Long")
        .doc("Refuses with REVISION_CONFLICT if the twin has another one by now.");
    schema
        .input("MoveTwinInput", "A twin's new place in a hierarchy.")
        .field("id", "ID!")
        .field("parent", "ID")
        .doc("Absent: it becomes a root.")
        .field("hierarchy", "String")
        .doc("A relation declared as a hierarchy; without it `contains`, the primary one.")
        .field("expectedRevision", "Long");
    schema
        .input("DeleteTwinInput", "A twin that goes.")
        .field("id", "ID!")
        .field("subtree", "Boolean = false")
        .doc("Also all below it. Without this, children are in the way.")
        .field("expectedRevision", "Long");
    schema
        .input("RelateInput", "An edge to begin.")
        .field("source", "ID")
        .doc("Where it begins. Absent inside of `CreateTwinInput`, where it begins at the new twin.")
        .field("name", "String!")
        .doc("The relation, by the name that the source's type has for it.")
        .field("target", "ID!")
        .field("set", "JSON")
        .doc("Properties of the edge.")
        .field("validFrom", "DateTime")
        .doc("The time of the commit when absent.");
    schema
        .input("UnrelateInput", "An edge to end.")
        .field("id", "ID!")
        .doc("`relation/12`")
        .field("validTo", "DateTime")
        .doc("The time of the commit when absent.");
    schema
        .input("GraphOp", "One of many changes in one commit.")
        .field("create", "CreateTwinInput")
        .field("update", "UpdateTwinInput")
        .field("move", "MoveTwinInput")
        .field("delete", "DeleteTwinInput")
        .field("relate", "RelateInput")
        .field("unrelate", "UnrelateInput")
        .one_of();
}

/// An input as the runtime takes it. The schema has checked all but what stands in `JSON` and how large numbers are.
pub(super) fn read<T: DeserializeOwned>(input: Json, place: &[&str]) -> Result<T, Vec<UserError>> {
    check(&input, place)?;
    serde_json::from_value(input).map_err(|error| vec![UserError::new("INVALID_VALUE", place, error.to_string())])
}

/// What the types of the runtime could not tell the place of.
pub(super) fn check(input: &Json, place: &[&str]) -> Result<(), Vec<UserError>> {
    let mut mistakes = Vec::new();
    let mut path: Vec<String> = place.iter().map(|step| (*step).to_owned()).collect();
    check_sets(input, &mut path, &mut mistakes);
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
}

/// `set` may be any JSON for the schema, also inside of relations.
fn check_sets(input: &Json, path: &mut Vec<String>, mistakes: &mut Vec<UserError>) {
    if let Some(set) = input.get("set").filter(|set| !set.is_object()) {
        let path = path.iter().map(String::as_str).chain(["set"]).collect::<Vec<_>>();
        let given: String = set.to_string().chars().take(60).collect();
        mistakes.push(UserError::new("INVALID_VALUE", &path, format!("`set` is an object of properties, not {given}")));
    }
    for (index, relation) in input.get("relations").and_then(Json::as_array).into_iter().flatten().enumerate() {
        path.extend(["relations".to_owned(), index.to_string()]);
        check_sets(relation, path, mistakes);
        path.truncate(path.len() - 2);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::runtime::edit::{CreateTwin, UpdateTwin};

    #[test]
    fn what_the_schema_lets_through_is_read() {
        let input = json!({
            "type": "Machine", "parent": "hall-1", "set": {"speedMax": 5}, "externalIds": [{"namespace": "sap", "value": "7"}],
            "relations": [{"name": "feeds", "target": "tank-1", "set": {}, "validFrom": "2026-11-21T10:00:00Z"}],
        });
        let create: CreateTwin = read(input, &["input"]).unwrap();
        assert_eq!((create.type_name.as_str(), create.relations.len()), ("Machine", 1));
        let update: UpdateTwin = read(json!({"id": "m-1", "expectedRevision": 3, "unset": ["note"]}), &["input"]).unwrap();
        assert_eq!((update.expected_revision, update.unset.len()), (Some(3), 1));
    }

    #[test]
    fn what_it_does_not_see_is_told_with_its_place() {
        let input =
            json!({"type": "Machine", "set": 5, "relations": [{"name": "a", "target": "b"}, {"name": "a", "target": "b", "set": []}]});
        let mistakes = read::<CreateTwin>(input, &["input"]).unwrap_err();
        let paths: Vec<String> = mistakes.iter().map(|mistake| mistake.path.join(".")).collect();
        assert_eq!(paths, ["input.set", "input.relations.1.set"]);
        let mistakes = read::<UpdateTwin>(json!({"id": "m-1", "expectedRevision": -1}), &["input"]).unwrap_err();
        assert_eq!(mistakes[0].code, "INVALID_VALUE");
    }
}
