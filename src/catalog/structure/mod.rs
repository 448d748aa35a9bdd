//! The rules of the graph: where edges may lead, how many there may be at one time, and that a hierarchy is a tree.
//!
//! Pure over an abstract view of the graph, since the files of a workspace and the changes of a running system keep the same rules.
//! A change is checked as a whole: the view shows the graph as it would be after it.

mod overlay;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use foldhash::{HashMap, HashSet};

use crate::reading::{Timestamp, TwinId};

pub use overlay::{Change, Overlay};

use super::layout::{Layout, RelationRule, Targets};
use super::{CONTAINS, Catalog, EdgeSpec, OBSERVES};

/// The longest way up a hierarchy.
pub const HIERARCHY_DEPTH_MAX: usize = 10_000;

/// One edge, as far as the rules are concerned.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Link {
    /// Index into `Catalog::relations`.
    pub relation: u16,
    pub from: TwinId,
    pub to: TwinId,
    /// `None`: before all that is known.
    pub valid_from: Option<Timestamp>,
    /// Half open; `None`: for ever.
    pub valid_to: Option<Timestamp>,
    /// Of an `observes` edge: the telemetry paths of the asset that it gives values to, and with which priority.
    pub observed: Option<Arc<Observed>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Observed {
    pub paths: Box<[Box<str>]>,
    pub priority: Option<i64>,
}

impl Link {
    pub fn of(from: &TwinId, edge: &EdgeSpec) -> Link {
        let paths = edge.properties.get("map").and_then(|map| map.as_object());
        let observed = paths.filter(|_| &*edge.name == OBSERVES).map(|map| {
            let paths = map.values().filter_map(|path| path.as_str()).map(Box::from).collect();
            Arc::new(Observed { paths, priority: edge.properties.get("priority").and_then(|priority| priority.as_i64()) })
        });
        Link {
            relation: edge.relation,
            from: from.clone(),
            to: edge.to.clone(),
            valid_from: edge.valid_from,
            valid_to: edge.valid_to,
            observed,
        }
    }
}

/// The graph as it would be after a change: all edges, those that have ended or not yet begun included.
pub trait GraphView {
    fn layout_of(&self, twin: &TwinId) -> Option<Arc<Layout>>;
    fn edges_out(&self, relation: u16, twin: &TwinId) -> Vec<Link>;
    fn edges_in(&self, relation: u16, twin: &TwinId) -> Vec<Link>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The type of the source does not declare the relation.
    Undeclared,
    TargetType,
    TooMany,
    /// Outgoing ones.
    TooFew,
    TooFewIncoming,
    SecondParent,
    Cycle,
    /// Two devices give values to one telemetry of an asset at one time.
    ObservedTwice,
}

/// A rule that would not hold any more, said of one twin.
#[derive(Debug, Clone, PartialEq)]
pub struct Breach {
    pub rule: Rule,
    pub twin: TwinId,
    pub relation: Arc<str>,
    pub message: String,
    /// The edges in the way; none where one is missing.
    pub edges: Vec<Link>,
}

/// Checks all that the edges of these twins can break. `touched` are both ends of every edge that came or went, and every twin that came.
pub fn check<'a>(catalog: &Catalog, graph: &dyn GraphView, touched: impl IntoIterator<Item = &'a TwinId>) -> Vec<Breach> {
    let mut checker = Checker { catalog, graph, breaches: Vec::new(), rooted: HashMap::default(), in_rings: HashSet::default() };
    let mut seen: HashSet<&TwinId> = HashSet::default();
    let inverse_mins = inverse_mins(catalog);
    for twin in touched {
        let Some(layout) = graph.layout_of(twin).filter(|_| seen.insert(twin)) else { continue };
        for relation in 0..u16::try_from(catalog.relations.len()).unwrap_or(u16::MAX) {
            let out = graph.edges_out(relation, twin);
            let inward = graph.edges_in(relation, twin);
            checker.outgoing(relation, twin, &layout, &out);
            checker.incoming(relation, twin, &layout, &inward, &inverse_mins);
        }
    }
    checker.breaches
}

