//! Who is told of what, and the log as a follower sees it.

use std::sync::Arc;

use expect_test::{Expect, expect};

use crate::catalog::{self, Layout};
use crate::reading::{Revision, Seq, SlotNo, Timestamp, TwinId, TwinNo};
use crate::source::Sources;
use crate::twin::{Edge, EdgeNo, Entry, Event, Fact, State};

use super::{CHANGES_KEPT_MAX, Change, ChangeKind, ChangeLog, Feed, Names, Position, Publisher, Taken, Types, WIDE_MARKS_MAX, changes_of};

fn layouts() -> (Arc<Layout>, Arc<Layout>) {
    let mut sources = Sources::new();
    sources.add("schemas/Pump.yaml", b"type: Pump\nproperties: {note: string}\ntelemetry: {flow: double}\n");
    sources.add("schemas/Big.yaml", b"type: Big\nextends: Pump\n");
    let (catalog, problems) = catalog::load(&sources);
    assert!(!problems.has_errors(), "{problems:?}");
    (catalog.layout("Pump").unwrap().clone(), catalog.layout("Big").unwrap().clone())
}

fn state(layout: &Arc<Layout>, no: u32) -> Arc<State> {
    let id = TwinId::parse(&format!("twin-{no}")).unwrap();
    Arc::new(State::new(TwinNo(no), id, layout.clone(), Timestamp(0)))
}

#[test]
fn a_watch_is_told_once_of_what_changed_often() {
    let (pump, _) = layouts();
    let feed = Arc::new(Feed::default());
    let mut publisher = Publisher::new(feed.clone());
    assert!(publisher.round().is_none(), "nobody watches");
    let mut watch = feed.watch();
    watch.set(&[Some(TwinNo(7)), None, Some(TwinNo(9))]);
    let mut round = publisher.round().unwrap();
    for _ in 0..1000 {
        round.changed(&state(&pump, 9), Seq(1));
        round.changed(&state(&pump, 8), Seq(1));
    }
    drop(round);
    let marks = watch.take();
    assert_eq!((marks.places, marks.twins.len(), marks.structure), (vec![(2, 1000)], 0, false));
    assert!(watch.take().is_empty());
    publisher.round().unwrap().changed(&state(&pump, 9), Seq(2));
    assert_eq!(watch.take().places, [(2, 1)]);
    watch.set(&[Some(TwinNo(8))]);
    publisher.round().unwrap().changed(&state(&pump, 9), Seq(3));
    assert!(watch.take().is_empty(), "it does not watch that one any more");
    drop(watch);
    assert_eq!(feed.watches(), 0);
    assert!(publisher.round().is_none());
}

#[test]
fn a_wide_watch_hears_of_its_types_and_of_what_extends_them() {
    let (pump, big) = layouts();
    let feed = Arc::new(Feed::default());
    let mut publisher = Publisher::new(feed.clone());
    let bigs = feed.watch_types(Types::Named(["Big".into()].into()));
    publisher.round().unwrap().changed(&state(&pump, 1), Seq(1));
    assert!(bigs.take().is_empty());
    let pumps = feed.watch_types(Types::Named(["Pump".into()].into()));
    let mut round = publisher.round().unwrap();
    round.changed(&state(&pump, 1), Seq(2));
    round.changed(&state(&big, 2), Seq(3));
    round.removed(&state(&big, 2));
    drop(round);
    let (bigs, pumps) = (bigs.take(), pumps.take());
    assert_eq!((bigs.twins.len(), pumps.twins.len()), (1, 2));
    assert!(bigs.twins[&TwinNo(2)].state.is_none(), "it is gone");
    assert_eq!(pumps.twins[&TwinNo(1)].state.as_ref().map(|(_, seq)| *seq), Some(Seq(2)));
}

#[test]
fn a_wide_watch_that_is_not_looked_at_keeps_a_bounded_number_of_marks() {
    let (pump, _) = layouts();
    let feed = Arc::new(Feed::default());
    let mut publisher = Publisher::new(feed.clone());
    let watch = feed.watch_types(Types::All);
    let mut round = publisher.round().unwrap();
    let id = state(&pump, 1);
    for no in 0..u32::try_from(WIDE_MARKS_MAX).unwrap() + 10 {
        round.changed(&Arc::new(State { no: TwinNo(no), ..(*id).clone() }), Seq(1));
    }
    drop(round);
    let marks = watch.take();
    assert_eq!((marks.twins.len(), marks.overflowed), (0, true));
}

