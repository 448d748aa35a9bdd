//! How many statements an answer costs: one for each level and relation of its selection.

use pollux::reading::Seq;
use serde_json::{Value as Json, json};

use super::FILES;
use super::asker::Asker;
use crate::support::World;

/// A hall with ten halls with ten halls with nine pumps each: 1,011 twins.
fn tree() -> World {
    let mut twins = "twins:\n  - {id: hall, type: Hall}\n".to_owned();
    for a in 0..10 {
        twins += &format!("  - {{id: hall-{a}, type: Hall, in: hall}}\n");
        for b in 0..10 {
            twins += &format!("  - {{id: hall-{a}{b}, type: Hall, in: hall-{a}}}\n");
            for c in 0..9 {
                twins += &format!("  - {{id: pump-{a}{b}{c}, type: Pump, in: hall-{a}{b}}}\n");
            }
        }
    }
    World::of(&[FILES[0], FILES[1], FILES[2], ("twins/tree.yaml", &twins)])
}

#[test]
fn three_levels_of_a_thousand_twins_take_three_statements() {
    let world = tree();
    world.projected();
    let asker = Asker::new(&world);
    let level = |below: &str| format!("relations(name: \"contains\", direction: OUT, first: 10) {{ edges {{ other {{ id {below} }} }} }}");
    let query = format!("{{ twin(id: \"hall\") {{ {} }} }}", level(&level(&level(""))));
    let told = asker.ask(&query);
    assert_eq!(told.errors, Json::Null);
    assert_eq!(told.statements, 3);
    let mut ids = Vec::new();
    collect(&told.data, &mut ids);
    assert_eq!(ids.len(), 10 + 100 + 900);
    assert_eq!(&ids[..4], ["hall-0", "hall-00", "pump-000", "pump-001"]);

    // The same level asked for in three ways, and one of them twice: three walks.
    let ways = "a: relations(name: \"contains\", direction: OUT) { totalCount } b: relations(name: \"contains\", direction: OUT, first: 1) { totalCount }
        c: relations(name: \"contains\", direction: IN) { totalCount } d: relations { totalCount }";
    let told = asker.ask(&format!("{{ twin(id: \"hall\") {{ relations(direction: OUT) {{ edges {{ other {{ {ways} }} }} }} }} }}"));
    assert_eq!((told.errors, told.statements), (Json::Null, 4));
    assert_eq!(told.data["twin"]["relations"]["edges"][9]["other"], counts(10, 10, 1, 11));
}

fn counts(a: u32, b: u32, c: u32, d: u32) -> Json {
    json!({"a": {"totalCount": a}, "b": {"totalCount": b}, "c": {"totalCount": c}, "d": {"totalCount": d}})
}

fn collect(value: &Json, ids: &mut Vec<String>) {
    match value {
        Json::Object(map) => {
            ids.extend(map.get("id").and_then(Json::as_str).map(str::to_owned));
            map.iter().filter(|(key, _)| *key != "id").for_each(|(_, value)| collect(value, ids));
        }
        Json::Array(items) => items.iter().for_each(|item| collect(item, ids)),
        _ => {}
    }
}

#[test]
fn what_was_just_written_is_there() {
    let world = World::of(&[&[("pollux.toml", "[runtime]\nproject_every = \"60s\"\n")], FILES].concat());
    let asker = Asker::new(&world);
    let query = "{ twin(id: \"f\") { relations { nodes { id source { id } target { id } } } } }";
    for (target, count) in [("a", 1), ("b", 2), ("c", 3)] {
        let edited = world.edit(json!([{"relate": {"source": "f", "name": "feeds", "target": target}}])).unwrap();
        let told = asker.ask_after(query, edited.seq);
        assert_eq!(told.errors, Json::Null);
        assert!(told.store_seq >= edited.seq.0, "{} of {}", told.store_seq, edited.seq.0);
        assert_eq!(told.data["twin"]["relations"]["nodes"].as_array().unwrap().len(), count);
    }
    let told = asker.ask_after(query, Seq(0));
    assert_eq!((told.errors, told.statements), (Json::Null, 1));
}
