//! Shuffling arrival within the time that readings wait changes nothing (`rules.md`, 18); and what is decided is what is applied.

use super::reordered::Dice;
use super::*;
use crate::backtest::plant::{Happened, Listener, Plant};
use crate::catalog::viewed::VIEWS_MAX;
use crate::reading::{Group, Quality, Reading, Reason, SlotNo, TwinId, TwinNo, Value};
use crate::rule::{Fact, Transition};
use crate::source::Sources;
use crate::twin::{Edit, Event, HELD_MAX, Input, Measured, Received, State, Twin, step};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;

const RULES: &str = "
  - {id: high, when: \"a > 6\", deadband: 1, onDelay: 15s, offDelay: 20s, levels: [{when: \"a > 8\", severity: CRITICAL}]}
  - {id: both, when: \"sum > 11 && a > previous(a)\", onUnknown: ok}
  - {id: silent, noData: {of: a, after: 45s}}
  - {id: known, when: \"b > 3\", onDelay: 40s, onUnknown: ok}
  - {id: inTurn, pattern: {sequence: [\"a > 7\", \"b > 7\"], within: 30s}, clearAfter: 10s}
  - {id: own, when: \"c > 5 && a > 2\", onDelay: 5s}
";
const WINDOWS: &str = "
  mean: {of: a, agg: avg, window: {sliding: 40s}}
  minute: {of: a, agg: avg, window: {tumbling: 1m}}
  spell: {of: b, agg: count, window: {state: \"a > 5\"}}
  most: {of: sum, agg: max, window: {tumbling: 2m}}
  visit: {of: b, agg: sum, window: {session: 20s, max: 5m}}
  again: {of: mean, agg: max, window: {tumbling: 3m}}
";
const OF_WINDOWS: &str = "
  - {id: meanHigh, when: \"mean > 5\", onDelay: 5s}
  - {id: longSpell, when: \"spell > 3 || most > 15\"}
";

fn cell(reorder: &str, windows: &str, of_windows: &str) -> Catalog {
    let text = format!(
        "type: Cell\nreorder: {reorder}\ntelemetry:\n  a: {{type: double, every: 10s}}\n  b: {{type: double, every: 10s, stale: 25s}}\n  c: {{type: double}}\ncomputed:\n  sum: {{value: \"a + b\"}}{windows}rules:{RULES}{of_windows}"
    );
    workspace(&[("schemas/Cell.yaml", &text), ("twins/cell.yaml", "twins: [{id: cell, type: Cell}]")])
}

/// What followed, and a twin that is told only what was decided.
#[derive(Default)]
struct Told {
    transitions: Vec<(String, Transition)>,
    results: Vec<Measured>,
    replica: Option<Twin>,
}

impl Listener for Told {
    fn happened(&mut self, happened: &Happened<'_>) {
        for event in happened.events {
            if let Event::Watched { rule, fact } = event
                && let Fact::Rule(transition) = &**fact
            {
                self.transitions.push((rule.to_string(), transition.clone()));
            }
        }
        self.results.extend(happened.results.iter().map(|result| Measured { received: Timestamp(0), ..result.clone() }));
        if let Some(replica) = &mut self.replica {
            happened.events.iter().for_each(|event| replica.apply(event, happened.twin.state.updated));
            assert_eq!(&*replica, happened.twin, "what is decided is what is applied");
        } else {
            self.replica = Some(happened.twin.clone());
        }
    }
}

#[derive(Debug, Clone)]
struct Packet {
    time: Timestamp,
    arrival: Timestamp,
    readings: Vec<(u16, f64)>,
}

/// Some minutes of three members, with gaps; each instant once.
fn packets(dice: &mut Dice) -> Vec<Packet> {
    let mut time = at("2026-01-11T05:00:00Z");
    let packet = |_| {
        let gap = if dice.below(12) == 0 { 70 } else { 12 };
        time = time.shifted(SECOND + dice.below(gap) * SECOND);
        let members = [vec![0], vec![1], vec![2], vec![0, 1]];
        let members = &members[dice.below(4) as usize];
        let readings = members.iter().map(|slot| (*slot, dice.below(100) as f64 / 10.0)).collect();
        Packet { time, arrival: time, readings }
    };
    (0..160).map(packet).collect()
}

fn drive(catalog: &Catalog, packets: &[Packet]) -> (Told, Plant) {
    let mut told = Told::default();
    let mut plant = Plant::new(catalog, packets.iter().map(|packet| packet.time).min().unwrap(), &mut told);
    let layout = plant.twin(0).state.layout.0.clone();
    let mut end = plant.now();
    for packet in packets {
        let reading = |(slot, value): &(u16, f64)| Reading {
            slot: SlotNo(*slot),
            value: Value::Double(*value),
            quality: Quality::Good,
            reason: Reason::None,
        };
        let group = Group { time: Some(packet.time), readings: packet.readings.iter().map(reading).collect() };
        plant.feed(0, &layout, group, packet.arrival, &mut told);
        end = end.max(packet.time);
    }
    // Until the clock of the twin, which what came late is behind the wall, shows the same.
    let slots = (0..3).map(|slot| plant.twin(0).state.slot(SlotNo(slot))).filter(|slot| slot.value.is_some());
    let ahead = slots.map(|slot| slot.time.micros_since(slot.received)).max().unwrap_or(0);
    plant.run_until(end.shifted(10 * MINUTE - ahead), &mut told);
    (told, plant)
}

fn shuffled(packets: &[Packet], delay: i64, dice: &mut Dice) -> Vec<Packet> {
    let mut arriving: Vec<Packet> =
        packets.iter().map(|packet| Packet { arrival: packet.time.shifted(dice.below(delay)), ..packet.clone() }).collect();
    arriving.sort_by_key(|packet| packet.arrival);
    arriving
}

/// The first that differ say more than all.
#[track_caller]
fn same<T: PartialEq + std::fmt::Debug>(found: &[T], wanted: &[T], seed: u64) {
    for (no, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        assert_eq!(found, wanted, "seed {seed}, no {no}");
    }
    assert_eq!(found.len(), wanted.len(), "seed {seed}");
}

#[test]
fn shuffling_within_the_wait_changes_nothing() {
    let catalog = cell("1m", WINDOWS, OF_WINDOWS);
    let direct = cell("0s", "\n", "");
    let waits = cell("1m", "\n", "");
    let (mut raised, mut moved) = (0, 0);
    for seed in 1..=25 {
        let dice = &mut Dice((seed * 0x9e37_79b9) | 1);
        let packets = packets(dice);
        let (in_order, sorted) = drive(&catalog, &packets);
        raised += in_order.transitions.len();
        for _ in 0..3 {
            let arriving = shuffled(&packets, MINUTE, dice);
            moved += usize::from(arriving.iter().zip(&packets).any(|(one, other)| one.time != other.time));
            let (told, plant) = drive(&catalog, &arriving);
            same(&told.transitions, &in_order.transitions, seed);
            same(&told.results, &in_order.results, seed);
            let (one, other) = (plant.twin(0), sorted.twin(0));
            assert!(one.windows == other.windows, "seed {seed}");
            assert!(
                one.state.watches.iter().map(|(id, watch)| (id, &watch.rule)).eq(other
                    .state
                    .watches
                    .iter()
                    .map(|(id, watch)| (id, &watch.rule)))
            );
            assert_eq!((one.views.held(), one.views.late()), (0, 0));
            let face = |twin: &Twin| -> Vec<(SlotNo, Timestamp, Option<Value>)> {
                twin.views.iter().flat_map(|view| &view.face).map(|(no, slot)| (*no, slot.time, slot.value.clone())).collect()
            };
            assert_eq!(face(one), face(other));
        }
        // What it sees later it sees as of the same instants.
        let by_rule = |told: &Told| {
            let mut transitions = told.transitions.clone();
            transitions.sort_by(|(one, _), (other, _)| one.cmp(other));
            transitions
        };
        same(&by_rule(&drive(&waits, &packets).0), &by_rule(&drive(&direct, &packets).0), seed);
    }
    assert!(raised > 1000 && moved > 70, "{raised} transitions, {moved} shuffled");
}

#[test]
fn too_many_that_wait_are_seen_early() {
    let catalog = machine_that_waits("1d");
    let begin = at("2026-01-11T05:00:00Z");
    let count = HELD_MAX as i64 + 700;
    let packet = |no: i64| Packet {
        time: begin.shifted(no * SECOND),
        arrival: begin.shifted(no * SECOND),
        readings: vec![(0, if no == 100 { 9.0 } else { 1.0 })],
    };
    let mut packets: Vec<Packet> = (0..count).map(packet).collect();
    // Older than what has been seen.
    packets.push(Packet { time: begin.shifted(SECOND / 2), ..packet(count) });
    let mut told = Told::default();
    let mut plant = Plant::new(&catalog, begin, &mut told);
    told.replica = None;
    let layout = plant.twin(0).state.layout.0.clone();
    for packet in &packets {
        let reading = Reading { slot: SlotNo(0), value: Value::Double(packet.readings[0].1), quality: Quality::Good, reason: Reason::None };
        plant.feed(0, &layout, Group { time: Some(packet.time), readings: vec![reading] }, packet.arrival, &mut Ignored);
    }
    let views = &plant.twin(0).views;
    assert_eq!((views.held(), views.early(), views.late()), (HELD_MAX, 700, 1));
    // Those that were seen early were judged.
    assert_eq!(plant.twin(0).state.watches.get("high").alarm.last_no, 1);
}

struct Ignored;

impl Listener for Ignored {
    fn happened(&mut self, _: &Happened<'_>) {}
}

fn machine_that_waits(reorder: &str) -> Catalog {
    let text = format!("type: Cell\ntelemetry: {{a: double}}\nrules: [{{id: high, when: \"a > 5\", reorder: {reorder}}}]\n");
    workspace(&[("schemas/Cell.yaml", &text), ("twins/cell.yaml", "twins: [{id: cell, type: Cell}]")])
}

#[test]
fn an_hour_that_was_buffered_is_judged_by_its_own_times() {
    let catalog = machine_that_waits("5s");
    let begin = at("2026-01-11T05:00:00Z");
    // A first reading, silence, then all the rest in one second.
    let packet = |no: i64| Packet {
        time: begin.shifted(no * 10 * SECOND),
        arrival: if no == 0 { begin } else { begin.shifted(3600 * SECOND) },
        readings: vec![(0, if no % 50 == 7 { 9.0 } else { 1.0 })],
    };
    let packets: Vec<Packet> = (0..300).map(packet).collect();
    let (told, plant) = drive(&catalog, &packets);
    assert_eq!(plant.twin(0).views.late(), 0);
    let raised: Vec<i64> = told.transitions.iter().map(|(_, transition)| transition.at.micros_since(begin) / SECOND).collect();
    let wanted: Vec<i64> = (0..6).flat_map(|no| [70 + no * 500, 80 + no * 500]).collect();
    assert_eq!(raised, wanted);
}

#[test]
fn a_lone_reading_is_seen_when_it_has_waited() {
    let catalog = machine_that_waits("5s");
    let begin = at("2026-01-11T05:00:00Z");
    let mut told = Told::default();
    let mut plant = Plant::new(&catalog, begin, &mut told);
    let layout = plant.twin(0).state.layout.0.clone();
    let reading = Reading { slot: SlotNo(0), value: Value::Double(9.0), quality: Quality::Good, reason: Reason::None };
    plant.feed(0, &layout, Group { time: Some(begin), readings: vec![reading] }, begin, &mut told);
    plant.run_until(begin.shifted(5 * SECOND), &mut told);
    // The value is there at once, the alarm is not.
    assert_eq!(plant.twin(0).state.slot(SlotNo(0)).value, Some(Value::Double(9.0)));
    assert!(told.transitions.is_empty());
    plant.run_until(begin.shifted(5 * SECOND + 1), &mut told);
    assert_eq!(told.transitions.len(), 1);
    assert_eq!(told.transitions[0].1.at, begin);
}

/// One reading of `a`, as it happens.
fn hear(twin: &mut Twin, time: Timestamp, value: f64) {
    let slot = twin.state.layout.slot_by_path("a").unwrap();
    let reading = Reading { slot, value: Value::Double(value), quality: Quality::Good, reason: Reason::None };
    let received = Received { at: time, future_tolerance: Duration::from_secs(300) };
    step(twin, &Input::Readings { group: Group { time: Some(time), readings: vec![reading] }, received }, time);
}

#[test]
fn what_waits_outlives_an_edit() {
    let begin = at("2026-01-11T05:00:00Z");
    let layout = |reorder: &str, more: &str| {
        let text = format!(
            "type: Cell\ntelemetry: {{z{more}: double, a: double}}\nrules: [{{id: high, when: \"a > 5\", onDelay: 3s, reorder: {reorder}}}]\n"
        );
        workspace(&[("schemas/Cell.yaml", &text), ("twins/cell.yaml", "twins: [{id: cell, type: Cell}]")]).layout("Cell").unwrap().clone()
    };
    for (reorder, held) in [("10s", 2), ("20s", 0), ("0s", 0)] {
        let mut twin = Twin::new(State::new(TwinNo(1), TwinId::parse("cell").unwrap(), layout("10s", ""), begin));
        for (time, value) in [(0, 1.0), (5, 9.0), (16, 8.0), (20, 8.0)] {
            hear(&mut twin, begin.shifted(time * SECOND), value);
        }
        // Seen is that of the fifth second; three of the ten have to pass yet until its delay ends.
        assert_eq!(twin.views.held(), 2);
        let mut replica = twin.clone();
        let now = begin.shifted(20 * SECOND);
        let retyped = step(&mut twin, &Input::Retyped(layout(reorder, "1")), now);
        retyped.events.iter().for_each(|event| replica.apply(event, now));
        assert_eq!(replica, twin);
        assert_eq!(twin.views.held(), held, "{reorder}");
        hear(&mut twin, begin.shifted(45 * SECOND), 8.5);
        step(&mut twin, &Input::Woken, begin.shifted(70 * SECOND));
        let alarm = &twin.state.watches.get("high").alarm;
        assert_eq!((alarm.last_no, alarm.open.as_ref().map(|open| open.raised_at)), (1, Some(begin.shifted(8 * SECOND))), "{reorder}");
    }
}

#[test]
fn what_does_not_wait_moves_those_who_do() {
    let text = "type: Cell
reorder: 10s
properties: {limit: {type: double, default: 5}}
telemetry: {a: double}
rules:
  - {id: high, when: \"a > limit\"}
  - {id: after, when: \"alarm.high\", reorder: 0s}
";
    let catalog = workspace(&[("schemas/Cell.yaml", text), ("twins/cell.yaml", "twins: [{id: cell, type: Cell}]")]);
    let layout = catalog.layout("Cell").unwrap();
    let (begin, limit) = (at("2026-01-11T05:00:00Z"), layout.slot_by_path("limit").unwrap());
    let mut twin = Twin::new(State::new(TwinNo(1), TwinId::parse("cell").unwrap(), layout.clone(), begin));
    let active = |twin: &Twin| ["high", "after"].map(|rule| twin.state.watches.get(rule).rule.is_active());
    let set = |value: f64| Input::Edited(Edit { set: vec![(limit, Some(Value::Double(value)))], ..Edit::default() });
    step(&mut twin, &set(5.0), begin);
    for (time, value) in [(0, 4.0), (5, 9.0), (12, 9.0)] {
        hear(&mut twin, begin.shifted(time * SECOND), value);
    }
    // It is nine already, and seen is a four.
    assert_eq!(active(&twin), [false, false]);
    step(&mut twin, &set(3.0), begin.shifted(13 * SECOND));
    assert_eq!(active(&twin), [true, true]);
    step(&mut twin, &set(5.0), begin.shifted(14 * SECOND));
    assert_eq!(active(&twin), [false, false]);
    step(&mut twin, &Input::Woken, begin.shifted(16 * SECOND));
    assert_eq!(active(&twin), [true, true]);
    assert_eq!(twin.state.watches.get("high").alarm.open.as_ref().unwrap().raised_at, begin.shifted(5 * SECOND));
}

#[test]
fn a_type_has_few_different_times_to_wait() {
    let rules: String = (1..=VIEWS_MAX + 1).map(|no| format!("  - {{id: r{no}, when: \"a > {no}\", reorder: {no}s}}\n")).collect();
    let mut sources = Sources::new();
    sources.add("schemas/Cell.yaml", format!("type: Cell\ntelemetry: {{a: double}}\nrules:\n{rules}").as_bytes());
    let (_, problems) = catalog::load(&sources);
    let text = render_text(&sources, &problems, false);
    assert!(text.contains("`Cell` waits for readings in order in 5 different ways, inherited ones included; the most are 4"), "{text}");
}
