//! The root of queries, as far as it is the same for all workspaces.

use super::build::{Out, SchemaBuilder};
use super::engine::{Ctx, RequestContext};
use super::error::ApiError;
use super::list::{self, Scope};
use super::relations::{self, RelationNode};
use super::request::Role;
use super::session::Session;
use super::types::hierarchy::{self, Tree};
use super::types::job::JobNode;
use super::types::node::NodeId;
use super::types::twin::{many, one, page_args, session};
use super::types::twin_type::TypeNode;
use super::types::{aggregate, alarm, cost, dry_run, event, explanation, ingest, job, proposal, rejection, rule, search, system};

/// `nodes(ids:)` answers so many at once.
const NODES_MAX: usize = 200;
/// What counting, adding up and searching through all twins costs.
const SCAN_WEIGHT: u32 = 20;
pub(super) const AGGREGATE_WEIGHT: u32 = 200;

pub fn declare(schema: &mut SchemaBuilder) {
    nodes(schema);
    twins(schema);
    relations::declare_query_fields(&mut schema.query());
    job::declare_query(&mut schema.query());
    types(schema);
    alarms(schema);
    rule::declare_query(schema);
    explanation::declare_query(schema);
    dry_run::declare_query(schema);
    house(schema);
}

fn nodes(schema: &mut SchemaBuilder) {
    schema
        .query()
        .field("node", "Node", "Whatever has this id; null if there is nothing of it.")
        .arg("id", "ID!")
        .resolve(|_, args, ctx| async move { Ok(node(&ctx, args.required_text("id")?).await?.unwrap_or(Out::Null)) })
        .field("nodes", "[Node!]!", "What has these ids, in their order; unknown ones are left out.")
        .arg("ids", "[ID!]!")
        .resolve(|_, args, ctx| async move {
            let ids = args.texts("ids").unwrap_or_default();
            if ids.len() > NODES_MAX {
                let message = format!("{} ids; at most {NODES_MAX} are looked up at once", ids.len());
                return Err(ApiError::limit("page_max", NODES_MAX as u64, message));
            }
            // Twins side by side: what is asked of all of them is read for all of them.
            if ids.iter().all(|id| matches!(NodeId::parse(id), NodeId::Twin(_))) {
                let session = session(&ctx)?;
                return Ok(many(session, ids.iter().filter_map(|id| session.by_id(id)).collect()));
            }
            let is_relation = |id: &&str| matches!(NodeId::parse(id), NodeId::Relation(_));
            let mut edges = relations::by_ids(&ctx, ids.iter().copied().filter(is_relation)).await?;
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                found.extend(match edges.remove(id) {
                    Some(edge) => Some(edge.node()),
                    None if is_relation(&id) => None,
                    None => node(&ctx, id).await?,
                });
            }
            Ok(Out::List(found))
        });
}

async fn node(ctx: &Ctx, id: &str) -> Result<Option<Out>, ApiError> {
    let session = session(ctx)?;
    Ok(match NodeId::parse(id) {
        NodeId::Twin(id) => session.by_id(id).map(|seen| one(session, seen)),
        NodeId::Type(name) => session.services.catalog.layout(name).cloned().map(|layout| Out::node("TwinType", TypeNode(layout))),
        NodeId::Rejection(place) => rejection::find(session, place).await?.map(|node| Out::node("Rejection", node)),
        NodeId::Proposal(_) => proposal::find(session, id).await?.map(|node| Out::node("Proposal", node)),
        NodeId::Job(no) => session.services.lasting.jobs.find(no).map(|job| Out::node("Job", JobNode::now(job))),
        NodeId::Relation(id) => relations::by_ids(ctx, [id]).await?.remove(id).map(RelationNode::node),
        NodeId::Alarm(place) => alarm::find(session, place).map(|node| Out::node("Alarm", node)),
        NodeId::Rule(place) => rule::find(session, place).map(|node| Out::node("Rule", node)),
        NodeId::Event(place) => event::find(session, place).await?.map(|node| Out::node("Event", node)),
        NodeId::Unknown => None,
    })
}

fn twins(schema: &mut SchemaBuilder) {
    let mut query = schema.query();
    query
        .field("twin", "Twin", "The twin of this id; null if there is none.")
        .arg("id", "ID!")
        .now(|_, args, ctx| {
            let session = session(ctx)?;
            Ok(session.by_id(args.required_text("id")?).map_or(Out::Null, |seen| one(session, seen)))
        })
        .field("twinByPath", "Twin", "The twin that stands at a path of ids, `/plant/mixing/mixer-1`.")
        .arg("path", "String!")
        .arg("hierarchy", "String")
        .arg_doc("Without it the primary one.")
        .now(|_, args, ctx| {
            let session = session(ctx)?;
            let found = Tree::named(session, args.text("hierarchy"))?.at(session, args.required_text("path")?);
            Ok(found.map_or(Out::Null, |seen| one(session, seen)))
        })
        .field("twinByExternalId", "Twin", "The twin that another system calls so.")
        .arg("namespace", "String!")
        .arg("value", "String!")
        .now(|_, args, ctx| {
            let session = session(ctx)?;
            let resident =
                session.runtime().shared.directory.by_external_id(args.required_text("namespace")?, args.required_text("value")?);
            let seen = resident.and_then(|resident| session.by_id(resident.id.as_str()));
            Ok(seen.map_or(Out::Null, |seen| one(session, seen)))
        });
    query.field("twins", "TwinConnection", "Twins of any type, those of `where` only.");
    page_args(&mut query).now(|_, args, ctx| list::twins(ctx, args, &Scope::All));
    query
        .field("twinsAggregate", "[TwinAggregate!]", "How many twins match, by groups, with statistics of their values.")
        .arg("where", "TwinWhere")
        .arg("groupBy", "[GroupBy!]")
        .arg_doc("Without it all are one group.")
        .arg("properties", "[String!]")
        .arg_doc("Numbers to add up; `drive.current` leads into an object.")
        .weight(AGGREGATE_WEIGHT)
        .now(|_, args, ctx| aggregate::root(ctx, args))
        .field("search", "[SearchHit!]", "Twins by what they are called, the best match first.")
        .arg("text", "String!")
        .arg("isA", "[String!]")
        .arg_doc("Of one of these types, or of a subtype.")
        .arg("first", "Int = 20")
        .weight(SCAN_WEIGHT)
        .now(|_, args, ctx| search::root(ctx, args))
        .field("hierarchies", "[Hierarchy!]!", "The relations that are trees, the primary one first.")
        .now(|_, _, ctx| Ok(hierarchy::all(session(ctx)?)));
}

