//! A filter made ready: sets worked out once, names turned into slots for each layout, and the answer for one twin, from columns or from its state.
//!
//! Three-valued: a comparison with what is missing or BAD is unknown, `not` leaves it unknown, and what is unknown does not match. A fourth answer,
//! *open*, is what columns say where only the state can tell.

use std::sync::Arc;

use crate::catalog::Layout;
use crate::catalog::layout::{Kind, Section};
use crate::reading::{SlotNo, Timestamp, TwinNo, Value};
use crate::twin::State;
use crate::view::{ColumnKey, Word, Words};

use super::candidates;
use super::filter::{Check, Compare, Filter, PathTest, Quantifier, RelationTest, ValueTest};
use super::presence::Presence;
use super::sets::{TwinSet, resolve};
use super::slot_test::{SlotCompare, SlotTest, slot_compare};
use super::text::TextTest;
use super::{Access, Scope};
use crate::api::names::Way;

/// Up to so many targets, the twins that lead to one of them are found from there.
const REVERSED_MAX: usize = 16_384;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    False,
    Unknown,
    True,
    /// Ask the state.
    Open,
}

impl Truth {
    pub(super) fn of(holds: bool) -> Truth {
        if holds { Truth::True } else { Truth::False }
    }

    pub(super) fn not(self) -> Truth {
        match self {
            Truth::False => Truth::True,
            Truth::True => Truth::False,
            same @ (Truth::Unknown | Truth::Open) => same,
        }
    }

    /// False counts before open, open before unknown.
    pub(super) fn and(self, other: impl FnOnce() -> Truth) -> Truth {
        match self {
            Truth::False => Truth::False,
            Truth::True => other(),
            Truth::Open => {
                if other() == Truth::False {
                    Truth::False
                } else {
                    Truth::Open
                }
            }
            Truth::Unknown => match other() {
                Truth::True => Truth::Unknown,
                stronger @ (Truth::False | Truth::Unknown | Truth::Open) => stronger,
            },
        }
    }
}

/// A filter with its sets, for any layout.
#[derive(Debug)]
pub struct Matcher {
    root: Prepared,
}

#[derive(Debug)]
enum Prepared {
    All(Vec<Prepared>),
    Any(Vec<Prepared>),
    Not(Box<Prepared>),
    Set(Arc<TwinSet>),
    IsA(Vec<Arc<str>>),
    Kind(Kind),
    Name(TextTest),
    External { namespace: String, value: String },
    Updated(Vec<Check<i64>>),
    Stale(bool),
    Presence(Vec<Presence>),
    Links(Arc<LinkTest>),
    Value { path: Box<str>, test: ValueTest },
}

/// What is asked of the other ends of one relation.
#[derive(Debug)]
struct LinkTest {
    relation: Arc<str>,
    way: Way,
    ask: Ask,
}

#[derive(Debug)]
enum Ask {
    Some(TwinSet),
    Every(TwinSet),
    Count(Vec<Check<f64>>),
}

impl Matcher {
    pub fn new(access: &Access<'_>, filter: &Filter) -> Matcher {
        Matcher { root: prepare(access, filter) }
    }

    /// Whether one twin matches.
    pub fn matches(&self, access: &Access<'_>, state: &State) -> bool {
        let layout = current_layout(access, &state.layout);
        self.compile(access, &layout).holds(access, state)
    }

    /// The smallest set that contains everything that matches, if the filter names one.
    pub(super) fn within(&self) -> Option<Arc<TwinSet>> {
        fn smallest(node: &Prepared) -> Option<&Arc<TwinSet>> {
            match node {
                Prepared::Set(set) => Some(set),
                Prepared::All(all) => all.iter().filter_map(smallest).min_by_key(|set| set.len()),
                Prepared::Any(_)
                | Prepared::Not(_)
                | Prepared::IsA(_)
                | Prepared::Kind(_)
                | Prepared::Name(_)
                | Prepared::External { .. }
                | Prepared::Updated(_)
                | Prepared::Stale(_)
                | Prepared::Presence(_)
                | Prepared::Links(_)
                | Prepared::Value { .. } => None,
            }
        }
        smallest(&self.root).cloned()
    }