#[test]
fn structure_reaches_those_who_want_it_and_those_whose_twin_is_gone() {
    let (pump, _) = layouts();
    let feed = Arc::new(Feed::default());
    let mut publisher = Publisher::new(feed.clone());
    let (mut curious, mut watching, bystander) = (feed.watch(), feed.watch(), feed.watch());
    curious.want_structure(true);
    curious.set(&[None]);
    watching.set(&[Some(TwinNo(1))]);
    publisher.round().unwrap().created(&state(&pump, 5), Seq(1));
    assert!(curious.take().structure);
    assert!(watching.take().is_empty());
    publisher.round().unwrap().removed(&state(&pump, 1));
    assert!(watching.take().structure && curious.take().structure);
    assert!(bystander.take().is_empty());
}

#[test]
fn a_listener_is_woken_after_the_group_and_by_a_nudge() {
    let (pump, _) = layouts();
    let feed = Arc::new(Feed::default());
    let mut publisher = Publisher::new(feed.clone());
    let mut watch = feed.watch();
    watch.set(&[Some(TwinNo(1))]);
    let threads = tokio::runtime::Builder::new_current_thread().build().unwrap();
    threads.block_on(async {
        publisher.round().unwrap().changed(&state(&pump, 1), Seq(1));
        publisher.wake();
        watch.changed().await;
        assert!(!watch.take().is_empty());
        watch.nudge().resync();
        watch.changed().await;
        assert!(watch.take().resync);
    });
}

struct Known {
    edges: Vec<Arc<Edge>>,
}

impl Names for Known {
    fn id(&self, twin: TwinNo) -> Option<TwinId> {
        (twin.0 < 100).then(|| TwinId::parse(&format!("twin-{}", twin.0)).unwrap())
    }

    fn edge(&self, edge: EdgeNo) -> Option<Arc<Edge>> {
        self.edges.iter().find(|known| known.no == edge).cloned()
    }

    fn is_hierarchy(&self, relation: &str) -> bool {
        relation == "contains"
    }

    fn slot(&self, _layout: u64, slot: SlotNo) -> Option<Box<str>> {
        Some(format!("slot-{}", slot.0).into())
    }
}

fn edge(no: u64, relation: &str, from: u32, to: u32) -> Edge {
    let (valid_from, properties) = (Timestamp(0), serde_json::Map::new());
    Edge {
        no: EdgeNo(no),
        relation: relation.into(),
        from: TwinNo(from),
        to: TwinNo(to),
        properties,
        valid_from,
        valid_to: None,
        live: false,
    }
}

fn check_facts(facts: Vec<Fact>, known: Vec<Edge>, expected: Expect) {
    let known = Known { edges: known.into_iter().map(Arc::new).collect() };
    let changes = changes_of(Seq(4), &Entry { at: Timestamp(1), facts }, &known);
    assert!(changes.is_sorted_by_key(|change| change.position));
    let line = |change: &Change| {
        let Change { position, kind, id, revision, changed, edge, .. } = change;
        let edge = edge.as_ref().map(|edge| format!(" by edge {}", edge.no.0)).unwrap_or_default();
        let revision = revision.map(|revision| format!(" @{revision}")).unwrap_or_default();
        format!("{}.{} {} {id}{revision} {changed:?}{edge}\n", position.seq, position.index, kind.name())
    };
    expected.assert_eq(&changes.iter().map(line).collect::<String>());
}

fn set(no: u32, before: u64, slots: &[u16]) -> Fact {
    let events = slots.iter().map(|slot| Event::PropertySet { slot: SlotNo(*slot), value: None, layout: 1 });
    Fact::Happened { no: TwinNo(no), before: Revision(before), events: events.collect() }
}