fn alarms(schema: &mut SchemaBuilder) {
    schema
        .query()
        .field("alarms", "AlarmConnection", "The alarms that are open, the worst first, then the newest.")
        .arg("where", "AlarmWhere")
        .arg("orderBy", "[AlarmSort!]")
        .arg("first", "Int = 50")
        .arg("after", "String")
        .arg_doc("The `endCursor` of the page before.")
        .weight(SCAN_WEIGHT)
        .looks_ahead()
        .now(|_, args, ctx| alarm::page(ctx, args))
        .field("events", "EventConnection", "The latest events of types, the newest first, as far as the journal reaches.")
        .arg("where", "EventWhere")
        .arg("first", "Int = 50")
        .arg("after", "String")
        .arg_doc("The `endCursor` of the page before.")
        .weight(SCAN_WEIGHT)
        .looks_ahead()
        .resolve(|_, args, ctx| async move { event::page(&ctx, None, &args).await })
        .field("alarmCounts", "AlarmCounts", "How many alarms are open.")
        .arg("where", "AlarmWhere")
        .weight(SCAN_WEIGHT)
        .now(|_, args, ctx| alarm::counts(ctx, args))
        .field(
            "alarmFigures",
            "AlarmFigures",
            "How alarms do as a whole, by those raised in a stretch of time. In memory, so they reach back to the start of the program: `completeSince`.",
        )
        .arg("under", "ID")
        .arg_doc("A twin with all that is below it in the primary hierarchy now; otherwise all.")
        .arg("range", "RangeInput!")
        .arg_doc("In the time of the data.")
        .weight(SCAN_WEIGHT)
        .now(|_, args, ctx| alarm::figures(ctx, args));
}

fn types(schema: &mut SchemaBuilder) {
    schema
        .query()
        .field("types", "[TwinType!]!", "The types of the workspace, by name.")
        .arg("isA", "String")
        .arg_doc("Only this type and its subtypes.")
        .now(|_, args, ctx| {
            let is_a = args.text("isA");
            let all = session(ctx)?.services.catalog.types.iter().filter(|layout| is_a.is_none_or(|name| layout.is_a(name)));
            Ok(Out::objects(all.cloned().map(TypeNode)))
        })
        .field("type", "TwinType", "The type of this name; null if there is none.")
        .arg("name", "String!")
        .now(|_, args, ctx| {
            let layout = session(ctx)?.services.catalog.layout(args.required_text("name")?).cloned();
            Ok(layout.map_or(Out::Null, |layout| Out::object(TypeNode(layout))))
        });
}

/// What the system says of itself and of what came in.
fn house(schema: &mut SchemaBuilder) {
    schema
        .query()
        .field("rejections", "RejectionConnection", "What came in and could not be used, the newest first.")
        .arg("where", "RejectionWhere")
        .arg("first", "Int = 50")
        .arg("after", "String")
        .arg_doc("The `endCursor` of the page before.")
        .looks_ahead()
        .resolve(|_, args, ctx| async move { rejection::page(session(&ctx)?, &args).await })
        .field("proposals", "[Proposal!]", "Unknown senders whose messages are kept in quarantine, the latest heard of first.")
        .arg("first", "Int = 50")
        .resolve(|_, args, ctx| async move { proposal::list(session(&ctx)?, &args).await })
        .field("previewIngest", "IngestTrace!", "What would become of a message. Nothing is sent.")
        .arg("topic", "String!")
        .arg_doc("A topic of MQTT, or a path: `/ingest/mixer-1`, `/ingest/topic/…`, `/ingest`.")
        .arg("payload", "String!")
        .now(|_, args, ctx| ingest::root(ctx, args))
        .field("cost", "Cost!", "What a document would cost. It is checked, and not run.")
        .arg("document", "String!")
        .arg("variables", "JSON")
        .arg("operationName", "String")
        .now(|_, args, ctx| cost::root(ctx, args))
        .field("issues", "[Issue!]!", "What is not as it should be with the system or the workspace. For admins.")
        .role(Role::Admin)
        .now(|_, _, ctx| Ok(issues(session(ctx)?)))
        .field("viewer", "Viewer!", "Who asks.")
        .now(|_, _, ctx| Ok(viewer(ctx)))
        .field("system", "System!", "The running program.")
        .now(|_, _, ctx| system::root(ctx));
}

fn issues(session: &Session) -> Out {
    Out::objects(system::issues(session))
}

fn viewer(ctx: &RequestContext) -> Out {
    Out::object(ctx.caller.clone())
}
