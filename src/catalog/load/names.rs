//! Which names may be given: their form, and those that the API needs for itself.

use crate::source::{Diagnostic, Diagnostics, Span, codes};

const NAME_CHARS_MAX: usize = 128;

/// Fields that every twin has in the API, and the words of its filters.
const RESERVED_MEMBERS: &[&str] = &[
    "actor",
    "alarms",
    "ancestors",
    "and",
    "attachments",
    "children",
    "commands",
    "createdAt",
    "descendants",
    "events",
    "externalIds",
    "history",
    "id",
    "kind",
    "lastSeen",
    "name",
    "not",
    "or",
    "parent",
    "path",
    "predictions",
    "presence",
    "properties",
    "readings",
    "relations",
    "revision",
    "revisions",
    "scenes",
    "seq",
    "severity",
    "twin",
    "type",
    "typeName",
    "updatedAt",
];

/// The API's own types, and the scalars of GraphQL.
pub const RESERVED_TYPES: &[&str] = &[
    "ActorInfo",
    "Agg",
    "AggregateRow",
    "Alarm",
    "AlarmCondition",
    "AlarmConnection",
    "AlarmCounts",
    "AlarmEdge",
    "AlarmFigures",
    "AlarmFlood",
    "AlarmItem",
    "AlarmLogEntry",
    "AlarmOp",
    "AlarmOutcome",
    "AlarmResult",
    "AlarmSort",
    "AlarmSortField",
    "AlarmWhere",
    "AlarmsPayload",
    "AncestorGroup",
    "AnyReading",
    "ApplyGraphPayload",
    "Asset",
    "Attachment",
    "AttachmentPayload",
    "BetweenInput",
    "Boolean",
    "BooleanMatch",
    "BooleanReading",
    "BulkPayload",
    "BulkPreview",
    "Change",
    "ChangeClass",
    "ChangeItem",
    "ChangeKind",
    "Command",
    "CommandConnection",
    "CommandEdge",
    "CommandPayload",
    "CommandStatus",
    "CommandStep",
    "Cost",
    "CreateTwinInput",
    "Date",
    "DateTime",
    "DateTimeMatch",
    "DateTimeReading",
    "Decimal",
    "DeletePayload",
    "DeleteTwinInput",
    "Direction",
    "Downsample",
    "DriftReport",
    "DryRun",
    "DryRunChange",
    "DryRunOccurrence",
    "DryRunRule",
    "Duration",
    "Event",
    "EventConnection",
    "EventEdge",
    "EventItem",
    "EventWhere",
    "Explanation",
    "ExplanationStep",
    "ExternalId",
    "ExternalIdInput",
    "FeatureDrift",
    "Fill",
    "Float",
    "FloatArray",
    "FloatMatch",
    "FloatReading",
    "FloatReadingMatch",
    "FloatStats",
    "FrameKind",
    "Gap",
    "GraphOp",
    "GraphSlice",
    "GroupBy",
    "GroupKey",
    "Health",
    "Hierarchy",
    "HistoryResult",
    "ID",
    "ImportPayload",
    "ImportSceneInput",
    "IngestPayload",
    "IngestResult",
    "IngestStep",
    "IngestTrace",
    "Int",
    "IntMatch",
    "IntReading",
    "Issue",
    "JSON",
    "JSONReading",
    "Job",
    "JobState",
    "Limits",
    "LocalTime",
    "Long",
    "LongReading",
    "Model",
    "ModelMetrics",
    "ModelPayload",
    "ModelStage",
    "ModelVersion",
    "MoveTwinInput",
    "Mutation",
    "Node",
    "Origin",
    "PageInfo",
    "Path",
    "PathMatch",
    "Payload",
    "Prediction",
    "PredictionConnection",
    "PredictionEdge",
    "PredictionItem",
    "Presence",
    "Property",
    "PropertyDef",
    "PropertyMatch",
    "PropertyStats",
    "Proposal",
    "Quality",
    "Query",
    "RangeInput",
    "Reading",
    "ReadingFrame",
    "ReadingInput",
    "ReadingSelect",
    "RegisterModelInput",
    "Rejection",
    "RejectionConnection",
    "RejectionEdge",
    "RejectionWhere",
    "RelateInput",
    "Relation",
    "RelationConnection",
    "RelationDef",
    "RelationEdge",
    "RelationPayload",
    "RelationWhere",
    "Resolution",
    "Revision",
    "RevisionConnection",
    "RevisionEdge",
    "Rule",
    "RuleCount",
    "RuleKind",
    "RulePayload",
    "RuleState",
    "Scene",
    "SceneFormat",
    "SceneFrame",
    "ScenePayload",
    "SchemaRevision",
    "ScorePayload",
    "SearchHit",
    "Series",
    "SeriesRef",
    "Severity",
    "SeverityCount",
    "SortDirection",
    "SqlColumn",
    "SqlResult",
    "StepKind",
    "StreamKind",
    "String",
    "StringMatch",
    "StringReading",
    "Subscription",
    "Suppression",
    "System",
    "Tensor",
    "TimeArray",
    "Twin",
    "TwinAggregate",
    "TwinConnection",
    "TwinEdge",
    "TwinFrame",
    "TwinKind",
    "TwinListWhere",
    "TwinPayload",
    "TwinSeries",
    "TwinSort",
    "TwinSortField",
    "TwinType",
    "TwinWhere",
    "TypeChange",
    "TypeMatch",
    "TypePlan",
    "TypesPayload",
    "UnrelateInput",
    "UpdateTwinInput",
    "UserError",
    "Viewer",
    "VisualState",
    "WhereSeries",
    "WindowResult",
];