    pub(super) fn compile(&self, access: &Access<'_>, layout: &Arc<Layout>) -> Predicate {
        let mut columns = Vec::new();
        let root = node(access, layout, &self.root, &mut columns);
        Predicate { root, columns, layout: layout.clone() }
    }
}

/// The layout as the files have it today, if it is the same slots: its ages and limits may be newer than those the twin was made with.
pub(super) fn current_layout(access: &Access<'_>, layout: &Arc<Layout>) -> Arc<Layout> {
    let today = access.catalog.layout(&layout.name).filter(|today| today.fingerprint == layout.fingerprint);
    today.unwrap_or(layout).clone()
}

fn prepare(access: &Access<'_>, filter: &Filter) -> Prepared {
    let all = |filters: &[Filter]| filters.iter().map(|filter| prepare(access, filter)).collect();
    match filter {
        Filter::All(filters) => Prepared::All(all(filters)),
        Filter::Any(filters) => Prepared::Any(all(filters)),
        Filter::Not(filter) => Prepared::Not(Box::new(prepare(access, filter))),
        Filter::Ids(ids) => {
            let known = ids.iter().filter_map(|id| access.view.twin(id.as_str()));
            Prepared::Set(Arc::new(known.map(|cell| cell.peek().no).collect()))
        }
        Filter::IsA(types) => Prepared::IsA(types.clone()),
        Filter::Kind(kind) => Prepared::Kind(*kind),
        Filter::Name(test) => Prepared::Name(test.clone()),
        Filter::External { namespace, value } => Prepared::External { namespace: namespace.clone(), value: value.clone() },
        Filter::Updated(test) => Prepared::Updated(match &test.compare {
            Compare::Time(checks) if test.is_null != Some(true) => checks.clone(),
            Compare::Nothing if test.is_null != Some(true) => Vec::new(),
            // No twin is without that time.
            Compare::Nothing | Compare::Number { .. } | Compare::Time(_) | Compare::Bool(_) | Compare::Enum(_) | Compare::Text(_) => {
                vec![Check::In(Vec::new())]
            }
        }),
        Filter::Stale(wanted) => Prepared::Stale(*wanted),
        Filter::Presence(wanted) => Prepared::Presence(wanted.clone()),
        Filter::Path(test) => prepare_path(access, test),
        Filter::Relation(test) => {
            Prepared::All(test.quantifiers.iter().map(|quantifier| prepare_relation(access, test, quantifier)).collect())
        }
        Filter::Value { path, test } => Prepared::Value { path: path.clone(), test: test.clone() },
    }
}

fn prepare_path(access: &Access<'_>, test: &PathTest) -> Prepared {
    let mut all = Vec::new();
    if let Some(eq) = &test.eq {
        let twin = resolve(access, eq, &test.hierarchy);
        all.push(Prepared::Set(Arc::new(twin.into_iter().collect())));
    }
    if let Some(under) = &test.under {
        let root = resolve(access, under, &test.hierarchy);
        let below = root.map(|root| access.trees.below(access.links, root, &test.hierarchy, test.depth, access.now));
        all.push(Prepared::Set(below.unwrap_or_default()));
    }
    Prepared::All(all)
}

fn prepare_relation(access: &Access<'_>, test: &RelationTest, quantifier: &Quantifier) -> Prepared {
    let targets = |filter: &Filter| candidates::collect(access, &Scope::All, &Matcher::new(access, filter));
    let links = |ask: Ask| Prepared::Links(Arc::new(LinkTest { relation: test.relation.clone(), way: test.way, ask }));
    let some = |filter: &Filter| {
        let targets = targets(filter);
        if targets.len() > REVERSED_MAX {
            return links(Ask::Some(targets));
        }
        let back = match test.way {
            Way::Out => Way::In,
            Way::In => Way::Out,
            Way::Both => Way::Both,
        };
        let mut sources = TwinSet::default();
        for target in targets.iter() {
            access.links.each_other(target, &test.relation, back, access.now, &mut |source| {
                sources.insert(source);
            });
        }
        Prepared::Set(Arc::new(sources))
    };
    match quantifier {
        Quantifier::Some(filter) => some(filter),
        Quantifier::None(filter) => Prepared::Not(Box::new(some(filter))),
        Quantifier::Every(filter) => links(Ask::Every(targets(filter))),
        Quantifier::Count(checks) => links(Ask::Count(checks.clone())),
    }
}

