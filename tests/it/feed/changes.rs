//! Every change once: live, from any cursor, over restarts, and what is said of what is gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use pollux::api::streams::{ChangeFilter, ChangeItem, StreamEvent, StreamName, changes, decode_cursor};
use pollux::api::{ApiError, Code};
use pollux::feed::{Change, ChangeKind, Names, Position};
use pollux::journal::sim_disk::{Crash, SimDisk};
use pollux::journal::{Config, Journal, open_on, record};
use pollux::reading::{Revision, Seq, SlotNo, Timestamp, TwinId, TwinNo};
use pollux::runtime::changes::{Error, Past};
use pollux::runtime::twin_actor::TwinMsg;
use pollux::twin::{Description, Edge, EdgeNo, Entry, Event, Fact, Rejection};

use super::{FILES, is_silent, next};
use crate::sim::Dice;
use crate::support::World;

type Items = Vec<ChangeItem>;

fn threads() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Everything from `after` to now, without the word that it is all.
async fn past(world: &World, after: Position, filter: ChangeFilter) -> Items {
    let mut stream = Box::pin(changes(world.app().runtime.clone(), Some(after), filter));
    let mut items = Vec::new();
    loop {
        let item = next(&mut stream).await.unwrap();
        if item.event == StreamEvent::CaughtUp {
            return items;
        }
        items.push(item);
    }
}

fn show(items: &[ChangeItem]) -> Vec<String> {
    let line = |item: &ChangeItem| match &item.event {
        StreamEvent::Item(change) => format!("{} {} {:?}", change.kind.name(), change.id, change.changed),
        StreamEvent::CaughtUp => "CAUGHT_UP".to_owned(),
        StreamEvent::Gap { from, to, .. } => format!("GAP {from} {to}"),
    };
    items.iter().map(line).collect()
}

fn describe(world: &World, id: &str, name: &str, applied: u64) {
    let runtime = &world.app().runtime;
    let resident = runtime.shared.directory.by_id(id).unwrap();
    let description = Description { name: name.into(), external_ids: Box::default(), properties: Vec::new(), rules: Vec::new(), applied };
    runtime.shared.directory.send(&resident, TwinMsg::Describe(description));
    world.until("the description is committed", || &*world.state(id).name == name);
    // Readers see it a moment before those who follow the journal.
    world.time_has_passed();
}

const BEGINNING: Position = Position { seq: Seq(1), index: 0 };