/// Names that an edge already has a use for.
const RESERVED_EDGE_PROPERTIES: &[&str] = &["to", "validFrom", "validTo", "externalId"];

/// `[A-Z][A-Za-z0-9]{0,127}`
pub fn is_type_name(name: &str) -> bool {
    name.len() <= NAME_CHARS_MAX && name.starts_with(|c: char| c.is_ascii_uppercase()) && name.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// `[A-Za-z][A-Za-z0-9_]{0,127}`
pub(super) fn is_member_name(name: &str) -> bool {
    let is_inner = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    name.len() <= NAME_CHARS_MAX && name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(is_inner)
}

/// Whether a member, a relation or the inverse of one may be called so; if not, it is reported.
pub(super) fn check_member(name: &str, span: Span, problems: &mut Diagnostics) -> bool {
    if !is_member_name(name) {
        problems.push(not_a_name(name, span).help("where payloads use this name, give it to the member with `wire:`"));
        return false;
    }
    if RESERVED_MEMBERS.contains(&name) {
        let message = format!("`{name}` is reserved: every twin has a field of that name");
        let help = format!("use another name; where payloads say `{name}`, add `wire: {name}`");
        problems.push(Diagnostic::new(&codes::RESERVED_NAME, span, message).help(help));
        return false;
    }
    true
}

/// A field of an object or an enum value: any name of the right form.
pub(super) fn check_plain(name: &str, span: Span, problems: &mut Diagnostics) -> bool {
    let is_fine = is_member_name(name);
    if !is_fine {
        problems.push(not_a_name(name, span));
    }
    is_fine
}

fn not_a_name(name: &str, span: Span) -> Diagnostic {
    let message = format!("`{name}` is not a name: a letter, then letters, digits and `_`, at most {NAME_CHARS_MAX}");
    Diagnostic::new(&codes::BAD_NAME, span, message)
}

pub(super) fn check_edge_property(name: &str, span: Span, problems: &mut Diagnostics) -> bool {
    if RESERVED_EDGE_PROPERTIES.contains(&name) {
        problems.push(Diagnostic::new(&codes::RESERVED_NAME, span, format!("`{name}` is reserved: every edge has it")));
        return false;
    }
    check_plain(name, span, problems)
}

/// `others` tells whether a type of that name exists: `AnyPump` is the name of an interface where `Pump` is a type.
pub(super) fn check_type(name: &str, span: Span, others: impl Fn(&str) -> bool, problems: &mut Diagnostics) {
    if RESERVED_TYPES.contains(&name) {
        problems.push(Diagnostic::new(&codes::RESERVED_NAME, span, format!("`{name}` is reserved: the API has a type of that name")));
    } else if let Some(other) = name.strip_prefix("Any").filter(|other| others(other)) {
        let message = format!("`{name}` is reserved: it is the API's interface of the type `{other}`");
        problems.push(Diagnostic::new(&codes::RESERVED_NAME, span, message));
    }
}