impl LinkTest {
    fn holds(&self, access: &Access<'_>, twin: TwinNo) -> bool {
        let (mut count, mut inside) = (0_u32, 0_u32);
        access.links.each_other(twin, &self.relation, self.way, access.now, &mut |other| {
            count += 1;
            let is_inside = match &self.ask {
                Ask::Some(targets) | Ask::Every(targets) => targets.contains(other),
                Ask::Count(_) => false,
            };
            inside += u32::from(is_inside);
        });
        match &self.ask {
            Ask::Some(_) => inside > 0,
            Ask::Every(_) => inside == count,
            Ask::Count(checks) => checks.iter().all(|check| check.holds(&f64::from(count))),
        }
    }
}

/// A filter for twins of one layout.
#[derive(Debug)]
pub(super) struct Predicate {
    root: Node,
    /// Which columns it looks at, in the order in which it numbers them.
    pub(super) columns: Vec<ColumnKey>,
    layout: Arc<Layout>,
}

#[derive(Debug)]
enum Node {
    Settled(Truth),
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Set { column: usize, set: Arc<TwinSet> },
    Name { column: Option<usize>, test: TextTest },
    Updated { column: usize, checks: Vec<Check<i64>> },
    Slot(Box<SlotTest>),
    External { namespace: String, value: String },
    Stale(bool),
    Presence(Vec<Presence>),
    Links(Arc<LinkTest>),
}

fn node(access: &Access<'_>, layout: &Arc<Layout>, prepared: &Prepared, columns: &mut Vec<ColumnKey>) -> Node {
    match prepared {
        Prepared::All(all) => joined(all, Truth::True, Truth::False, Node::All, access, layout, columns),
        Prepared::Any(any) => joined(any, Truth::False, Truth::True, Node::Any, access, layout, columns),
        Prepared::Not(inner) => match node(access, layout, inner, columns) {
            Node::Settled(truth) => Node::Settled(truth.not()),
            open @ Node::All(_)
            | open @ Node::Any(_)
            | open @ Node::Not(_)
            | open @ Node::Set { .. }
            | open @ Node::Name { .. }
            | open @ Node::Updated { .. }
            | open @ Node::Slot(_)
            | open @ Node::External { .. }
            | open @ Node::Stale(_)
            | open @ Node::Presence(_)
            | open @ Node::Links(_) => Node::Not(Box::new(open)),
        },
        Prepared::Set(set) if set.is_empty() => Node::Settled(Truth::False),
        Prepared::Set(set) => Node::Set { column: column(columns, ColumnKey::No), set: set.clone() },
        Prepared::IsA(types) => Node::Settled(Truth::of(types.iter().any(|name| layout.is_a(name)))),
        Prepared::Kind(kind) => Node::Settled(Truth::of(layout.kind == *kind)),
        Prepared::Name(test) if test.asks_nothing() => Node::Settled(Truth::True),
        Prepared::Name(test) => {
            Node::Name { column: test.asks_of_beginnings().then(|| column(columns, ColumnKey::Name)), test: test.clone() }
        }
        Prepared::External { namespace, value } => Node::External { namespace: namespace.clone(), value: value.clone() },
        Prepared::Updated(checks) if checks.is_empty() => Node::Settled(Truth::True),
        Prepared::Updated(checks) => Node::Updated { column: column(columns, ColumnKey::Updated), checks: checks.clone() },
        Prepared::Stale(wanted) => {
            let can_be = layout.slots.iter().any(|slot| slot.telemetry.as_ref().is_some_and(|rules| rules.stale.is_some()));
            if can_be { Node::Stale(*wanted) } else { Node::Settled(Truth::of(!wanted)) }
        }
        Prepared::Presence(wanted) => Node::Presence(wanted.clone()),
        Prepared::Links(test) => Node::Links(test.clone()),
        Prepared::Value { path, test } => value_node(access, layout, path, test, columns),
    }
}

