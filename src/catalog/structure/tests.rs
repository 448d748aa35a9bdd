//! Changes of a running graph, drawn over it and checked as a whole.

use std::sync::Arc;

use crate::catalog::layout::Layout;
use crate::catalog::{Catalog, load};
use crate::reading::{Timestamp, TwinId};
use crate::source::Sources;

use super::{Change, GraphView, Link, Overlay, Rule, check};

/// The twins and edges that the files of the test describe.
struct Graph(Catalog);

impl Graph {
    fn links(&self, is_meant: impl Fn(&Link) -> bool) -> Vec<Link> {
        let all = self.0.twins.iter().flat_map(|twin| twin.edges.iter().map(|edge| Link::of(&twin.id, edge)));
        all.filter(|link| is_meant(link)).collect()
    }
}

impl GraphView for Graph {
    fn layout_of(&self, twin: &TwinId) -> Option<Arc<Layout>> {
        self.0.twin(twin.as_str()).map(|spec| spec.layout.clone())
    }

    fn edges_out(&self, relation: u16, twin: &TwinId) -> Vec<Link> {
        self.links(|link| link.relation == relation && link.from == *twin)
    }

    fn edges_in(&self, relation: u16, twin: &TwinId) -> Vec<Link> {
        self.links(|link| link.relation == relation && link.to == *twin)
    }
}

fn graph() -> Graph {
    let mut sources = Sources::new();
    sources.add("schemas/Area.yaml", b"type: Area\nrelations: {contains: {to: [Area, Pump]}}\n");
    sources.add("schemas/Pump.yaml", b"type: Pump\nrelations: {on: {to: Area, min: 1, max: 1}}\n");
    let twins = "twins:\n  - {id: a, type: Area, contains: [{id: b, type: Area}]}\n  - {id: p, type: Pump, in: b, relations: {on: [a]}}\n";
    sources.add("twins/a.yaml", twins.as_bytes());
    let (catalog, problems) = load(&sources);
    assert!(!problems.has_errors(), "{problems:?}");
    Graph(catalog)
}

fn id(text: &str) -> TwinId {
    TwinId::parse(text).expect("an id")
}

fn link(graph: &Graph, relation: &str, from: &str, to: &str) -> Link {
    let relation = graph.0.relations.iter().position(|known| &*known.name == relation).expect("a relation");
    Link { relation: relation as u16, from: id(from), to: id(to), valid_from: None, valid_to: None, observed: None }
}

fn breaches(graph: &Graph, changes: Vec<Change>) -> Vec<Rule> {
    let overlay = Overlay::new(graph, changes, graph.0.relations.len());
    check(&graph.0, &overlay, overlay.touched()).into_iter().map(|breach| breach.rule).collect()
}

#[test]
fn what_the_files_say_keeps_the_rules() {
    let graph = graph();
    assert_eq!(check(&graph.0, &graph, graph.0.twins.iter().map(|twin| &twin.id)), []);
}

#[test]
fn a_twin_and_the_edge_it_needs_come_together() {
    let graph = graph();
    let pump = graph.0.layout("Pump").expect("a type").clone();
    let create = Change::CreateTwin { id: id("q"), layout: pump };
    assert_eq!(breaches(&graph, vec![create.clone()]), [Rule::TooFew]);
    assert_eq!(breaches(&graph, vec![create, Change::AddEdge(link(&graph, "on", "q", "b"))]), []);
}

#[test]
fn deleting_what_an_edge_needs_is_a_breach() {
    let graph = graph();
    assert_eq!(breaches(&graph, vec![Change::DeleteTwin { id: id("a") }]), [Rule::TooFew]);
    assert_eq!(breaches(&graph, vec![Change::DeleteTwin { id: id("p") }, Change::DeleteTwin { id: id("a") }]), []);
}

#[test]
fn a_move_ends_one_edge_and_begins_another() {
    let graph = graph();
    let (old, new) = (link(&graph, "contains", "b", "p"), link(&graph, "contains", "a", "p"));
    assert_eq!(breaches(&graph, vec![Change::AddEdge(new.clone())]), [Rule::SecondParent]);
    assert_eq!(breaches(&graph, vec![Change::RemoveEdge(old.clone()), Change::AddEdge(new.clone())]), []);
    let noon = Some(Timestamp(1_000));
    let ended = Change::ChangeEdge { now: old, valid_from: None, valid_to: noon };
    assert_eq!(breaches(&graph, vec![ended, Change::AddEdge(Link { valid_from: noon, ..new })]), []);
}

#[test]
fn rings_and_wrong_targets() {
    let graph = graph();
    let top = graph.0.layout("Area").expect("a type").clone();
    let changes = vec![Change::CreateTwin { id: id("c"), layout: top }, Change::AddEdge(link(&graph, "contains", "c", "a"))];
    assert_eq!(breaches(&graph, changes.clone()), []);
    let ring = [changes, vec![Change::AddEdge(link(&graph, "contains", "b", "c"))]].concat();
    assert_eq!(breaches(&graph, ring), [Rule::Cycle]);
    assert_eq!(breaches(&graph, vec![Change::AddEdge(link(&graph, "on", "p", "p"))]), [Rule::TargetType, Rule::TooMany]);
    assert_eq!(breaches(&graph, vec![Change::AddEdge(link(&graph, "contains", "p", "a"))]).first(), Some(&Rule::Undeclared));
}