struct Checker<'a> {
    catalog: &'a Catalog,
    graph: &'a dyn GraphView,
    breaches: Vec<Breach>,
    /// By hierarchy: twins from which the way up is known to end.
    rooted: HashMap<u16, HashSet<TwinId>>,
    /// Twins of rings that have been reported.
    in_rings: HashSet<(u16, TwinId)>,
}

/// The rules that ask for incoming edges: relation, target types, how many.
fn inverse_mins(catalog: &Catalog) -> Vec<&RelationRule> {
    let mut rules: Vec<&RelationRule> = Vec::new();
    for rule in catalog.types.iter().flat_map(|layout| &layout.relations).filter(|rule| rule.inverse_min > 0) {
        let is_known =
            |known: &&RelationRule| known.relation == rule.relation && known.inverse_min == rule.inverse_min && same_targets(known, rule);
        if !rules.iter().any(is_known) {
            rules.push(rule);
        }
    }
    rules
}

fn same_targets(a: &RelationRule, b: &RelationRule) -> bool {
    match (&a.to, &b.to) {
        (Targets::Any, Targets::Any) => true,
        (Targets::Types(a), Targets::Types(b)) => a.iter().map(|t| &t.name).eq(b.iter().map(|t| &t.name)),
        (Targets::Any, Targets::Types(_)) | (Targets::Types(_), Targets::Any) => false,
    }
}