#[test]
fn facts_become_changes() {
    let (pump, _) = layouts();
    let created = Fact::Created { no: TwinNo(3), id: TwinId::parse("made").unwrap(), layout: pump.fingerprint };
    let relaid = Fact::Happened { no: TwinNo(1), before: Revision(5), events: vec![Event::Relaid(pump), Event::Rested] };
    let facts = vec![
        created,
        set(3, 0, &[1, 2]),
        Fact::EdgeBegun(Box::new(edge(10, "contains", 1, 3))),
        Fact::EdgeBegun(Box::new(edge(11, "feeds", 3, 2))),
        set(2, 7, &[2, 1, 2]),
        relaid,
        Fact::EdgeEnded { edge: EdgeNo(1), at: Timestamp(1), live: false },
        Fact::EdgeEnded { edge: EdgeNo(2), at: Timestamp(1), live: false },
        Fact::EdgeBegun(Box::new(edge(12, "contains", 2, 5))),
        Fact::EdgeEnded { edge: EdgeNo(3), at: Timestamp(1), live: false },
        Fact::Happened { no: TwinNo(4), before: Revision(1), events: vec![Event::Rested] },
        set(200, 7, &[1]),
    ];
    let known = vec![edge(1, "feeds", 1, 2), edge(2, "contains", 1, 5), edge(3, "contains", 1, 6)];
    check_facts(
        facts,
        known,
        expect![[r#"
            4.0 CREATED made @2 []
            4.6 RELATED made ["feeds"] by edge 11
            4.9 UPDATED twin-2 @10 ["slot-1", "slot-2"]
            4.10 RETYPED twin-1 @7 []
            4.12 UNRELATED twin-1 ["feeds"] by edge 1
            4.16 MOVED twin-5 ["contains"] by edge 12
            4.18 MOVED twin-6 ["contains"] by edge 3
        "#]],
    );
}

fn change(seq: u64) -> Change {
    Change {
        position: Position::at(Seq(seq)),
        kind: ChangeKind::Updated,
        twin: TwinNo(1),
        id: TwinId::parse("twin-1").unwrap(),
        revision: None,
        at: Timestamp(0),
        by: None,
        changed: Vec::new(),
        edge: None,
    }
}

fn seqs(taken: Taken<Change>) -> Option<(Vec<u64>, u64)> {
    match taken {
        Taken::Changes(changes, next) => Some((changes.iter().map(|change| change.position.seq.0).collect(), next.seq.0)),
        Taken::Behind => None,
    }
}

#[test]
fn a_follower_takes_in_order_and_falls_behind_in_the_open() {
    let log = Arc::new(ChangeLog::default());
    let mut follower = log.follow();
    assert_eq!(seqs(follower.take(Position::at(Seq(1)), 10)), None, "the log has not begun");
    assert_eq!(log.resume(Position::at(Seq(5))), Position::at(Seq(5)));
    log.add(vec![change(5), change(7)], Position::at(Seq(9)));
    assert_eq!(seqs(follower.take(Position::at(Seq(4)), 10)), None);
    assert_eq!(seqs(follower.take(Position::at(Seq(5)), 1)), Some((vec![5], 5)));
    assert_eq!(seqs(follower.take(Position::at(Seq(5)).next(), 10)), Some((vec![7], 9)));
    assert_eq!(seqs(follower.take(Position::at(Seq(9)), 10)), Some((vec![], 9)));
    let many = (0..CHANGES_KEPT_MAX as u64 + 5).map(|n| change(10 + n)).collect();
    log.add(many, Position::at(Seq(100_000)));
    assert_eq!(seqs(follower.take(Position::at(Seq(9)), 10)), None, "what it wants is not kept any more");
    assert_eq!(seqs(follower.take(Position::at(Seq(16)), 2)), Some((vec![16, 17], 17)));
}

#[test]
fn a_log_nobody_followed_for_a_while_begins_anew_and_says_so() {
    let log = Arc::new(ChangeLog::default());
    let first = log.follow();
    log.resume(Position::at(Seq(5)));
    log.add(vec![change(5)], Position::at(Seq(6)));
    drop(first);
    let mut second = log.follow();
    assert_eq!(seqs(second.take(Position::at(Seq(50)), 10)), Some((vec![], 50)));
    assert_eq!(log.resume(Position::at(Seq(60))), Position::at(Seq(60)));
    let threads = tokio::runtime::Builder::new_current_thread().build().unwrap();
    threads.block_on(second.grown());
    assert_eq!(seqs(second.take(Position::at(Seq(50)), 10)), None);
    assert_eq!(log.resume(Position::at(Seq(70))), Position::at(Seq(60)), "as long as somebody follows it goes on");
}
