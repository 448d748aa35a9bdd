//! `Twin`: what every twin has, whatever its type. Generated objects take these fields over.

use std::sync::Arc;

use super::hierarchy::{self, Tree};
use super::property::PropertyNode;
use super::reading::SlotNode;
use super::twin_type::TypeNode;
use crate::api::access::Presence;
use crate::api::build::{Args, ObjectBuilder, Out, SchemaBuilder};
use crate::api::cohort::Cohort;
use crate::api::engine::{Ctx, RequestContext};
use crate::api::error::ApiError;
use crate::api::list::{self, Scope};
use crate::api::names::ViewPlan;
use crate::api::relations;
use crate::api::request::Role;
use crate::api::session::{Seen, Session};
use crate::catalog::layout::{Kind, Section};
use crate::twin::State;

/// A twin within an answer. All its fields come from this one state.
#[derive(Debug, Clone)]
pub struct TwinNode {
    pub seen: Seen,
    /// The twins that stand beside it in the answer: what a relation needs is read for all of them at once.
    pub cohort: Arc<Cohort>,
}

impl TwinNode {
    pub fn state(&self) -> &State {
        &self.seen.state
    }
}

/// A twin as a value of a field. The one place that knows which object shows it.
pub fn twin_out(session: &Session, seen: Seen, cohort: Arc<Cohort>) -> Out {
    let object = session.plan().object_of(&seen.state.layout).to_string();
    Out::node(object, TwinNode { seen, cohort })
}

/// A twin that stands alone.
pub fn one(session: &Session, seen: Seen) -> Out {
    let cohort = Cohort::of([seen.state.no]);
    twin_out(session, seen, cohort)
}

/// Twins side by side.
pub fn many(session: &Session, twins: Vec<Seen>) -> Out {
    let cohort = Cohort::of(twins.iter().map(|seen| seen.state.no));
    Out::List(twins.into_iter().map(|seen| twin_out(session, seen, cohort.clone())).collect())
}

pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Asset => "ASSET",
        Kind::Device => "DEVICE",
    }
}

pub fn declare(schema: &mut SchemaBuilder, plan: &ViewPlan) {
    schema.enumeration(
        "TwinKind",
        "What a twin stands for.",
        &[("ASSET", "A thing of the plant: a line, a machine, a room."), ("DEVICE", "What measures and talks.")],
    );
    schema.enumeration(
        "Presence",
        "Whether a twin is heard of, as far as the age of its readings tells.",
        &[("ONLINE", "Some reading is fresh."), ("OFFLINE", "All readings are stale."), ("UNKNOWN", "Nothing says when it would be.")],
    );
    schema
        .object::<(String, String)>("ExternalId", "What another system calls a twin.")
        .value("namespace", "String!", "The other system.", |(namespace, _), _| namespace.clone())
        .value("value", "String!", "Its name for the twin.", |(_, value), _| value.clone());
    let mut twin = schema.interface::<TwinNode>("Twin", "An asset or a device. Every generated type has these fields, too.");
    head(&mut twin);
    placed(&mut twin);
    generic(&mut twin);
    relations::declare_twin_fields(&mut twin);
    schema
        .object::<TwinNode>(
            &plan.fallback,
            "A twin of a type that this view does not generate: everything of it is under `properties` and `readings`.",
        )
        .implements("Node")
        .implements("Twin");
}

/// What stands in the state itself.
fn head(twin: &mut ObjectBuilder<'_, TwinNode>) {
    twin.value("id", "ID!", "It never changes.", |twin, _| twin.state().id.as_str().to_owned())
        .value("name", "String!", "For people; need not be unique.", |twin, _| twin.state().name.to_string())
        .value("kind", "TwinKind!", "", |twin, _| kind_name(twin.state().layout.kind))
        .value("typeName", "String!", "The name of its type, as the modeller wrote it.", |twin, _| twin.state().layout.name.to_string())
        .value("type", "TwinType!", "Its type.", |twin, _| Out::object(TypeNode(twin.state().layout.0.clone())))
        .value("externalIds", "[ExternalId!]!", "What other systems call it.", |twin, _| {
            Out::objects(twin.state().external_ids.iter().cloned())
        })
        .value("presence", "Presence!", "Whether it is heard of.", |twin, ctx| {
            ctx.services::<Session>().map_or("UNKNOWN", |session| Presence::of(twin.state(), session.now()).name())
        })
        .value("lastSeen", "DateTime", "When its newest reading was received.", |twin, _| twin.state().last_seen().map(Out::print))
        .value("revision", "Long!", "Counts its events: the same revision is the same state.", |twin, _| twin.state().revision.0)
        .value("seq", "Long!", "The commit that carried its latest event.", |twin, _| twin.seen.seq.0)
        .value("createdAt", "DateTime!", "", |twin, _| Out::print(twin.state().created))
        .value("updatedAt", "DateTime!", "When its latest event was recorded.", |twin, _| Out::print(twin.state().updated))
        .value("severity", "Severity", "The worst of its open alarms that nothing suppresses; null where there is none.", |twin, _| {
            twin.state().severity().map(|severity| severity.as_str())
        })
        .field("alarms", "AlarmConnection", "Its open alarms, the worst first.")
        .arg("where", "AlarmWhere")
        .arg("orderBy", "[AlarmSort!]")
        .arg("first", "Int = 50")
        .arg("after", "String")
        .looks_ahead()
        .now(|twin, args, ctx| super::alarm::page_of(ctx, &twin.seen, args))
        .field("events", "EventConnection", "Its latest events, the newest first, as far as the journal reaches.")
        .arg("where", "EventWhere")
        .arg("first", "Int = 50")
        .arg("after", "String")
        .looks_ahead()
        .resolve(|twin, args, ctx| async move { super::event::page(&ctx, Some(&twin.seen), &args).await })
        .field("actor", "ActorInfo", "The actor behind it, at this moment. For admins.")
        .now(|twin, _, ctx| Ok(session(ctx)?.runtime().observe(twin.state().id.as_str()).map_or(Out::Null, Out::object)))
        .role(Role::Admin);
}

