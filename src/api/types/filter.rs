//! The inputs that filter, order and group twins of any type. What they mean is decided by `access`.

use crate::api::build::SchemaBuilder;

pub fn declare(schema: &mut SchemaBuilder) {
    schema.enumeration("SortDirection", "Null and missing come last either way.", &[("ASC", ""), ("DESC", "")]);
    schema.enumeration(
        "Direction",
        "Which ends of relations are followed.",
        &[("OUT", "From source to target."), ("IN", "From target to source."), ("BOTH", "")],
    );
    twins(schema);
    matches(schema);
    order(schema);
}

fn twins(schema: &mut SchemaBuilder) {
    schema
        .input("TwinWhere", "Which twins. Keys are joined by AND; null means absent; `{}` is all.")
        .field("and", "[TwinWhere!]")
        .field("or", "[TwinWhere!]")
        .doc("An empty list matches nothing.")
        .field("not", "TwinWhere")
        .field("ids", "[ID!]")
        .field("isA", "[String!]")
        .doc("Of one of these types, or of a subtype.")
        .field("kind", "TwinKind")
        .field("presence", "[Presence!]")
        .doc("One of these.")
        .field("name", "StringMatch")
        .field("path", "PathMatch")
        .field("externalId", "ExternalIdInput")
        .field("property", "PropertyMatch")
        .doc("By a property or telemetry, whatever the type.")
        .field("relation", "RelationWhere")
        .doc("By what a relation leads to.")
        .field("stale", "Boolean")
        .doc("Whether some reading is older than its type allows.")
        .field("updatedAt", "DateTimeMatch");
    schema.input("ExternalIdInput", "What another system calls a twin.").field("namespace", "String!").field("value", "String!");
    schema
        .input("TwinListWhere", "By the twins a relation leads to.")
        .field("some", "TwinWhere")
        .doc("At least one matches.")
        .field("every", "TwinWhere")
        .doc("All match; true for none.")
        .field("none", "TwinWhere")
        .field("count", "IntMatch");
    schema
        .input("PropertyMatch", "By one member, which not every type has.")
        .field("name", "String!")
        .doc("As the type declares it; `drive.current` leads into an object.")
        .field("number", "FloatReadingMatch")
        .field("text", "StringMatch")
        .field("bool", "BooleanMatch");
    schema
        .input("RelationWhere", "By the twins that a relation leads to.")
        .field("name", "String!")
        .field("direction", "Direction = OUT")
        .field("some", "TwinWhere")
        .doc("At least one matches.")
        .field("every", "TwinWhere")
        .doc("All match; true for none.")
        .field("none", "TwinWhere")
        .field("count", "IntMatch");
    schema
        .input("PathMatch", "By the place in a hierarchy.")
        .field("eq", "String")
        .doc("The twin at this path.")
        .field("under", "String")
        .doc("The twins below this path, not the one at it.")
        .field("depth", "Int")
        .doc("With `under`: at most so many steps below; 1 are the children.")
        .field("hierarchy", "String")
        .doc("Without it the primary one.");
}

fn matches(schema: &mut SchemaBuilder) {
    schema
        .input("StringMatch", "Keys are joined by AND.")
        .field("eq", "String")
        .field("ne", "String")
        .field("in", "[String!]")
        .field("notIn", "[String!]")
        .field("startsWith", "String")
        .field("contains", "String")
        .field("like", "String")
        .doc("`*` stands for any text, `?` for one character.")
        .field("isNull", "Boolean")
        .field("ignoreCase", "Boolean")
        .doc("For all keys beside it.");
    numbers(schema, "FloatMatch", "Float", "Keys are joined by AND. What is null or missing matches only `isNull`.");
    numbers(schema, "IntMatch", "Int", "Keys are joined by AND.");
    numbers(
        schema,
        "FloatReadingMatch",
        "Float",
        "Keys are joined by AND. What is missing or BAD matches no comparison, also not under `not`.",
    )
    .field("unit", "String")
    .doc("The unit of the numbers here; without it that of the type.")
    .field("quality", "[Quality!]")
    .field("stale", "Boolean")
    .field("olderThan", "Duration")
    .doc("By event time.");
    schema.input("BooleanMatch", "Keys are joined by AND.").field("eq", "Boolean").field("isNull", "Boolean");
    schema
        .input("DateTimeMatch", "Keys are joined by AND.")
        .field("gt", "DateTime")
        .field("gte", "DateTime")
        .field("lt", "DateTime")
        .field("lte", "DateTime")
        .field("within", "Duration")
        .doc("At most so long ago.")
        .field("isNull", "Boolean");
}

fn numbers<'a>(schema: &'a mut SchemaBuilder, name: &str, number: &str, doc: &str) -> crate::api::build::InputBuilder<'a> {
    let list = format!("[{number}!]");
    let mut input = schema.input(name, doc);
    input
        .field("eq", number)
        .field("ne", number)
        .field("in", &list)
        .field("gt", number)
        .field("gte", number)
        .field("lt", number)
        .field("lte", number)
        .field("isNull", "Boolean");
    input
}

fn order(schema: &mut SchemaBuilder) {
    schema
        .input("TwinSort", "By a field or by a property, not both. The id comes last in any order.")
        .field("field", "TwinSortField")
        .field("property", "String")
        .field("direction", "SortDirection = ASC");
    schema.enumeration(
        "TwinSortField",
        "What twins of any type are ordered by.",
        &[("ID", ""), ("NAME", ""), ("TYPE", ""), ("PATH", ""), ("PRESENCE", ""), ("LAST_SEEN", ""), ("UPDATED_AT", "")],
    );
    schema
        .input("GroupBy", "One key of the groups.")
        .field("property", "String")
        .field("type", "Boolean")
        .field("ancestor", "AncestorGroup")
        .one_of();
    schema
        .input("AncestorGroup", "By a twin above.")
        .field("type", "String")
        .doc("The nearest one of this type.")
        .field("level", "Int")
        .doc("The one so many steps below the root; 0 is the root.")
        .field("hierarchy", "String");
}
