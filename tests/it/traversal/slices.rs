//! Slices of the graph, and ways through it.

use serde_json::{Value as Json, json};

use super::FILES;
use super::asker::Asker;
use crate::support::World;

/// The ids of the twins, then `name source target` of the edges.
fn shown(slice: &Json) -> (Vec<&str>, Vec<String>) {
    let end = |edge: &Json, end: &str| edge[end]["id"].as_str().unwrap().to_owned();
    let edge = |edge: &Json| format!("{} {} {}", edge["name"].as_str().unwrap(), end(edge, "source"), end(edge, "target"));
    let twins = slice["twins"].as_array().unwrap().iter().map(|twin| twin["id"].as_str().unwrap()).collect();
    (twins, slice["relations"].as_array().unwrap().iter().map(edge).collect())
}

#[test]
fn a_slice_has_what_is_reached_within_its_bounds() {
    let world = World::of(FILES);
    world.projected();
    let asker = Asker::new(&world);
    let slice = |args: &str| {
        let told = asker
            .ask(&format!("{{ graph({args}) {{ truncated seq twins {{ id }} relations {{ name source {{ id }} target {{ id }} }} }} }}"));
        assert_eq!(told.errors, Json::Null, "{args}");
        (told.data["graph"].clone(), told.statements)
    };
    let (all, statements) = slice("root: \"a\"");
    let (twins, edges) = shown(&all);
    assert_eq!((twins, statements), (vec!["a", "d", "b", "c"], 2));
    assert_eq!(edges, ["feeds a d", "feeds a b", "feeds a c", "twinned c d", "feeds b d"]);
    assert_eq!(all["truncated"], false);
    let (near, statements) = slice("root: \"a\", depth: 1, relations: [\"feeds\"]");
    assert_eq!((shown(&near).0, shown(&near).1.len(), statements), (vec!["a", "d", "b", "c"], 3, 1));
    let (back, _) = slice("root: \"b\", direction: IN, depth: 5");
    assert_eq!(shown(&back).0, ["b", "a"]);
    let (few, _) = slice("root: \"d\", direction: BOTH, limit: 3");
    assert_eq!((shown(&few).0.len(), &few["truncated"]), (3, &json!(true)));
    let (alone, statements) = slice("root: \"f\", depth: 9");
    assert_eq!((shown(&alone).0, statements), (vec!["f"], 1));
    assert_eq!(asker.data("{ graph(root: \"nobody\") { seq } }"), json!({"graph": null}));
    for (args, message) in [
        ("depth: 21", "`depth` is 21; it is a number from 0 to 20"),
        ("limit: 0", "`limit` is 0; it is a number from 1 to 5000"),
        ("relations: [\"fedBy\"]", "relations: there is no relation `fedBy`"),
    ] {
        let told = asker.ask(&format!("{{ graph(root: \"a\", {args}) {{ seq }} }}"));
        assert_eq!(told.errors[0]["message"], message);
    }
}

#[test]
fn a_path_is_a_shortest_one() {
    let world = World::of(FILES);
    world.projected();
    let asker = Asker::new(&world);
    let way = |args: &str| {
        let data =
            asker.data(&format!("{{ path({args}) {{ hops twins {{ id }} relations {{ name source {{ id }} target {{ id }} }} }} }}"));
        if data["path"].is_null() {
            None
        } else {
            Some((data["path"]["hops"].clone(), shown(&data["path"]).0.join(" "), shown(&data["path"]).1))
        }
    };
    let (hops, twins, edges) = way("from: \"a\", to: \"e\"").unwrap();
    assert_eq!((hops, twins.as_str()), (json!(2), "a d e"));
    assert_eq!(edges, ["feeds a d", "powers e d"]);
    let (_, twins, edges) = way("from: \"c\", to: \"b\", relations: [\"feeds\"]").unwrap();
    assert_eq!((twins.as_str(), edges.join(", ").as_str()), ("c a b", "feeds a c, feeds a b"));
    assert_eq!(way("from: \"a\", to: \"a\"").unwrap().1, "a");
    assert_eq!(way("from: \"a\", to: \"e\", maxHops: 1"), None);
    assert_eq!(way("from: \"a\", to: \"f\""), None);
    assert_eq!(way("from: \"a\", to: \"nobody\""), None);
}