impl Checker<'_> {
    fn outgoing(&mut self, relation: u16, twin: &TwinId, layout: &Layout, edges: &[Link]) {
        let Some(rule) = layout.relations.iter().find(|rule| rule.relation == relation) else {
            if !edges.is_empty() && self.name(relation).as_ref() != OBSERVES {
                let message = format!("{} `{twin}` has edges `{}`, which its type does not declare", layout.name, self.name(relation));
                self.breach(Rule::Undeclared, twin, relation, message, edges.to_vec());
            }
            return;
        };
        self.targets(relation, twin, rule, edges);
        let all: Vec<&Link> = edges.iter().collect();
        self.at_least(Rule::TooFew, relation, twin, "", &all, rule.min);
        self.at_most(relation, twin, "", &all, rule.max);
        if let Targets::Types(types) = &rule.to {
            for target in types.iter().filter(|target| target.min > 0 || target.max.is_some()) {
                let of_type = |link: &&Link| self.graph.layout_of(&link.to).is_some_and(|layout| layout.is_a(&target.name));
                let edges: Vec<&Link> = edges.iter().filter(of_type).collect();
                let which = format!(" to twins of type {}", target.name);
                self.at_least(Rule::TooFew, relation, twin, &which, &edges, target.min);
                self.at_most(relation, twin, &which, &edges, target.max);
            }
        }
    }

    fn targets(&mut self, relation: u16, twin: &TwinId, rule: &RelationRule, edges: &[Link]) {
        let Targets::Types(types) = &rule.to else { return };
        for link in edges {
            let Some(target) = self.graph.layout_of(&link.to) else { continue };
            if !types.iter().any(|allowed| target.is_a(&allowed.name)) {
                let allowed: Vec<&str> = types.iter().map(|target| &*target.name).collect();
                let leads = if allowed.is_empty() { "nowhere".to_owned() } else { format!("to {}", allowed.join(", ")) };
                let message = format!("`{}` of `{twin}` leads {leads}; `{}` is of type {}", rule.name, link.to, target.name);
                self.breach(Rule::TargetType, twin, relation, message, vec![link.clone()]);
            }
        }
    }

    fn incoming(&mut self, relation: u16, twin: &TwinId, layout: &Layout, edges: &[Link], inverse_mins: &[&RelationRule]) {
        if self.catalog.relations[usize::from(relation)].hierarchy && !edges.is_empty() {
            self.tree(relation, twin, edges);
        }
        if self.name(relation).as_ref() == OBSERVES {
            self.observed(relation, twin, edges);
        }
        for rule in inverse_mins.iter().filter(|rule| rule.relation == relation && leads_to(rule, layout)) {
            self.at_least(Rule::TooFewIncoming, relation, twin, " leading to it", &edges.iter().collect::<Vec<_>>(), rule.inverse_min);
        }
        let bound = |link: &Link| {
            let source = self.graph.layout_of(&link.from)?;
            source.relations.iter().find(|rule| rule.relation == relation)?.inverse_max
        };
        let bounded: Vec<(u32, &Link)> = edges.iter().filter_map(|link| bound(link).map(|max| (max, link))).collect();
        if let Some(max) = bounded.iter().map(|(max, _)| *max).min() {
            let links: Vec<&Link> = bounded.iter().filter(|(own, _)| *own == max).map(|(_, link)| *link).collect();
            self.at_most(relation, twin, " leading to it", &links, Some(max));
        }
    }

    fn at_most(&mut self, relation: u16, twin: &TwinId, which: &str, edges: &[&Link], max: Option<u32>) {
        let Some(max) = max else { return };
        let together = most_at_once(edges);
        if together.len() > max as usize {
            let (name, at) = (self.name(relation), at_time(&together));
            let message = format!("`{twin}` has {} edges `{name}`{which}{at}; at most {max} may hold at one time", together.len());
            self.breach(Rule::TooMany, twin, relation, message, together.into_iter().cloned().collect());
        }
    }

    fn at_least(&mut self, rule: Rule, relation: u16, twin: &TwinId, which: &str, edges: &[&Link], min: u32) {
        if min == 0 {
            return;
        }
        let (fewest, since) = fewest_at_once(edges);
        if fewest < min as usize {
            let name = self.name(relation);
            let when = since.map(|time| format!(" from {time} on")).unwrap_or_default();
            let message = format!("`{twin}` has {fewest} of the {min} edges `{name}`{which} that it needs{when}");
            self.breach(rule, twin, relation, message, Vec::new());
        }
    }

    fn tree(&mut self, relation: u16, twin: &TwinId, parents: &[Link]) {
        let together = most_at_once(&parents.iter().collect::<Vec<_>>());
        if together.len() > 1 {
            let names: Vec<String> = together.iter().map(|link| format!("`{}`", link.from)).collect();
            let message = format!("`{twin}` has {} parents at one time in `{}`: {}", together.len(), self.name(relation), names.join(", "));
            let edges = together.into_iter().cloned().collect();
            self.breach(Rule::SecondParent, twin, relation, message, edges);
        }
        for parent in parents {
            self.climb(relation, twin, parent);
        }
    }

    /// Follows the way up while the edges hold at one time, until it ends, comes to known ground, or comes round.
    fn climb(&mut self, relation: u16, twin: &TwinId, first: &Link) {
        let mut way = vec![first.clone()];
        let mut interval = Interval::of(first);
        let mut on_way: HashSet<TwinId> = HashSet::default();
        on_way.insert(twin.clone());
        loop {
            let Some(last) = way.last() else { return };
            let at = last.from.clone();
            if self.is_rooted(relation, &at) || self.in_rings.contains(&(relation, at.clone())) {
                break;
            }
            if !on_way.insert(at.clone()) {
                self.ring(relation, &at, way);
                return;
            }
            if way.len() > HIERARCHY_DEPTH_MAX {
                let message = format!("`{twin}` lies more than {HIERARCHY_DEPTH_MAX} deep in `{}`", self.name(relation));
                self.breach(Rule::Cycle, twin, relation, message, Vec::new());
                return;
            }
            let up = self.graph.edges_in(relation, &at).into_iter().find_map(|link| Some((interval.and(Interval::of(&link))?, link)));
            let Some((narrowed, link)) = up else { break };
            interval = narrowed;
            way.push(link);
        }
        // Only where no edge is bounded in time does one way up stand for every other.
        if interval == Interval::ALWAYS {
            let known = self.rooted.entry(relation).or_default();
            known.extend(way.into_iter().map(|link| link.to));
        }
    }

    fn is_rooted(&self, relation: u16, twin: &TwinId) -> bool {
        self.rooted.get(&relation).is_some_and(|known| known.contains(twin))
    }

    fn ring(&mut self, relation: u16, at: &TwinId, mut way: Vec<Link>) {
        let begin = way.iter().position(|link| link.to == *at).unwrap_or(0);
        way.drain(..begin);
        // Said once per ring, and of the same twin wherever the search began.
        let least = way.iter().map(|link| &link.to).min().cloned().unwrap_or_else(|| at.clone());
        let turn = way.iter().position(|link| link.to == least).unwrap_or(0);
        way.rotate_left(turn);
        let names: Vec<&str> = way.iter().map(|link| link.to.as_str()).chain([least.as_str()]).collect();
        let message = format!("a ring in `{}`: {}", self.name(relation), names.join(" is below "));
        self.in_rings.extend(way.iter().map(|link| (relation, link.to.clone())));
        self.breach(Rule::Cycle, &least, relation, message, way);
    }

    fn observed(&mut self, relation: u16, twin: &TwinId, edges: &[Link]) {
        for (index, a) in edges.iter().enumerate() {
            for b in &edges[index + 1..] {
                let (Some(left), Some(right)) = (&a.observed, &b.observed) else { continue };
                let differ = left.priority != right.priority;
                let shared = left.paths.iter().find(|path| right.paths.contains(path));
                let Some(path) = shared.filter(|_| !differ && a.from != b.from) else { continue };
                if Interval::of(a).and(Interval::of(b)).is_some() {
                    let message = format!("`{path}` of `{twin}` is observed by `{}` and `{}` at one time", a.from, b.from);
                    self.breach(Rule::ObservedTwice, twin, relation, message, vec![b.clone(), a.clone()]);
                }
            }
        }
    }

    fn name(&self, relation: u16) -> Arc<str> {
        self.catalog.relations.get(usize::from(relation)).map_or_else(|| Arc::from(CONTAINS), |relation| relation.name.clone())
    }

    fn breach(&mut self, rule: Rule, twin: &TwinId, relation: u16, message: String, edges: Vec<Link>) {
        let relation = self.name(relation);
        self.breaches.push(Breach { rule, twin: twin.clone(), relation, message, edges });
    }
}