/// Where it stands in a hierarchy.
fn placed(twin: &mut ObjectBuilder<'_, TwinNode>) {
    const WHICH: &str = "A relation declared as a hierarchy; without it `contains`, the primary one.";
    twin.field("path", "String", "The ids from the root down to it: `/plant/mixing/mixer-1`. Null outside of the hierarchy's reach.")
        .arg("hierarchy", "String")
        .arg_doc(WHICH)
        .now(|twin, args, ctx| {
            let session = session(ctx)?;
            Ok(Tree::named(session, args.text("hierarchy"))?.path(session, twin.state()).into())
        })
        .field("parent", "Twin", "The twin right above it; null for a root.")
        .arg("hierarchy", "String")
        .arg_doc(WHICH)
        .now(|twin, args, ctx| {
            let session = session(ctx)?;
            let parent = Tree::named(session, args.text("hierarchy"))?.parent(session, twin.state().no);
            Ok(parent.map_or(Out::Null, |parent| one(session, parent)))
        })
        .field("ancestors", "[Twin!]", "The twins above it, its parent first, the root last.")
        .arg("hierarchy", "String")
        .arg_doc(WHICH)
        .now(|twin, args, ctx| {
            let session = session(ctx)?;
            let tree = Tree::named(session, args.text("hierarchy"))?;
            Ok(many(session, tree.ancestors(session, twin.state().no)))
        });
    twin.field("children", "TwinConnection", "The twins right below it.").arg("hierarchy", "String").arg_doc(WHICH);
    page_args(twin).now(|twin, args, ctx| below(twin, args, ctx, Some(1)));
    twin.field("descendants", "TwinConnection", "All twins below it, down to `depth` steps.").arg("hierarchy", "String").arg_doc(WHICH);
    twin.arg("depth", "Int").arg_doc("1 are the children; without it all.");
    page_args(twin).now(|twin, args, ctx| {
        let depth = match args.integer("depth") {
            None => None,
            Some(depth) => Some(u32::try_from(depth).ok().filter(|depth| *depth > 0).ok_or_else(|| hierarchy::bad_depth(depth))?),
        };
        below(twin, args, ctx, depth)
    });
}

fn below(twin: &TwinNode, args: &Args, ctx: &Ctx, depth: Option<u32>) -> Result<Out, ApiError> {
    let session = session(ctx)?;
    let tree = Tree::named(session, args.text("hierarchy"))?;
    list::twins(ctx, args, &Scope::Below { twin: twin.state().no, tree, depth })
}

/// The arguments of a page of twins.
pub fn page_args<'a, 'b, T: std::any::Any + Send + Sync>(field: &'a mut ObjectBuilder<'b, T>) -> &'a mut ObjectBuilder<'b, T> {
    field
        .arg("where", "TwinWhere")
        .arg("orderBy", "[TwinSort!]")
        .arg_doc("By id at last, and without it.")
        .arg("first", "Int = 50")
        .arg_doc("How many; see `Query.system.limits` for the most.")
        .arg("after", "String")
        .arg_doc("The `endCursor` of the page before.")
        .looks_ahead()
}

/// Its members for clients that do not know the type.
fn generic(twin: &mut ObjectBuilder<'_, TwinNode>) {
    twin.field("properties", "[Property!]!", "Its properties, for clients that do not know the type.")
        .arg("names", "[String!]")
        .arg_doc("Only these; names that the type does not have are left out.")
        .now(|twin, args, _| {
            let nodes =
                members(twin, args, |section| section == Section::Property).map(|member| PropertyNode { seen: twin.seen.clone(), member });
            Ok(Out::objects(nodes))
        })
        .field("readings", "[Reading!]!", "Its telemetry and computed values, for clients that do not know the type.")
        .arg("names", "[String!]")
        .arg_doc("Only these; names that the type does not have are left out.")
        .now(|twin, args, _| {
            let layout = &twin.state().layout;
            let nodes = members(twin, args, Section::is_live).map(|at| SlotNode::of_member(twin.seen.clone(), &layout.members[at]));
            Ok(Out::objects(nodes))
        });
}

/// The places of the members that are asked for, in the order of the type.
fn members<'a>(twin: &'a TwinNode, args: &'a Args, is_meant: fn(Section) -> bool) -> impl Iterator<Item = usize> + 'a {
    let names = args.texts("names");
    let members = twin.state().layout.members.iter().enumerate().filter(move |(_, member)| is_meant(member.section));
    members.filter(move |(_, member)| names.as_ref().is_none_or(|names| names.contains(&&*member.name))).map(|(at, _)| at)
}

pub fn session(ctx: &RequestContext) -> Result<&Session, ApiError> {
    ctx.services::<Session>()
}
