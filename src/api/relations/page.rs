//! One relation of a twin, in pages. The pages of all twins of a cohort are made together, so that the twins they show form one cohort again.

use std::sync::Arc;

use foldhash::HashMap;
use serde_json::{Map, Value as Json};

use crate::api::access::{Access, Among, CursorKey, Filter, Order, Rank};
use crate::api::access::{decode_order, decode_twin_where, decode_typed_order, decode_where, fingerprint};
use crate::api::build::Args;
use crate::api::cohort::Cohort;
use crate::api::engine::Ctx;
use crate::api::error::ApiError;
use crate::api::names::{NodeRef, Way};
use crate::api::session::{Seen, Session};
use crate::api::types::first;
use crate::api::types::twin::TwinNode;
use crate::reading::TwinNo;
use crate::twin::Edge;

use super::walk::{self, Edges, Walk, other_end};

/// An edge of a page and who stands at its other end.
#[derive(Debug, Clone)]
pub struct RelationEdge {
    pub edge: Arc<Edge>,
    pub other: Seen,
}

/// A page of one relation of one twin.
#[derive(Debug)]
pub struct RelationPage {
    pub edges: Vec<RelationEdge>,
    pub has_next: bool,
    pub has_previous: bool,
    /// All twins that this page and those beside it show.
    pub cohort: Arc<Cohort>,
    /// One for each edge.
    ranks: Vec<Rank>,
    total: usize,
    belongs_to: u64,
    key: CursorKey,
}

impl RelationPage {
    /// For `after`: to go on behind this place. It is signed only where somebody asks.
    pub fn cursor(&self, place: usize) -> String {
        self.ranks.get(place).map(|rank| rank.cursor(self.belongs_to, &self.key)).unwrap_or_default()
    }

    /// On all pages.
    pub fn total(&self) -> usize {
        self.total
    }
}

/// What a field of a relation is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub walk: Walk,
    pub node: NodeRef,
    pub args: Map<String, Json>,
}

/// Its answers.
#[derive(Debug)]
pub struct Pages {
    by_twin: HashMap<TwinNo, Arc<RelationPage>>,
}

/// A page of a relation by `where`, `orderBy`, `first` and `after`, whose inputs are those of `node`.
pub async fn page(
    twin: &TwinNode,
    relation: Arc<str>,
    way: Way,
    node: NodeRef,
    args: Args,
    ctx: &Ctx,
) -> Result<Arc<RelationPage>, ApiError> {
    page_of(twin, Walk::along(relation, way), node, args, ctx).await
}

/// A page of whatever is on a way.
pub(super) async fn page_of(twin: &TwinNode, walk: Walk, node: NodeRef, args: Args, ctx: &Ctx) -> Result<Arc<RelationPage>, ApiError> {
    let asked = Asked { walk, node, args: args.values.clone() };
    let cohort = &twin.cohort;
    let pages = cohort.pages(&asked, || async {
        let request = PageRequest::decode(ctx, &asked, &args)?;
        let edges = walk::edges(ctx, cohort, &asked.walk).await?;
        request.pages(ctx, cohort.twins(), &edges)
    });
    let no_page = || ApiError::new(crate::api::Code::Internal, "a twin is not of its own cohort");
    pages.await?.by_twin.get(&twin.seen.state.no).cloned().ok_or_else(no_page)
}

/// The arguments, understood.
struct PageRequest {
    filter: Filter,
    order: Order,
    first: usize,
    after: Option<String>,
    belongs_to: u64,
}

/// What matches at one twin, in order.
struct Matches {
    twin: TwinNo,
    all: Vec<(Rank, RelationEdge)>,
}

