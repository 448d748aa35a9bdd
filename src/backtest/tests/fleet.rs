//! Roll-ups over a fleet of engines (T8 of the acceptance page), and roll-ups against the sum by hand while twins come, go, fall silent and are late.

#![expect(clippy::disallowed_methods, reason = "the folder of the data is a matter of the machine that runs the tests")]

use std::path::PathBuf;

use super::*;
use std::collections::BTreeMap;

use crate::backtest::Tale;
use crate::backtest::plant::Plant;
use crate::expr::Datum;
use crate::reading::{Group, Quality, Reading, Reason, Value};

const ENGINE: &str = "
type: Engine
kind: DEVICE
telemetry: {s4: {type: double, every: 1h}}
";
const WING: &str = "
type: Wing
relations: {contains: {to: [Engine]}}
rollups:
  meanS4: {of: s4, over: contains, types: [Engine], agg: avg, minCoverage: 0.5}
";
const FLEET: &str = "
type: Fleet
relations: {contains: {to: [Wing]}}
rollups:
  meanS4: {of: s4, over: contains, types: [Engine], depth: all, agg: avg, minCoverage: 0.5}
  maxS4: {of: s4, depth: all, agg: max, minCoverage: 0}
  minS4: {of: s4, depth: all, agg: min, minCoverage: 0}
  hot: {over: contains, types: [Engine], depth: all, agg: count, where: \"s4 > 1420\"}
  hotter: {over: contains, types: [Engine], depth: all, agg: count, where: \"s4 > 1430\"}
rules:
  - {id: high, when: \"meanS4 > 1415\", onDelay: 30m, offDelay: 30m, acknowledge: no}
  - {id: many, when: \"hot >= 20\", onDelay: 30m, offDelay: 30m, acknowledge: no}
  - {id: some, when: \"hotter >= 3\", onDelay: 30m, offDelay: 30m, acknowledge: no}
";

fn fleet() -> Catalog {
    let mut twins = String::from("twins:\n  - {id: fleet, type: Fleet}\n");
    for wing in 1..=4 {
        twins.push_str(&format!("  - {{id: wing-{wing}, type: Wing, in: fleet}}\n"));
    }
    for engine in 1..=100 {
        twins.push_str(&format!("  - {{id: engine-{engine:03}, type: Engine, in: wing-{}}}\n", (engine - 1) / 25 + 1));
    }
    workspace(&[("schemas/Engine.yaml", ENGINE), ("schemas/Wing.yaml", WING), ("schemas/Fleet.yaml", FLEET), ("twins/fleet.yaml", &twins)])
}

/// Engine, cycle and sensor 4 of each row of the training set.
fn engines() -> Option<Vec<(u32, i64, f64)>> {
    let folder = std::env::var_os("POLLUX_TEST_DATA").map(PathBuf::from);
    let path = folder.and_then(|folder| {
        let file = "cmapss/train_FD001.txt.gz";
        [folder.join(file), folder.join("ml").join(file)].into_iter().find(|path| path.is_file())
    });
    let Some(path) = path else {
        eprintln!("SKIPPED: POLLUX_TEST_DATA names no folder with the engines");
        return None;
    };
    let unpacked = std::process::Command::new("gzip").arg("-dc").arg(path).output().unwrap();
    let parse = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (fields[0].parse().unwrap(), fields[1].parse().unwrap(), fields[8].parse().unwrap())
    };
    Some(String::from_utf8(unpacked.stdout).unwrap().lines().map(parse).collect())
}

fn number(plant: &Plant, twin: &str, member: &str) -> Option<f64> {
    let state = &plant.twin(plant.place(twin).unwrap()).state;
    Datum::from_value(state.slot(state.layout.slot_by_path(member).unwrap()).value.as_ref()?)?.as_number()
}

#[test]
fn a_fleet_of_engines_adds_up_at_every_cycle() {
    let Some(mut rows) = engines() else { return };
    rows.sort_by_key(|(engine, cycle, _)| (*cycle, *engine));
    assert_eq!(rows.len(), 20_631);
    let catalog = fleet();
    let start = at("2026-01-01T00:00:00Z");
    let hour = |cycle: i64| start.shifted(cycle * 3_600_000_000);
    let mut tale = Tale::default();
    let mut plant = Plant::new(&catalog, start, &mut tale);
    let mut cycles: Vec<(i64, Vec<(u32, f64)>)> = Vec::new();
    for (engine, cycle, s4) in rows {
        match cycles.last_mut() {
            Some((last, rows)) if *last == cycle => rows.push((engine, s4)),
            _ => cycles.push((cycle, vec![(engine, s4)])),
        }
    }
    let mut first_unknown: BTreeMap<&str, i64> = BTreeMap::new();
    for (cycle, rows) in cycles {
        for (engine, s4) in rows {
            let place = plant.place(&format!("engine-{engine:03}")).unwrap();
            let layout = plant.twin(place).state.layout.0.clone();
            let slot = layout.slot_by_path("s4").unwrap();
            let reading = Reading { slot, value: Value::Double(s4), quality: Quality::Good, reason: Reason::None };
            plant.feed(place, &layout, Group { time: Some(hour(cycle)), readings: vec![reading] }, hour(cycle), &mut tale);
        }
        plant.run_until(hour(cycle).shifted(1_000_000), &mut tale);
        for twin in ["fleet", "wing-1", "wing-2", "wing-3", "wing-4"] {
            if number(&plant, twin, "meanS4").is_none() {
                first_unknown.entry(twin).or_insert(cycle);
            }
        }
        let figures = |twin: &str| number(&plant, twin, "meanS4").map(|mean| (mean * 1e6).round() / 1e6);
        let shown = (figures("fleet"), number(&plant, "fleet", "maxS4"), number(&plant, "fleet", "minS4"), number(&plant, "fleet", "hot"));
        match cycle {
            100 => assert_eq!(shown, (Some(1406.2084), Some(1426.6), Some(1394.51), Some(2.0))),
            200 => assert_eq!(shown, (Some(1420.521731), Some(1436.93), Some(1394.23), Some(30.0))),
            201 => assert_eq!(shown, (Some(1419.283137), Some(1436.93), Some(1400.92), Some(23.0))),
            202 => assert_eq!(shown, (None, Some(1435.41), Some(1404.18), Some(19.0))),
            _ => {}
        }
    }
    plant.run_until(hour(400), &mut tale);
    let wanted = [("fleet", 202), ("wing-1", 198), ("wing-2", 197), ("wing-3", 205), ("wing-4", 213)];
    assert_eq!(first_unknown.into_iter().collect::<Vec<_>>(), wanted);

    let place = plant.place("fleet").unwrap();
    let cycles = |rule: usize| -> Vec<(i64, Option<i64>)> {
        let cycle = |time: Timestamp| (time.0 - start.0 - 1_800_000_000) / 3_600_000_000;
        let outcomes = &tale.rule(place, rule).unwrap().occurrences;
        outcomes.iter().map(|outcome| (cycle(outcome.raised_at), outcome.cleared_at.map(cycle))).collect()
    };
    assert_eq!(cycles(0), [(168, Some(169)), (170, None)]);
    let raised = [143, 146, 148, 151, 156, 161, 167, 203, 208];
    let cleared = [144, 147, 150, 154, 159, 166, 202, 205, 210];
    assert_eq!(cycles(1), raised.into_iter().zip(cleared.map(Some)).collect::<Vec<_>>());
    let some = cycles(2);
    assert_eq!((some.len(), some[0], some[18]), (19, (137, Some(138)), (278, Some(279))));
}
