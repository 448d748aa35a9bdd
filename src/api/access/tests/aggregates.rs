//! Counts, statistics, groups and search.

use std::sync::Arc;

use crate::api::access::{Aggregate, Scope, Search, aggregate, decode_groups, search};
use crate::reading::{Quality, Value};

use super::{World, json};

fn shown(rows: &[Aggregate]) -> String {
    let row = |row: &Aggregate| {
        let keys: Vec<String> = row.keys.iter().map(|key| key.value.as_ref().map_or("-".to_owned(), ToString::to_string)).collect();
        let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.2}"));
        let stats = row.stats.iter().map(|of| {
            let stats = &of.stats;
            let unit = stats.unit.as_ref().map_or("", |unit| unit.symbol());
            let numbers = [stats.min, stats.max, stats.avg, stats.sum, stats.stddev].map(number).join(" ");
            format!("{}{unit}: {} {numbers}", of.path, stats.count)
        });
        format!("[{}] {} {}", keys.join(" "), row.count, stats.collect::<Vec<_>>().join("; "))
    };
    rows.iter().map(row).collect::<Vec<_>>().join("\n")
}

fn asked(world: &World, filter: &str, groups: &str, paths: &[&str]) -> String {
    let access = world.access();
    let (scope, filter, _) = world.decode("twins", &json(filter), None).expect("a filter");
    let groups = decode_groups(&access, "groupBy", Some(&json(groups))).expect("groups");
    let paths: Vec<Box<str>> = paths.iter().map(|path| (*path).into()).collect();
    shown(&aggregate(&access, &scope, &filter, &groups, &paths).expect("rows"))
}

fn plant() -> World {
    let mut world = World::plant();
    world.read("m1", "temperature", Value::Double(20.0), Quality::Good, 1);
    world.read("m2", "temperature", Value::Double(30.0), Quality::Good, 1);
    world.read("m3", "temperature", Value::Double(999.0), Quality::Bad, 1);
    world.read("t1", "temperature", Value::Double(104.0), Quality::Good, 1);
    world.read("m1", "mode", Value::Enum(1), Quality::Good, 1);
    world
}

#[test]
fn twins_are_counted_by_what_they_have_in_common() {
    let world = plant();
    // Tanks are in degF: they are turned into what the first type has.
    assert_eq!(asked(&world, "{}", "[]", &["temperature"]), "[] 9 temperaturedegC: 3 20.00 40.00 30.00 90.00 8.16");
    assert_eq!(asked(&world, r#"{"ids": []}"#, "[]", &["temperature"]), "[] 0 temperature: 0 - - - - -");
    assert_eq!(
        asked(&world, r#"{"isA": ["Machine", "Tank"]}"#, r#"[{"type": true}]"#, &[]),
        "[\"Mixer\"] 3 \n[\"Pump\"] 1 \n[\"Tank\"] 2 "
    );
    assert_eq!(
        asked(&world, r#"{"isA": ["Mixer"]}"#, r#"[{"property": "mode"}]"#, &["temperature"]),
        "[\"RUN\"] 1 temperaturedegC: 1 20.00 20.00 20.00 20.00 0.00\n[-] 2 temperaturedegC: 1 30.00 30.00 30.00 30.00 0.00"
    );
    assert_eq!(
        asked(&world, r#"{"isA": ["Machine"]}"#, r#"[{"ancestor": {"type": "Area"}}]"#, &["temperature"]),
        "[\"north\"] 2 temperaturedegC: 2 20.00 30.00 25.00 50.00 5.00\n[\"south\"] 2 temperaturedegC: 0 - - - - -"
    );
    assert_eq!(asked(&world, "{}", r#"[{"ancestor": {"level": 0}}]"#, &[]), "[\"plant\"] 8 \n[-] 1 ");
}

#[test]
fn columns_add_up_to_the_same() {
    let mut world = World::new(&[("Pump", "type: Pump\ntelemetry: {speed: double, load: int}\n")]);
    for number in 0..500 {
        let id = format!("p{number}");
        world.create(&id, "Pump");
        world.read(&id, "speed", Value::Double(f64::from(number)), Quality::Good, 1);
        world.read(&id, "load", Value::Int(i64::from(number % 7)), if number % 2 == 0 { Quality::Good } else { Quality::Bad }, 1);
    }
    let filter = r#"{"property": {"name": "speed", "number": {"lt": 100}}}"#;
    let rows = asked(&world, filter, "[]", &["speed", "load"]);
    assert_eq!(rows, "[] 100 speed: 100 0.00 99.00 49.50 4950.00 28.87; load: 50 0.00 6.00 2.94 147.00 2.02");
    assert!(world.view.column_bytes() > 0, "columns were used");
}

#[test]
fn search_finds_what_people_type() {
    let world = plant();
    let access = world.access();
    let found = |text: &str, is_a: &[Arc<str>]| {
        let hits = search(&access, &Search { text, is_a, first: 3 }).expect("hits");
        let shown = hits.iter().map(|hit| format!("{} {:.1} {}", hit.state.id, hit.score, hit.matched.join(",")));
        shown.collect::<Vec<_>>().join("; ")
    };
    assert_eq!(found("M1", &[]), "m1 1.0 id");
    assert_eq!(found("mix", &[]), "m1 0.4 type; m2 0.4 type; m3 0.4 type");
    assert_eq!(found("ort", &[]), "north 0.4 id");
    assert_eq!(found("p", &[Arc::from("Pump")]), "p1 0.8 id,type");
    assert_eq!(found("  ", &[]), "");
    let everything = aggregate(&access, &Scope::All, &crate::api::access::Filter::EVERYTHING, &[], &[]).expect("a row");
    assert_eq!(everything[0].count, 9);
}