impl PageRequest {
    fn decode(ctx: &Ctx, asked: &Asked, args: &Args) -> Result<PageRequest, ApiError> {
        let session = ctx.services::<Session>()?;
        let (access, plan) = (session.access(ctx.caller.role), session.plan());
        let (wanted, sort) = (args.get("where"), args.get("orderBy"));
        let (filter, order) = match asked.node {
            NodeRef::Twin => (decode_twin_where(&access, "where", wanted)?, decode_order(&access, "orderBy", sort)?),
            NodeRef::Type(index) => {
                let order = decode_typed_order(&access, &plan.types[index], "orderBy", sort)?;
                (decode_where(&access, plan, index, "where", wanted)?, order)
            }
        };
        let list = format!("relation {:?} {:?}", asked.walk.way, asked.walk.relations);
        Ok(PageRequest {
            filter,
            order,
            first: first(args, session)?,
            after: args.text("after").map(str::to_owned),
            belongs_to: fingerprint(&list, wanted, sort),
        })
    }

    /// The pages of all twins of a cohort, and the cohort of all that they show.
    fn pages(&self, ctx: &Ctx, twins: &[TwinNo], edges: &Edges) -> Result<Pages, ApiError> {
        let session = ctx.services::<Session>()?;
        let access = session.access(ctx.caller.role);
        let key = &session.services.lasting.cursor_key;
        let mut ends = Ends::default();
        let at: Vec<(TwinNo, Vec<RelationEdge>)> = twins.iter().map(|twin| (*twin, ends.meet(session, *twin, edges))).collect();
        let states = at.iter().flat_map(|(_, edges)| edges).map(|edge| &*edge.other.state);
        let among = Among::new(&access, &self.filter, &self.order, states);
        let after = self.after.as_deref().map(|cursor| among.decode(cursor, self.belongs_to, key)).transpose()?;
        let matches: Vec<Matches> = at.into_iter().map(|(twin, edges)| matching(&access, &among, twin, edges)).collect();
        let cuts: Vec<_> = matches.into_iter().map(|matches| self.cut(&among, after.as_ref(), matches)).collect();
        let mut shown: Vec<TwinNo> = cuts.iter().flat_map(|cut| &cut.edges).map(|edge| edge.other.state.no).collect();
        shown.sort_unstable();
        shown.dedup();
        let cohort = Cohort::of(shown);
        let pages = cuts.into_iter().map(|cut| {
            let Cut { twin, edges, ranks, has_next, total } = cut;
            let (cohort, belongs_to, key) = (cohort.clone(), self.belongs_to, key.clone());
            (twin, Arc::new(RelationPage { edges, has_next, has_previous: after.is_some(), cohort, ranks, total, belongs_to, key }))
        });
        Ok(Pages { by_twin: pages.collect() })
    }

    fn cut(&self, among: &Among, after: Option<&Rank>, Matches { twin, all }: Matches) -> Cut {
        let total = all.len();
        let before = after.map_or(0, |after| all.partition_point(|(rank, _)| among.cmp(rank, after).is_le()));
        let has_next = total - before > self.first;
        let (ranks, edges) = all.into_iter().skip(before).take(self.first).unzip();
        Cut { twin, edges, ranks, has_next, total }
    }
}

/// What the page of one twin shows.
struct Cut {
    twin: TwinNo,
    edges: Vec<RelationEdge>,
    ranks: Vec<Rank>,
    has_next: bool,
    total: usize,
}

fn matching(access: &Access<'_>, among: &Among, twin: TwinNo, edges: Vec<RelationEdge>) -> Matches {
    let ranked = edges.into_iter().filter_map(|end| among.rank(access, &end.other.state, end.edge.no.0).map(|rank| (rank, end)));
    let mut all: Vec<(Rank, RelationEdge)> = ranked.collect();
    all.sort_unstable_by(|(a, _), (b, _)| among.cmp(a, b));
    Matches { twin, all }
}

/// Twins that were met: many edges may lead to one.
#[derive(Default)]
struct Ends {
    met: HashMap<TwinNo, Option<Seen>>,
}

impl Ends {
    fn meet(&mut self, session: &Session, twin: TwinNo, edges: &Edges) -> Vec<RelationEdge> {
        let ends = edges.of(twin).iter().filter_map(|edge| {
            let no = other_end(edge, twin);
            let other = self.met.entry(no).or_insert_with(|| session.by_no(no)).clone()?;
            Some(RelationEdge { edge: edge.clone(), other })
        });
        ends.collect()
    }
}