fn joined(
    parts: &[Prepared],
    neutral: Truth,
    decisive: Truth,
    join: fn(Vec<Node>) -> Node,
    access: &Access<'_>,
    layout: &Arc<Layout>,
    columns: &mut Vec<ColumnKey>,
) -> Node {
    let mut nodes = Vec::with_capacity(parts.len());
    for part in parts {
        match node(access, layout, part, columns) {
            Node::Settled(truth) if truth == decisive => return Node::Settled(decisive),
            Node::Settled(truth) if truth == neutral => {}
            open @ Node::Settled(_)
            | open @ Node::All(_)
            | open @ Node::Any(_)
            | open @ Node::Not(_)
            | open @ Node::Set { .. }
            | open @ Node::Name { .. }
            | open @ Node::Updated { .. }
            | open @ Node::Slot(_)
            | open @ Node::External { .. }
            | open @ Node::Stale(_)
            | open @ Node::Presence(_)
            | open @ Node::Links(_) => nodes.push(open),
        }
    }
    match nodes.len() {
        0 => Node::Settled(neutral),
        1 => nodes.swap_remove(0),
        _ => join(nodes),
    }
}

fn column(columns: &mut Vec<ColumnKey>, key: ColumnKey) -> usize {
    columns.iter().position(|known| *known == key).unwrap_or_else(|| {
        columns.push(key);
        columns.len() - 1
    })
}

fn value_node(access: &Access<'_>, layout: &Arc<Layout>, path: &str, test: &ValueTest, columns: &mut Vec<ColumnKey>) -> Node {
    // A type that has no such value neither has it missing.
    let Some(slot) = layout.slot_by_path(path) else { return Node::Settled(Truth::Unknown) };
    let spec = layout.slot(slot);
    let compare = slot_compare(spec, &test.compare);
    let is_hidden = !access.sees_sensitive && spec.property.as_ref().is_some_and(|rules| rules.sensitive);
    let needs_text = matches!(&compare, SlotCompare::Text(text) if !text.asks_of_beginnings());
    let mut slot_test = SlotTest {
        slot,
        column: None,
        compare,
        is_null: test.is_null,
        quality: test.quality.clone(),
        stale: test.stale,
        stale_after: spec.telemetry.as_ref().and_then(|rules| rules.stale),
        older_than: test.older_than,
    };
    if is_hidden {
        return Node::Settled(slot_test.of_missing());
    }
    slot_test.column = (!needs_text).then(|| column(columns, ColumnKey::Slot(slot)));
    Node::Slot(Box::new(slot_test))
}

/// Where the answer comes from.
#[derive(Clone, Copy)]
enum Seen<'a> {
    Words(&'a Words<'a>),
    State(&'a State),
}

impl Predicate {
    /// What it is for every twin of the layout, if that is settled.
    pub(super) fn settled(&self) -> Option<Truth> {
        match &self.root {
            Node::Settled(truth) => Some(*truth),
            Node::All(_)
            | Node::Any(_)
            | Node::Not(_)
            | Node::Set { .. }
            | Node::Name { .. }
            | Node::Updated { .. }
            | Node::Slot(_)
            | Node::External { .. }
            | Node::Stale(_)
            | Node::Presence(_)
            | Node::Links(_) => None,
        }
    }

    /// Whether columns alone can tell, for every twin.
    pub(super) fn is_columnar(&self) -> bool {
        fn is(node: &Node) -> bool {
            match node {
                Node::Settled(_) | Node::Set { .. } | Node::Updated { .. } => true,
                Node::All(nodes) | Node::Any(nodes) => nodes.iter().all(is),
                Node::Not(inner) => is(inner),
                Node::Slot(test) => test.column.is_some() && !matches!(test.compare, SlotCompare::Text(_)),
                Node::Name { .. } | Node::External { .. } | Node::Stale(_) | Node::Presence(_) | Node::Links(_) => false,
            }
        }
        is(&self.root)
    }

