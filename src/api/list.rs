//! Pages and aggregates of twins, as arguments ask for them.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::reading::TwinNo;

use super::access::{self, Cursor, Filter, Item, Order, PageRequest, TwinSet, decode_order, decode_twin_where, fingerprint};
use super::build::{Args, Out};
use super::engine::RequestContext;
use super::error::ApiError;
use super::session::{Seen, Session};
use super::types;
use super::types::connection::TwinPage;
use super::types::hierarchy::Tree;

/// Among which twins a page is.
#[derive(Debug, Clone)]
pub enum Scope {
    All,
    Below { twin: TwinNo, tree: Tree, depth: Option<u32> },
    Roots(Tree),
}

impl Scope {
    fn name(&self) -> String {
        match self {
            Scope::All => "twins".to_owned(),
            Scope::Below { twin, tree, depth } => format!("below {} {} {depth:?}", twin.0, tree.0),
            Scope::Roots(tree) => format!("roots {}", tree.0),
        }
    }

    fn twins(&self, session: &Session) -> access::Scope {
        match self {
            Scope::All => access::Scope::All,
            Scope::Below { twin, tree, depth } => access::Scope::Twins(tree.below(session, *twin, *depth)),
            Scope::Roots(tree) => access::Scope::Twins(Arc::new(tree.roots(session).into_iter().collect::<TwinSet>())),
        }
    }
}

/// A page of twins of any type, by `where`, `orderBy`, `first` and `after`.
pub fn twins(ctx: &RequestContext, args: &Args, scope: &Scope) -> Result<Out, ApiError> {
    let session = types::twin::session(ctx)?;
    let access = session.access(ctx.caller.role);
    let filter = decode_twin_where(&access, "where", args.get("where"))?;
    let order = decode_order(&access, "orderBy", args.get("orderBy"))?;
    page(ctx, args, scope.twins(session), &scope.name(), filter, order).map(Out::object)
}

/// A page of twins: `list` says which list it is of, so that its cursors fit no other.
pub fn page(
    ctx: &RequestContext,
    args: &Args,
    scope: access::Scope,
    list: &str,
    filter: Filter,
    order: Order,
) -> Result<TwinPage, ApiError> {
    let session = types::twin::session(ctx)?;
    let access = session.access(ctx.caller.role);
    let request = PageRequest {
        scope,
        filter,
        order,
        first: types::first(args, session)?,
        after: args.text("after"),
        belongs_to: fingerprint(list, args.get("where"), args.get("orderBy")),
        key: &session.services.lasting.cursor_key,
        wants_count: args.selection.has("totalCount"),
    };
    let found = access::page(&access, &request)?;
    let mut twins = Vec::with_capacity(found.items.len());
    let mut cursors = Vec::with_capacity(found.items.len());
    for Item { cell, state, cursor } in found.items {
        twins.push(session.see_state(&cell, state, found.seq));
        cursors.push(cursor);
    }
    let cursor_at = move |place: usize| cursors.get(place).map(Cursor::text);
    Ok(TwinPage::new(twins, Box::new(cursor_at), found.has_next, found.has_previous, found.total))
}

/// All twins that match, up to `max`; one more than that is an error of its own for the caller to make.
pub fn matching(ctx: &RequestContext, filter: &Filter, max: usize) -> Result<Vec<Seen>, ApiError> {
    let session = types::twin::session(ctx)?;
    let access = session.access(ctx.caller.role);
    let key = &session.services.lasting.cursor_key;
    let (mut found, mut after): (Vec<Seen>, Option<String>) = (Vec::new(), None);
    loop {
        let request = PageRequest {
            scope: access::Scope::All,
            filter: filter.clone(),
            order: Order::default(),
            first: access.bounds.page_max,
            after: after.as_deref(),
            belongs_to: fingerprint("matching", None, None),
            key,
            wants_count: false,
        };
        let page = access::page(&access, &request)?;
        after = page.items.last().map(|item| item.cursor.text());
        let seq = page.seq;
        found.extend(page.items.into_iter().map(|item| session.see_state(&item.cell, item.state, seq)));
        if !page.has_next || found.len() > max {
            return Ok(found);
        }
    }
}

/// The JSON of an argument that is an object.
pub fn object<'a>(args: &'a Args, name: &str) -> Option<&'a serde_json::Map<String, Json>> {
    args.get(name).and_then(Json::as_object)
}