#[test]
fn live_changes_come_at_once_and_readings_are_none() {
    let (world, threads) = (World::of(&FILES), threads());
    let mut stream = Box::pin(changes(world.app().runtime.clone(), None, ChangeFilter::default()));
    threads.block_on(async { assert_eq!(next(&mut stream).await.unwrap().event, StreamEvent::CaughtUp) });
    assert_eq!(world.post("/ingest/pump-1", r#"{"flow": 1}"#).0, 200);
    assert!(threads.block_on(is_silent(&mut stream)));
    describe(&world, "pump-1", "The first", 7);
    let item = threads.block_on(next(&mut stream)).unwrap();
    assert_eq!(show(std::slice::from_ref(&item)), [r#"UPDATED pump-1 ["name"]"#]);
    let StreamEvent::Item(change) = &item.event else { panic!("{item:?}") };
    assert_eq!((change.revision, item.seq), (Some(world.state("pump-1").revision), change.position.seq));
    let after = decode_cursor(StreamName::Changes, &item.cursor).unwrap();
    describe(&world, "pump-2", "The second", 7);
    assert_eq!(show(&threads.block_on(past(&world, after, ChangeFilter::default()))), [r#"UPDATED pump-2 ["name"]"#]);
}

#[test]
fn every_cursor_gives_exactly_the_rest_also_after_a_crash() {
    let (mut world, threads) = (World::of(&FILES), threads());
    for round in 1..=20 {
        describe(&world, ["pump-1", "pump-2", "pump-3"][round % 3], &format!("name {round}"), round as u64);
        assert_eq!(world.post("/ingest/pump-3", format!(r#"{{"flow": {round}}}"#)).0, 200);
    }
    let all = threads.block_on(past(&world, BEGINNING, ChangeFilter::default()));
    assert_eq!(show(&all)[..3], ["CREATED pump-1 []", "CREATED pump-2 []", "CREATED pump-3 []"]);
    assert_eq!(all.len(), 23);
    let rest = |world: &World, item: &ChangeItem| {
        let after = decode_cursor(StreamName::Changes, &item.cursor).unwrap();
        threads.block_on(past(world, after, ChangeFilter::default()))
    };
    for (place, item) in all.iter().enumerate() {
        assert_eq!(rest(&world, item), all[place + 1..]);
    }
    world.kill();
    // The pump is moved while nobody runs.
    world.write(
        "twins/pumps.yaml",
        "twins:\n- {id: pump-1, type: Pump}\n- {id: pump-2, type: Pump, in: pump-3}\n- {id: pump-3, type: Pump}\n",
    );
    world.start();
    let moved = rest(&world, &all[22]);
    assert!(show(&moved).contains(&r#"MOVED pump-2 ["contains"]"#.to_owned()), "{:?}", show(&moved));
    for (place, item) in all.iter().enumerate() {
        assert_eq!(rest(&world, item), [&all[place + 1..], &moved[..]].concat());
    }
}

#[test]
fn a_filter_keeps_what_is_wanted() {
    let (world, threads) = (World::of(&FILES), threads());
    describe(&world, "pump-1", "one", 7);
    describe(&world, "pump-2", "two", 7);
    let updates = ChangeFilter { kinds: vec![ChangeKind::Updated], twin: None };
    let twin = Arc::new(|_: &pollux::feed::Change, state: Option<&pollux::twin::State>| state.is_some_and(|state| &*state.name == "two"));
    let two = ChangeFilter { kinds: Vec::new(), twin: Some(twin) };
    let of = |filter| show(&threads.block_on(past(&world, BEGINNING, filter)));
    assert_eq!(of(updates), [r#"UPDATED pump-1 ["name"]"#, r#"UPDATED pump-2 ["name"]"#]);
    assert_eq!(of(two), ["CREATED pump-2 []", r#"UPDATED pump-2 ["name"]"#]);
}

#[test]
fn what_the_journal_has_forgotten_is_a_gap() {
    let (world, threads) = (World::of(&FILES), threads());
    let long = "x".repeat(200_000);
    for round in 1..=20 {
        describe(&world, "pump-1", &format!("{round} {long}"), round);
    }
    let all = threads.block_on(past(&world, BEGINNING, ChangeFilter::default()));
    let journal = &world.app().runtime.shared.journal;
    let (segments, last) = (journal.health().segments, journal.last_seq());
    assert!(segments > 2, "{segments}");
    journal.forget_before(last);
    world.until("the journal has forgotten", || journal.health().segments < 3);
    let rest = threads.block_on(past(&world, BEGINNING, ChangeFilter::default()));
    let StreamEvent::Gap { from, to, .. } = &rest[0].event else { panic!("{:?}", show(&rest)) };
    assert_eq!(*from, Seq(1));
    let kept: Items = all.iter().filter(|item| item.seq > *to).cloned().collect();
    assert!(kept.len() < all.len() && !kept.is_empty());
    assert_eq!(rest[1..], kept);
    // The cursor of the gap itself goes on behind it.
    let after = decode_cursor(StreamName::Changes, &rest[0].cursor).unwrap();
    assert_eq!(threads.block_on(past(&world, after, ChangeFilter::default())), kept);
    // A cursor of another journal.
    let beyond = Position::at(Seq(last.0 + 100));
    let rest = threads.block_on(past(&world, beyond, ChangeFilter::default()));
    assert_eq!(show(&rest), [format!("GAP {} {}", last.0 + 1, last.0 + 99)]);
}

#[test]
fn many_idle_followers_hear_of_one_change() {
    let (world, threads) = (World::of(&FILES), threads());
    let runtime = &world.app().runtime;
    let mut streams: Vec<_> = (0..500).map(|_| Box::pin(changes(runtime.clone(), None, ChangeFilter::default()))).collect();
    threads.block_on(async {
        for stream in &mut streams {
            next(stream).await.unwrap();
        }
    });
    assert_eq!(runtime.feed().log.followers(), 500);
    describe(&world, "pump-1", "heard by all", 7);
    threads.block_on(async {
        for stream in &mut streams {
            let StreamEvent::Item(change) = next(stream).await.unwrap().event else { panic!("a change") };
            assert_eq!(change.kind, ChangeKind::Updated);
        }
    });
    drop(streams);
    assert_eq!(runtime.feed().log.followers(), 0);
}

#[test]
fn cursors_of_other_origin_are_refused() {
    for bad in ["", "x", "AAAA", &"A".repeat(19), &"A".repeat(500), "AWUAAAAAAAAAAQAAAAA"] {
        let error = ApiError::from(decode_cursor(StreamName::Changes, bad).unwrap_err());
        assert_eq!(error.code, Code::BadCursor, "{bad}");
    }
}

struct Known;

impl Names for Known {
    fn id(&self, twin: TwinNo) -> Option<TwinId> {
        Some(TwinId::parse(&format!("twin-{}", twin.0)).unwrap())
    }

    fn edge(&self, _edge: EdgeNo) -> Option<Arc<Edge>> {
        None
    }

    fn is_hierarchy(&self, _relation: &str) -> bool {
        false
    }

    fn slot(&self, _layout: u64, _slot: SlotNo) -> Option<Box<str>> {
        None
    }
}

/// An entry with some changes in it, and perhaps something else.
fn entry(dice: &mut Dice) -> Entry {
    let fact = |dice: &mut Dice| match dice.below(3) {
        0 => {
            let events = vec![Event::PropertySet { slot: SlotNo(0), value: None, layout: 1 }];
            Fact::Happened { no: TwinNo(dice.below(5) as u32), before: Revision(dice.below(9)), events }
        }
        1 => Fact::Happened { no: TwinNo(1), before: Revision(0), events: vec![Event::Rested] },
        _ => {
            let (address, message, excerpt) = ("topic".to_owned(), "no".to_owned(), "x".repeat(dice.below(60) as usize));
            let (at, code) = (Timestamp(1), "NO".into());
            Fact::Refused(Box::new(Rejection { at, address, twin: None, field: None, code, message, excerpt, payload_bytes: 60 }))
        }
    };
    let facts = (0..1 + dice.below(4)).map(|_| fact(dice)).collect();
    Entry { at: Timestamp(5), facts }
}

/// Reads from `from` to the end in parts, beginning anew now and then.
fn read_all(disk: &SimDisk, from: Position, through: Seq, dice: &mut Dice) -> Result<Vec<(Position, TwinNo)>, Error> {
    let open = |from| Past::new(Arc::new(disk.clone()), "/journal".into(), from);
    let (mut past, mut found) = (open(from), Vec::new());
    loop {
        let part = past.read::<Change>(Seq(through.0 - dice.below(3).min(through.0)), &|_| None, &Known, &mut ())?;
        found.extend(part.changes.iter().map(|change| (change.position, change.twin)));
        if part.next > Position::at(through) {
            return Ok(found);
        }
        if dice.below(3) == 0 {
            past = open(part.next);
        }
    }
}

#[test]
fn a_journal_on_a_simulated_disk_gives_each_change_once() {
    for seed in 0..60 {
        let (mut dice, disk) = (Dice::of(seed), SimDisk::new(seed));
        let config = Config { segment_bytes: 3000, group_bytes_max: 800, ..Config::new("/journal") };
        let mut written: BTreeMap<u64, Entry> = BTreeMap::new();
        let mut forgotten = Seq(0);
        for _ in 0..4 {
            let recovered = open_on(Arc::new(disk.clone()), config.clone(), forgotten, &mut |_, _| Ok(())).unwrap();
            let mut last = recovered.last_seq();
            written.split_off(&(last.0 + 1));
            let journal: Journal<()> = recovered.start(|_| {}).unwrap();
            for _ in 0..dice.below(60) {
                let entry = entry(&mut dice);
                journal.append_blocking(|out| record::encode(&entry, out), ()).unwrap();
                last.0 += 1;
                written.insert(last.0, entry);
            }
            journal.close().unwrap();
            check(&disk, &written, forgotten, last, &mut dice, seed);
            if dice.once_in(2) {
                forgotten = forgotten.max(Seq(dice.below(last.0 + 1)));
                let recovered = open_on(Arc::new(disk.clone()), config.clone(), forgotten, &mut |_, _| Ok(())).unwrap();
                let journal: Journal<()> = recovered.start(|_| {}).unwrap();
                journal.forget_before(Seq(forgotten.0 + 1));
                journal.close().unwrap();
            }
            disk.crash(if dice.once_in(2) { Crash::Power } else { Crash::Process });
        }
    }
}

fn check(disk: &SimDisk, written: &BTreeMap<u64, Entry>, forgotten: Seq, last: Seq, dice: &mut Dice, seed: u64) {
    if last == Seq(0) {
        return;
    }
    let all: Vec<(Position, TwinNo)> = written
        .iter()
        .flat_map(|(seq, entry)| pollux::feed::changes_of(Seq(*seq), entry, &Known))
        .map(|change| (change.position, change.twin))
        .collect();
    for _ in 0..5 {
        let from = match all.get(dice.below(all.len().max(1) as u64) as usize) {
            Some((position, _)) if dice.once_in(2) => position.next(),
            Some((position, _)) => Position::at(position.seq),
            None => BEGINNING,
        };
        let expected = |from: Position| all.iter().filter(|(position, _)| *position >= from).copied().collect::<Vec<_>>();
        match read_all(disk, from, last, dice) {
            Ok(found) => assert_eq!(found, expected(from), "seed {seed}"),
            Err(Error::Forgotten { first }) => {
                assert!(first > from.seq && from.seq <= forgotten, "seed {seed}: only what may be forgotten is");
                let from = Position::at(first);
                assert_eq!(read_all(disk, from, last, dice).unwrap(), expected(from), "seed {seed}");
            }
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
}
