//! Hierarchies: relations that are trees. What stands above and below a twin is answered from the graph in memory; a twin that is not committed
//! yet has no place in an answer.

use std::sync::Arc;

use crate::api::access::{Links, TwinSet};
use crate::api::build::{Out, SchemaBuilder};
use crate::api::error::ApiError;
use crate::api::list::{self, Scope};
use crate::api::names::Way;
use crate::api::session::{Seen, Session};
use crate::catalog::CONTAINS;
use crate::reading::TwinNo;
use crate::source::did_you_mean;
use crate::twin::State;

/// A relation that is a hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree(pub Arc<str>);

impl Tree {
    pub fn primary() -> Tree {
        Tree(Arc::from(CONTAINS))
    }

    /// The one that is named, or the primary one.
    pub fn named(session: &Session, name: Option<&str>) -> Result<Tree, ApiError> {
        let Some(name) = name else { return Ok(Tree::primary()) };
        let all = || session.services.catalog.relations.iter().filter(|relation| relation.hierarchy);
        match all().find(|relation| &*relation.name == name) {
            Some(relation) => Ok(Tree(relation.name.clone())),
            None => {
                let meant = did_you_mean(name, all().map(|relation| &*relation.name));
                let names: Vec<&str> = all().map(|relation| &*relation.name).collect();
                let error = ApiError::bad_input(format!("there is no hierarchy `{}`", shown(name)));
                Err(error.hint(meant.map_or_else(|| format!("there are {}", names.join(", ")), |meant| format!("did you mean `{meant}`?"))))
            }
        }
    }

    /// The one right above it.
    pub fn parent(&self, session: &Session, twin: TwinNo) -> Option<Seen> {
        let links: &dyn Links = &*session.runtime().committed;
        session.by_no(links.parent(twin, &self.0, session.now())?)
    }

    /// The nearest first.
    pub fn ancestors(&self, session: &Session, twin: TwinNo) -> Vec<Seen> {
        let links: &dyn Links = &*session.runtime().committed;
        links.ancestors(twin, &self.0, session.now()).into_iter().map_while(|no| session.by_no(no)).collect()
    }

    /// `/plant/mixing/mixer-1`. A twin that stands alone is a root of the primary hierarchy and has no place in the others.
    pub fn path(&self, session: &Session, state: &State) -> Option<String> {
        let ancestors = self.ancestors(session, state.no);
        if ancestors.is_empty() && &*self.0 != CONTAINS && !self.has_below(session, state.no) {
            return None;
        }
        let above = ancestors.iter().rev().map(|seen| seen.state.id.as_str());
        Some(above.chain([state.id.as_str()]).fold(String::new(), |path, id| path + "/" + id))
    }

    fn has_below(&self, session: &Session, twin: TwinNo) -> bool {
        let links: &dyn Links = &*session.runtime().committed;
        let mut any = false;
        links.each_other(twin, &self.0, Way::Out, session.now(), &mut |_| any = true);
        any
    }

    /// The twin at a path, if it still stands there.
    pub fn at(&self, session: &Session, path: &str) -> Option<Seen> {
        let path = path.trim_end_matches('/');
        let seen = session.by_id(path.rsplit('/').next()?)?;
        (self.path(session, &seen.state)? == path).then_some(seen)
    }

    /// All below it down to `depth` steps; `None` is all of them.
    pub fn below(&self, session: &Session, twin: TwinNo, depth: Option<u32>) -> Arc<TwinSet> {
        session.services.lasting.trees.below(&*session.runtime().committed, twin, &self.0, depth, session.now())
    }

    /// Twins that nothing stands above. In hierarchies other than the primary one, only those with something below.
    pub fn roots(&self, session: &Session) -> Vec<TwinNo> {
        let links: &dyn Links = &*session.runtime().committed;
        let is_root = |no: &TwinNo| {
            let stands = &*self.0 == CONTAINS || self.has_below(session, *no);
            stands && links.parent(*no, &self.0, session.now()).is_none()
        };
        let view = session.runtime().view();
        let all = (0..u32::try_from(view.numbers()).unwrap_or(u32::MAX)).map(TwinNo);
        all.filter(|no| view.twin_no(*no).is_some()).filter(is_root).collect()
    }
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

pub fn bad_depth(depth: i64) -> ApiError {
    ApiError::bad_input(format!("`depth` is {depth}; it counts steps, from 1 on"))
}

pub fn declare(schema: &mut SchemaBuilder) {
    schema
        .object::<Tree>("Hierarchy", "A relation that is a tree: a twin has at most one parent in it.")
        .value("name", "String!", "What `hierarchy:` arguments call it.", |tree, _| tree.0.to_string())
        .value("relation", "String!", "The relation, from parent to child.", |tree, _| tree.0.to_string())
        .value("primary", "Boolean!", "Whether paths and supervision follow it.", |tree, _| &*tree.0 == CONTAINS)
        .field("roots", "TwinConnection", "The twins at its top, by id.")
        .arg("first", "Int = 50")
        .arg("after", "String")
        .looks_ahead()
        .now(|tree, args, ctx| list::twins(ctx, args, &Scope::Roots(tree.clone())));
}

/// All of them, the primary one first.
pub fn all(session: &Session) -> Out {
    let mut trees: Vec<Tree> = session
        .services
        .catalog
        .relations
        .iter()
        .filter(|relation| relation.hierarchy)
        .map(|relation| Tree(relation.name.clone()))
        .collect();
    trees.sort_by_key(|tree| (&*tree.0 != CONTAINS, tree.0.clone()));
    Out::objects(trees)
}