    pub(super) fn by_columns(&self, access: &Access<'_>, words: &Words<'_>) -> Truth {
        self.ask(access, &self.root, Seen::Words(words))
    }

    /// The twin may be of another layout by now.
    pub(super) fn holds(&self, access: &Access<'_>, state: &State) -> bool {
        state.layout.fingerprint == self.layout.fingerprint && self.ask(access, &self.root, Seen::State(state)) == Truth::True
    }

    fn ask(&self, access: &Access<'_>, node: &Node, seen: Seen<'_>) -> Truth {
        match (node, seen) {
            (Node::Settled(truth), _) => *truth,
            (Node::All(nodes), _) => self.all(access, nodes, seen),
            (Node::Any(nodes), _) => {
                // Not all of them not.
                let denied = nodes.iter().try_fold(Truth::True, |truth, node| match truth.and(|| self.ask(access, node, seen).not()) {
                    Truth::False => Err(Truth::False),
                    open @ Truth::Unknown | open @ Truth::True | open @ Truth::Open => Ok(open),
                });
                denied.unwrap_or_else(|settled| settled).not()
            }
            (Node::Not(inner), _) => self.ask(access, inner, seen).not(),
            (Node::Set { column, set }, seen) => {
                let no = match seen {
                    Seen::Words(words) => TwinNo(u32::try_from(words.get(*column).bits).unwrap_or(0)),
                    Seen::State(state) => state.no,
                };
                Truth::of(set.contains(no))
            }
            (Node::Name { column, test }, Seen::Words(words)) => match column {
                Some(column) if !test.may_begin(words.get(*column).bits) => Truth::False,
                Some(_) | None => Truth::Open,
            },
            (Node::Name { test, .. }, Seen::State(state)) => Truth::of(test.holds(&state.name)),
            (Node::Updated { column, checks }, seen) => {
                let updated = match seen {
                    Seen::Words(words) => words.get(*column).bits as i64,
                    Seen::State(state) => state.updated.0,
                };
                Truth::of(checks.iter().all(|check| check.holds(&updated)))
            }
            (Node::Slot(test), Seen::Words(words)) => match test.column {
                Some(column) => test.ask(words.get(column), None, access.now),
                None => Truth::Open,
            },
            (Node::Slot(test), Seen::State(state)) => {
                let text = match &state.slot(test.slot).value {
                    Some(Value::Text(text)) => Some(&**text),
                    _ => None,
                };
                test.ask(Word::of(ColumnKey::Slot(test.slot), state), Some(text.unwrap_or_default()), access.now)
            }
            (Node::External { .. } | Node::Stale(_) | Node::Presence(_) | Node::Links(_), Seen::Words(_)) => Truth::Open,
            (Node::External { namespace, value }, Seen::State(state)) => {
                Truth::of(state.external_ids.iter().any(|(space, id)| space == namespace && id == value))
            }
            (Node::Stale(wanted), Seen::State(state)) => Truth::of(is_stale(&self.layout, state, access.now) == *wanted),
            (Node::Presence(wanted), Seen::State(state)) => Truth::of(wanted.contains(&Presence::of(state, access.now))),
            (Node::Links(test), Seen::State(state)) => Truth::of(test.holds(access, state.no)),
        }
    }

    fn all(&self, access: &Access<'_>, nodes: &[Node], seen: Seen<'_>) -> Truth {
        let mut truth = Truth::True;
        for node in nodes {
            truth = truth.and(|| self.ask(access, node, seen));
            if truth == Truth::False {
                break;
            }
        }
        truth
    }
}

/// Whether some telemetry of a twin is stale.
pub(super) fn is_stale(layout: &Layout, state: &State, now: Timestamp) -> bool {
    let slots = (0_u16..).zip(&layout.slots).filter(|(_, spec)| spec.section == Section::Telemetry);
    slots
        .filter_map(|(no, spec)| spec.telemetry.as_ref().map(|rules| (SlotNo(no), rules.stale)))
        .any(|(no, stale_after)| state.slot(no).is_stale(stale_after, now))
}
