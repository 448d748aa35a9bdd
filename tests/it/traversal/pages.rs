//! The edges of one twin, in pages.

use serde_json::{Value as Json, json};

use super::FILES;
use super::asker::Asker;
use crate::support::World;

fn plant() -> World {
    let world = World::of(FILES);
    world.projected();
    world
}

/// `name other`, one for each edge.
fn listed(asker: &Asker<'_>, id: &str, args: &str) -> Vec<String> {
    let data = asker.data(&format!("{{ twin(id: \"{id}\") {{ relations{args} {{ edges {{ node {{ name }} other {{ id }} }} }} }} }}"));
    let edges = data["twin"]["relations"]["edges"].as_array().unwrap();
    edges.iter().map(|edge| format!("{} {}", edge["node"]["name"].as_str().unwrap(), edge["other"]["id"].as_str().unwrap())).collect()
}

#[test]
fn edges_are_those_of_the_relation_and_direction() {
    let world = plant();
    let asker = Asker::new(&world);
    for (id, args, expected) in [
        ("a", "", vec!["feeds b", "feeds c", "feeds d"]),
        ("d", "", vec!["feeds a", "feeds b", "twinned c", "powers e"]),
        ("d", "(direction: OUT)", vec!["twinned c"]),
        ("d", "(direction: IN)", vec!["feeds a", "feeds b", "twinned c", "powers e"]),
        ("d", "(name: \"feeds\")", vec!["feeds a", "feeds b"]),
        ("d", "(name: \"feeds\", direction: OUT)", vec![]),
        ("d", "(name: \"fedBy\", direction: OUT)", vec!["feeds a", "feeds b"]),
        ("d", "(name: \"twinned\", direction: OUT)", vec!["twinned c"]),
        ("c", "(name: \"twinned\", direction: IN)", vec!["twinned d"]),
        ("f", "", vec![]),
    ] {
        assert_eq!(listed(&asker, id, args), expected, "{id} {args}");
    }
    let told = asker.ask("{ twin(id: \"a\") { id relations(name: \"feed\") { totalCount } } }");
    assert_eq!(told.data, json!({"twin": {"id": "a", "relations": null}}));
    assert_eq!(told.errors[0]["message"], "name: there is no relation `feed`");
    assert_eq!(told.errors[0]["extensions"]["hint"], "did you mean `feeds`?");
}

#[test]
fn an_edge_says_what_it_is_and_is_found_again_by_its_id() {
    let world = plant();
    let asker = Asker::new(&world);
    let fields = "id name properties revision validTo source { id } target { id relations(direction: OUT) { nodes { name } } }";
    let told = asker.ask(&format!("{{ twin(id: \"a\") {{ relations(first: 1) {{ nodes {{ {fields} }} }} }} }}"));
    let edge = &told.data["twin"]["relations"]["nodes"][0];
    let id = edge["id"].as_str().unwrap();
    let expected = json!({"id": id, "name": "feeds", "properties": {"pipe": "DN20"}, "revision": "1", "validTo": null, "source": {"id": "a"},
        "target": {"id": "b", "relations": {"nodes": [{"name": "feeds"}]}}});
    assert_eq!((edge, told.statements), (&expected, 2));
    let again = asker.data(&format!("{{ node(id: \"{id}\") {{ ... on Relation {{ {fields} }} }} }}"));
    assert_eq!(again["node"], expected);

    world.edit(json!([{"unrelate": {"id": id}}])).unwrap();
    world.projected();
    let again = asker
        .data(&format!("{{ node(id: \"{id}\") {{ ... on Relation {{ revision }} }} twin(id: \"a\") {{ relations {{ totalCount }} }} }}"));
    assert_eq!(again, json!({"node": {"revision": "2"}, "twin": {"relations": {"totalCount": 2}}}));
    assert_eq!(asker.data("{ a: node(id: \"relation/999\") { id } b: node(id: \"relation/x\") { id } }"), json!({"a": null, "b": null}));
}

#[test]
fn pages_joined_are_one_big_page() {
    let world = plant();
    world.edit(json!([{"relate": {"source": "a", "name": "feeds", "target": "b"}}])).unwrap();
    world.projected();
    let asker = Asker::new(&world);
    let page = |args: &str| {
        let query = format!(
            "{{ twin(id: \"a\") {{ relations({args}) {{ totalCount nodes {{ id }} edges {{ cursor }} pageInfo {{ hasNextPage hasPreviousPage endCursor }} }} }} }}"
        );
        asker.data(&query)["twin"]["relations"].take()
    };
    let whole = page("first: 50");
    assert_eq!(whole["totalCount"], 4, "two edges lead to `b`");
    let (mut joined, mut after): (Vec<Json>, String) = (Vec::new(), String::new());
    loop {
        let page = page(&format!("first: 1{after}"));
        assert_eq!(page["pageInfo"]["hasPreviousPage"], !after.is_empty());
        joined.extend(page["nodes"].as_array().unwrap().clone());
        after = format!(", after: {}", page["pageInfo"]["endCursor"]);
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(Json::Array(joined), whole["nodes"]);
    let told = asker.ask(&format!("{{ twin(id: \"a\") {{ relations(name: \"feeds\"{after}) {{ totalCount }} }} }}"));
    assert_eq!(told.errors[0]["extensions"]["code"], "BAD_CURSOR", "a cursor of another list");
}

#[test]
fn what_is_deleted_is_left_out() {
    let world = plant();
    let asker = Asker::new(&world);
    world.edit(json!([{"delete": {"id": "b"}}])).unwrap();
    world.projected();
    assert_eq!(listed(&asker, "a", ""), ["feeds c", "feeds d"]);
    // The id is given again: the edges of the former twin are not its own.
    world.edit(json!([{"create": {"id": "b", "type": "Pump"}}])).unwrap();
    world.projected();
    assert_eq!(listed(&asker, "b", ""), Vec::<String>::new());
}
