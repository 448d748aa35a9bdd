//! What mutations give back: the commit after which what they did can be read, the mistakes of the caller, and what was made.

use std::any::Any;
use std::sync::Arc;

use super::issue::UserError;
use super::twin::{many, one, session};
use crate::api::build::{ObjectBuilder, Out, SchemaBuilder};
use crate::api::relations::RelationNode;
use crate::api::session::Seen;
use crate::reading::Seq;
use crate::twin::Edge;

/// What came of a mutation; with mistakes nothing was done, unless the payload says how much of it.
#[derive(Debug, Clone)]
pub struct Payload<T> {
    pub seq: Option<Seq>,
    pub errors: Vec<UserError>,
    pub what: T,
}

impl<T> Payload<T> {
    pub fn done(seq: Seq, what: T) -> Payload<T> {
        Payload { seq: Some(seq), errors: Vec::new(), what }
    }

    /// Nothing was done.
    pub fn refused(errors: Vec<UserError>, what: T) -> Payload<T> {
        Payload { seq: None, errors, what }
    }
}

/// A twin that was made or changed; none after a mistake, or if it is gone again.
pub type TwinPayload = Payload<Option<Seen>>;
/// Ids of what is no more.
pub type DeletePayload = Payload<Vec<String>>;
pub type RelationPayload = Payload<Option<Arc<Edge>>>;

/// What many changes in one commit have made.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    pub twins: Vec<Seen>,
    pub relations: Vec<Arc<Edge>>,
    pub deleted: Vec<String>,
}

/// The parent of the interface. Each payload has its own fields.
#[derive(Debug)]
struct AnyPayload;

const SEQ: &str = "The commit that carries the change: what is read from here on contains it. Null if nothing was done.";
const USER_ERRORS: &str = "What is wrong with what was asked for, all of it; empty if it was done.";

/// Begins the payload `name`; what it says beyond its commit and the mistakes is to follow.
#[track_caller]
pub fn object<'a, T: Any + Send + Sync>(schema: &'a mut SchemaBuilder, name: &str, doc: &str) -> ObjectBuilder<'a, Payload<T>> {
    let mut payload = schema.object::<Payload<T>>(name, doc);
    payload.implements("Payload").value("seq", "Long", SEQ, |payload, _| payload.seq.map(|seq| seq.0)).value(
        "userErrors",
        "[UserError!]!",
        USER_ERRORS,
        |payload, _| Out::objects(payload.errors.iter().cloned()),
    );
    payload
}

/// A payload of one twin, shown by the field `field` of the type `ty`.
#[track_caller]
pub fn declare_twin(schema: &mut SchemaBuilder, name: &str, field: &str, ty: &str) {
    object::<Option<Seen>>(schema, name, "What came of a change of a twin.")
        .field(field, ty, "The twin with the change; null if there was a mistake.")
        .now(|payload, _, ctx| {
            let session = session(ctx)?;
            Ok(payload.what.clone().map_or(Out::Null, |seen| one(session, seen)))
        });
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema.interface::<AnyPayload>("Payload", "What came of a mutation.").field("seq", "Long", SEQ).field(
        "userErrors",
        "[UserError!]!",
        USER_ERRORS,
    );
    declare_twin(schema, "TwinPayload", "twin", "Twin");
    object::<Vec<String>>(schema, "DeletePayload", "What came of a deletion.").value(
        "deleted",
        "[ID!]!",
        "The ids of what is no more.",
        |payload, _| Out::list(payload.what.iter().cloned()),
    );
    object::<Option<Arc<Edge>>>(schema, "RelationPayload", "What came of a change of a relation.").value(
        "relation",
        "Relation",
        "The new edge; null if there was a mistake.",
        |payload, _| payload.what.clone().map(|edge| RelationNode::alone(edge).out()),
    );
    object::<Graph>(schema, "ApplyGraphPayload", "What came of many changes in one commit.")
        .field("twins", "[Twin!]!", "The twins that were made, changed or moved. Of a dry run: as they would be.")
        .now(|payload, _, ctx| Ok(many(session(ctx)?, payload.what.twins.clone())))
        .value(
            "relations",
            "[Relation!]!",
            "The edges that were begun by `relate` and with new twins. Of a dry run: none.",
            |payload, _| Out::List(payload.what.relations.iter().map(|edge| RelationNode::alone(edge.clone()).out()).collect()),
        )
        .value("deleted", "[ID!]!", "The ids of twins and relations that are no more.", |payload, _| {
            Out::list(payload.what.deleted.iter().cloned())
        });
}
