//! Rings across types: what a roll-up gathers may lead, by way of computed values, rules and the twins above or below, back to the roll-up itself.
//!
//! Along one relation in one direction nothing comes back, for hierarchies have no rings: an area sums up the areas in it. Who goes up as well as
//! down, or by two relations, can meet the twin it came from.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use crate::catalog::layout::{Layout, Section, Targets};
use crate::catalog::logic::remote_slot;
use crate::catalog::rolled::{Export, Rollup, RollupKey, What};
use crate::reading::SlotNo;
use crate::rule::ActionKind;
use crate::source::{Diagnostic, Diagnostics, Span, codes};

use super::layouts::{Type, Types};
use super::relation::Relations;

/// From one twin to another: by which relation, and whether against it.
type Move = (u16, bool);

#[derive(Debug, Clone, Copy)]
struct Edge {
    from: usize,
    to: usize,
    by: Option<Move>,
}

/// All slots and rules of all types, and what moves what.
struct Web<'t> {
    types: Vec<&'t Type>,
    /// The number of the first node of each type: its slots, then what it reads of others, then its rules.
    first: Vec<usize>,
    edges: Vec<Edge>,
    leaving: Vec<Vec<usize>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Slot(usize, SlotNo),
    /// What a type reads of other twins; nobody has given it a name.
    Remote,
    Rule(usize, usize),
}

pub(super) fn check(types: &Types, relations: &Relations, problems: &mut Diagnostics) {
    let is_concerned = |entry: &Type| {
        let logic = &entry.layout.logic;
        logic.all_rollups().next().is_some() || logic.rules.iter().any(|spec| !spec.rule.actions.is_empty())
    };
    if !types.by_name.values().any(is_concerned) {
        return;
    }
    let web = Web::of(types, relations);
    let mut told = BTreeSet::new();
    let rings = web.rings_within_twins().into_iter().chain(web.rings_across_twins());
    for ring in rings {
        let Some((text, span)) = web.describe(&ring) else { continue };
        let mut names: Vec<&str> = text.split(" → ").skip(1).collect();
        names.sort_unstable();
        // Subtypes inherit it.
        if told.insert(names.join(" ")) {
            problems.push(Diagnostic::new(&codes::EXPR_RING, span, format!("a ring: {text}")));
        }
    }
}