fn leads_to(rule: &RelationRule, layout: &Layout) -> bool {
    match &rule.to {
        Targets::Any => true,
        Targets::Types(types) => types.iter().any(|target| layout.is_a(&target.name)),
    }
}

/// Half open, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Interval {
    from: i64,
    to: i64,
}

impl Interval {
    const ALWAYS: Interval = Interval { from: i64::MIN, to: i64::MAX };

    fn of(link: &Link) -> Interval {
        Interval { from: link.valid_from.map_or(i64::MIN, |time| time.0), to: link.valid_to.map_or(i64::MAX, |time| time.0) }
    }

    fn and(self, other: Interval) -> Option<Interval> {
        let both = Interval { from: self.from.max(other.from), to: self.to.min(other.to) };
        (both.from < both.to).then_some(both)
    }
}

/// The largest set of edges that hold at one time: it begins where one of them begins.
fn most_at_once<'a>(edges: &[&'a Link]) -> Vec<&'a Link> {
    if edges.iter().all(|link| Interval::of(link) == Interval::ALWAYS) {
        return edges.to_vec();
    }
    let mut instants: Vec<i64> = edges.iter().map(|link| Interval::of(link).from).collect();
    instants.sort_unstable();
    instants.dedup();
    let holding = |at: i64| edges.iter().copied().filter(|link| holds_at(link, at)).collect::<Vec<_>>();
    instants.into_iter().map(holding).max_by_key(Vec::len).unwrap_or_default()
}

/// The smallest number of edges that hold at one time, from the first edge on, and since when if not from the beginning.
fn fewest_at_once(edges: &[&Link]) -> (usize, Option<Timestamp>) {
    let Some(first) = edges.iter().map(|link| Interval::of(link).from).min() else { return (0, None) };
    let ends = edges.iter().map(|link| Interval::of(link).to).filter(|to| *to != i64::MAX);
    let counted = std::iter::once(first).chain(ends).map(|at| (edges.iter().filter(|link| holds_at(link, at)).count(), at));
    let (count, at) = counted.min().unwrap_or((0, i64::MIN));
    (count, Timestamp::from_micros(at))
}

fn holds_at(link: &Link, at: i64) -> bool {
    let interval = Interval::of(link);
    interval.from <= at && at < interval.to
}

fn at_time(links: &[&Link]) -> String {
    let begin = links.iter().filter_map(|link| link.valid_from).max();
    begin.map(|time| format!(" at {time}")).unwrap_or_default()
}
