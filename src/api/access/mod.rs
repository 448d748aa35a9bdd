//! Data access for the API: filters, orders, pages, aggregates and search over the read view.
//!
//! Inputs are coerced JSON, outputs are states of twins; nothing here knows the GraphQL library. Everything is answered from memory: values from the
//! view, relations and paths from the committed graph, which hold the same commits as the view does. What a request saw of the view is never older
//! than the view was when the request began.

mod aggregate;
mod among;
mod candidates;
mod cursor;
mod decode;
mod filter;
mod group;
mod order;
mod page;
mod predicate;
mod presence;
mod search;
mod sets;
mod slot_test;
#[cfg(test)]
mod tests;
mod text;

use crate::catalog::Catalog;
use crate::reading::Timestamp;
use crate::view::View;

pub use aggregate::{Aggregate, FloatStats, PropertyStats, aggregate};
pub use among::{Among, Rank};
pub use candidates::matching;
pub use cursor::{Cursor, CursorKey, fingerprint};
pub use decode::{
    decode_groups, decode_order, decode_text, decode_time, decode_twin_where, decode_typed_groups, decode_typed_order, decode_where,
};
pub use filter::{Check, Filter, PathTest, Quantifier, RelationTest, ValueTest};
pub use group::{Group, GroupKey};
pub use order::{Order, SortKey, SortOf};
pub use page::{Item, Page, PageRequest, page};
pub use predicate::Matcher;
pub use presence::Presence;
pub use search::{Hit, Search, search};
pub use sets::{Links, Trees, TwinSet};
pub use text::TextTest;

/// What one request reads from, and as of when.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    pub view: &'a View,
    pub catalog: &'a Catalog,
    pub links: &'a dyn Links,
    pub trees: &'a Trees,
    pub now: Timestamp,
    pub bounds: &'a Bounds,
    /// Whether values of `sensitive` members may be told, by whatever way.
    pub sees_sensitive: bool,
}

/// Which twins a request is about.
#[derive(Debug, Clone)]
pub enum Scope {
    All,
    /// Those of a type, subtypes included.
    Type(std::sync::Arc<str>),
    /// These only, such as the children of one twin.
    Twins(std::sync::Arc<TwinSet>),
}

/// How much one request may ask for: settings of `[graphql.limits]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    pub page_max: usize,
    pub filter_depth_max: usize,
    pub filter_terms_max: usize,
    pub sort_keys_max: usize,
    /// Twins that may be looked at one by one to count them.
    pub count_work_max: usize,
    pub groups_max: usize,
    /// Twins that a search may look at.
    pub search_work_max: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            page_max: 200,
            filter_depth_max: 8,
            filter_terms_max: 200,
            sort_keys_max: 8,
            count_work_max: 100_000,
            groups_max: 10_000,
            search_work_max: 1_000_000,
        }
    }
}