impl<'t> Web<'t> {
    fn of(types: &'t Types, relations: &Relations) -> Web<'t> {
        let types: Vec<&Type> = types.by_name.values().collect();
        let mut first = vec![0];
        for entry in &types {
            let logic = &entry.layout.logic;
            first.push(first.last().copied().unwrap_or(0) + entry.layout.slots.len() + logic.remotes.len() + logic.rules.len());
        }
        let mut web = Web { types, first, edges: Vec::new(), leaving: Vec::new() };
        for no in 0..web.types.len() {
            web.within(no);
        }
        web.across(relations);
        web.leaving = vec![Vec::new(); web.first.last().copied().unwrap_or(0)];
        for (no, edge) in web.edges.iter().enumerate() {
            web.leaving[edge.from].push(no);
        }
        web
    }

    /// What moves what on one twin.
    fn within(&mut self, no: usize) {
        let entry: &'t Type = self.types[no];
        let logic = &entry.layout.logic;
        let mut follows = |from: usize, to: usize| self.edges.push(Edge { from, to, by: None });
        let slot = |slot: SlotNo| slot_node(&self.first, &self.types, no, slot);
        for computed in &logic.computed {
            computed.reads.iter().for_each(|read| follows(slot(*read), slot(computed.slot)));
        }
        for windowed in &logic.windows {
            follows(slot(windowed.of), slot(windowed.slot));
            logic.slots_of(windowed.gate(), &[]).iter().for_each(|read| follows(slot(*read), slot(windowed.slot)));
        }
        for (place, spec) in logic.rules.iter().enumerate() {
            let rule = self.first[no + 1] - logic.rules.len() + place;
            spec.reads.iter().for_each(|read| follows(slot(*read), rule));
            for action in &spec.rule.actions {
                if let ActionKind::Set { slot: target, .. } = &action.kind {
                    follows(rule, slot(*target));
                }
            }
        }
    }

    /// What roll-ups gather from the twins that a relation leads to.
    fn across(&mut self, relations: &Relations) {
        let mut exports: HashMap<RollupKey, Vec<(usize, &Export)>> = HashMap::new();
        for (no, entry) in self.types.iter().enumerate() {
            entry.layout.logic.exports.iter().for_each(|export| exports.entry(export.key).or_default().push((no, export)));
        }
        for (no, entry) in self.types.iter().enumerate() {
            let logic = &entry.layout.logic;
            let named = logic.rollups.iter().map(|rollup| (rollup, rollup.slot));
            let hidden = logic.remotes.iter().enumerate().map(|(place, rollup)| (rollup, remote_slot(place)));
            for (rollup, result) in named.chain(hidden) {
                let to = slot_node(&self.first, &self.types, no, result);
                let Some(relation) = relations.index_of(&rollup.over.relation) else { continue };
                for (other, export) in exports.get(&rollup.key).into_iter().flatten() {
                    if !can_relate(&entry.layout, &self.types[*other].layout, rollup) {
                        continue;
                    }
                    let whole = if let What::Slot(slot) = &export.of { Some(*slot) } else { None };
                    for read in export.reads.iter().copied().chain(whole) {
                        let from = slot_node(&self.first, &self.types, *other, read);
                        self.edges.push(Edge { from, to, by: Some((relation, rollup.over.is_inverse)) });
                        if relations.get(relation).symmetric {
                            self.edges.push(Edge { from, to, by: Some((relation, !rollup.over.is_inverse)) });
                        }
                    }
                }
            }
        }
    }

    /// A rule sets what a computed value follows from that makes the rule look. Rules that only move each other come to rest, or are stopped.
    fn rings_within_twins(&self) -> Vec<Vec<usize>> {
        let within = |edge: &Edge| edge.by.is_none();
        let components = self.components(within);
        let mut rings = Vec::new();
        for members in members_of(&components).into_iter().filter(|members| members.len() > 1) {
            let inside = |edge: &Edge| within(edge) && components[edge.from] == components[edge.to];
            let computed = members.iter().copied().find(|node| self.is_computed(*node));
            let entering = computed.and_then(|to| self.edges.iter().find(|edge| inside(edge) && edge.to == to));
            if let Some(edge) = entering
                && let Some(way) = self.way(edge.to, edge.from, inside)
            {
                rings.push(way);
            }
        }
        rings
    }

    fn rings_across_twins(&self) -> Vec<Vec<usize>> {
        let components = self.components(|_| true);
        let inside = |edge: &Edge| components[edge.from] == components[edge.to];
        let mut first: HashMap<usize, Edge> = HashMap::new();
        let mut rings: HashMap<usize, Vec<usize>> = HashMap::new();
        for edge in self.edges.iter().filter(|edge| edge.by.is_some() && inside(edge)) {
            let component = components[edge.from];
            let one = *first.entry(component).or_insert(*edge);
            if one.by == edge.by || rings.contains_key(&component) {
                continue;
            }
            if let (Some(there), Some(back)) = (self.way(one.to, edge.from, inside), self.way(edge.to, one.from, inside)) {
                rings.insert(component, there.into_iter().chain(back).collect());
            }
        }
        let mut rings: Vec<(usize, Vec<usize>)> = rings.into_iter().collect();
        rings.sort_unstable();
        rings.into_iter().map(|(_, ring)| ring).collect()
    }

    /// The nodes of a shortest way, both ends included.
    fn way(&self, from: usize, to: usize, inside: impl Fn(&Edge) -> bool) -> Option<Vec<usize>> {
        let mut before: HashMap<usize, usize> = HashMap::from([(from, from)]);
        let mut next = VecDeque::from([from]);
        while let Some(node) = next.pop_front().filter(|_| !before.contains_key(&to)) {
            for edge in self.leaving[node].iter().map(|no| &self.edges[*no]).filter(|edge| inside(edge)) {
                if let Entry::Vacant(unseen) = before.entry(edge.to) {
                    unseen.insert(node);
                    next.push_back(edge.to);
                }
            }
        }
        let mut way = vec![to];
        while let Some(last) = way.last().copied().filter(|last| *last != from) {
            way.push(*before.get(&last)?);
        }
        way.reverse();
        Some(way)
    }

    /// By node: one number for all that lead to one another (Kosaraju).
    fn components(&self, holds: impl Fn(&Edge) -> bool) -> Vec<usize> {
        let nodes = self.leaving.len();
        let mut entering = vec![Vec::new(); nodes];
        self.edges.iter().filter(|edge| holds(edge)).for_each(|edge| entering[edge.to].push(edge.from));
        let leaving = |node: usize| self.leaving[node].iter().map(|no| &self.edges[*no]).filter(|edge| holds(edge)).map(|edge| edge.to);
        let (mut order, mut seen) = (Vec::with_capacity(nodes), vec![false; nodes]);
        for start in 0..nodes {
            let mut open =
                if std::mem::replace(&mut seen[start], true) { Vec::new() } else { vec![(start, leaving(start).collect::<Vec<_>>())] };
            while let Some((node, rest)) = open.last_mut() {
                match rest.pop() {
                    Some(next) if std::mem::replace(&mut seen[next], true) => {}
                    Some(next) => open.push((next, leaving(next).collect())),
                    None => {
                        order.push(*node);
                        open.pop();
                    }
                }
            }
        }
        let mut component = vec![usize::MAX; nodes];
        for root in order.into_iter().rev() {
            let mut open = vec![root];
            while let Some(node) = open.pop() {
                if component[node] == usize::MAX {
                    component[node] = root;
                    open.extend(entering[node].iter().copied());
                }
            }
        }
        component
    }

    fn node(&self, number: usize) -> Node {
        let no = self.first.partition_point(|first| *first <= number) - 1;
        let (place, layout) = (number - self.first[no], &self.types[no].layout);
        let remotes = layout.slots.len();
        let rules = remotes + layout.logic.remotes.len();
        match u16::try_from(place) {
            Ok(slot) if place < remotes => Node::Slot(no, SlotNo(slot)),
            _ if place < rules => Node::Remote,
            _ => Node::Rule(no, place - rules),
        }
    }

    fn is_computed(&self, number: usize) -> bool {
        matches!(self.node(number), Node::Slot(no, slot) if self.types[no].layout.slot(slot).section == Section::Computed)
    }

    /// `load (Area) → rule shed sets limit (Pump) → power (Pump) → load (Area)`, and where the first of it is declared.
    fn describe(&self, ring: &[usize]) -> Option<(String, Span)> {
        let start = ring.iter().position(|node| self.is_computed(*node)).unwrap_or(0);
        let mut nodes: Vec<Node> = ring[start..].iter().chain(&ring[..start]).map(|node| self.node(*node)).collect();
        nodes.retain(|node| *node != Node::Remote);
        nodes.dedup();
        if nodes.first() != nodes.last() || nodes.len() == 1 {
            nodes.extend(nodes.first().copied());
        }
        let mut span = None;
        let mut texts: Vec<String> = Vec::new();
        let mut rule: Option<String> = None;
        for node in nodes {
            match node {
                Node::Rule(no, place) => {
                    let spec = &self.types[no].layout.logic.rules[place];
                    rule = Some(format!("rule {} sets ", spec.rule.id));
                }
                Node::Slot(no, slot) => {
                    let layout = &self.types[no].layout;
                    let (path, member) = (&layout.slot(slot).path, &layout.members[usize::from(layout.slot(slot).member)]);
                    if texts.is_empty() {
                        span = Some(self.types[no].places.get(&*member.name).copied().unwrap_or(self.types[no].span));
                    }
                    texts.push(format!("{}{path} ({})", rule.take().unwrap_or_default(), member.declared_by));
                }
                Node::Remote => {}
            }
        }
        Some((texts.join(" → "), span?))
    }
}

/// Whether an edge of the relation may lead from one type to the other, as far as their relations say.
fn can_relate(own: &Arc<Layout>, other: &Arc<Layout>, rollup: &Rollup) -> bool {
    let (from, to) = if rollup.over.is_inverse { (other, own) } else { (own, other) };
    let rule = from.relations.iter().find(|rule| *rule.name == *rollup.over.relation);
    match rule.map(|rule| &rule.to) {
        Some(Targets::Types(types)) if !rollup.is_deep && !rollup.is_nearest => types.iter().any(|target| to.is_a(&target.name)),
        Some(Targets::Types(_) | Targets::Any) | None => true,
    }
}

fn slot_node(first: &[usize], types: &[&Type], no: usize, slot: SlotNo) -> usize {
    let slots = types[no].layout.slots.len();
    first[no] + if slot.is_remote() { slots + usize::from(slot.0 - SlotNo::REMOTE_FROM) } else { slot.index() }
}

fn members_of(components: &[usize]) -> Vec<Vec<usize>> {
    let mut members: HashMap<usize, Vec<usize>> = HashMap::new();
    components.iter().enumerate().for_each(|(node, component)| members.entry(*component).or_default().push(node));
    let mut members: Vec<Vec<usize>> = members.into_values().collect();
    members.sort_unstable();
    members
}
