//! What filters mean: three values, units, relations, paths, and what is told of mistakes.

use crate::reading::{Quality, Seq, Timestamp, Value};

use super::{NOW, World, json};
use crate::api::access::{Bounds, Matcher};

fn plant() -> World {
    let mut world = World::plant();
    world.set("m1", "serial", Value::Text("MX-0001".into()));
    world.set("m2", "serial", Value::Text("mx-0002".into()));
    world.set("m1", "count", Value::Int(3));
    world.set("m2", "count", Value::Int(5));
    world.set("m1", "due", Value::Timestamp(Timestamp(NOW.0 - 3_600_000_000)));
    world.set("m2", "big", Value::Bool(true));
    world.set("m3", "secret", Value::Text("s".into()));
    world.read("m1", "temperature", Value::Double(20.0), Quality::Good, 10);
    world.read("m2", "temperature", Value::Double(80.0), Quality::Bad, 10);
    world.read("p1", "temperature", Value::Double(60.0), Quality::Uncertain, 100);
    world.read("t1", "temperature", Value::Double(50.0), Quality::Good, 5);
    world.read("m1", "mode", Value::Enum(1), Quality::Good, 5);
    world.read("m2", "mode", Value::Enum(0), Quality::Good, 5);
    world.read("m1", "vibration.x", Value::Double(1.0), Quality::Good, 5);
    world.read("m1", "vibration.y", Value::Double(2.0), Quality::Good, 5);
    world
}

fn check(world: &World, list: &str, cases: &[(&str, &str)]) {
    for (filter, expected) in cases {
        let ids = world.ids(list, filter, None).unwrap_or_else(|error| panic!("{filter}: {error:?}"));
        assert_eq!(ids.join(" "), *expected, "{list} where {filter}");
    }
}

#[test]
fn twins_by_what_all_twins_have() {
    check(
        &plant(),
        "twins",
        &[
            ("{}", "m1 m2 m3 north p1 plant south t1 t2"),
            (r#"{"or": []}"#, ""),
            (r#"{"and": []}"#, "m1 m2 m3 north p1 plant south t1 t2"),
            (r#"{"ids": ["t1", "m2", "gone", "no id at all"]}"#, "m2 t1"),
            (r#"{"ids": []}"#, ""),
            (r#"{"not": {"ids": ["m1", "m2", "m3"]}, "isA": ["Machine"]}"#, "p1"),
            (r#"{"isA": ["Machine", "Tank"]}"#, "m1 m2 m3 p1 t1 t2"),
            (r#"{"isA": []}"#, ""),
            (r#"{"kind": "DEVICE"}"#, "t1 t2"),
            (r#"{"name": {"like": "*1"}}"#, "m1 p1 t1"),
            (r#"{"name": {"startsWith": "M", "ignoreCase": true}, "not": {"name": {"eq": "m1"}}}"#, "m2 m3"),
            (r#"{"name": {"in": []}}"#, ""),
            (r#"{"name": {"notIn": ["m1"]}, "isA": "Mixer"}"#, "m2 m3"),
            (r#"{"stale": true}"#, "p1"),
            (r#"{"presence": ["OFFLINE"]}"#, "p1"),
            (r#"{"presence": []}"#, ""),
            (r#"{"path": {"under": "/plant/north"}}"#, "m1 m2 t1"),
            (r#"{"path": {"under": "plant", "depth": 1}}"#, "north south"),
            (r#"{"path": {"eq": "/plant/south/p1"}}"#, "p1"),
            (r#"{"path": {"eq": "/south/p1"}}"#, ""),
            (r#"{"path": {"under": "/nowhere"}}"#, ""),
            (r#"{"updatedAt": {"within": "5m"}, "isA": "Tank"}"#, "t1 t2"),
            (r#"{"updatedAt": {"lt": "1999-01-01T00:00:00Z"}}"#, ""),
        ],
    );
}

#[test]
fn what_is_missing_or_bad_is_unknown() {
    check(
        &plant(),
        "twins",
        &[
            (r#"{"property": {"name": "temperature", "number": {"lt": 100, "unit": "degC"}}}"#, "m1 p1 t1"),
            (r#"{"not": {"property": {"name": "temperature", "number": {"lt": 15, "unit": "degC"}}}}"#, "m1 p1"),
            (r#"{"property": {"name": "temperature", "number": {"lt": 15, "unit": "degC"}}}"#, "t1"),
            (r#"{"property": {"name": "temperature", "number": {"isNull": true}}}"#, "m3 t2"),
            (r#"{"property": {"name": "temperature", "number": {"quality": ["BAD", "MISSING"]}}}"#, "m2 m3 t2"),
            (r#"{"property": {"name": "temperature", "number": {"stale": true}}}"#, "p1"),
            (r#"{"property": {"name": "temperature", "number": {"olderThan": "8s"}}}"#, "m1 m2 p1"),
            (r#"{"property": {"name": "mode", "text": {"eq": "RUN"}}}"#, "m1"),
            (r#"{"property": {"name": "vibration.x", "number": {"gte": 1}}}"#, "m1"),
            (r#"{"property": {"name": "serial", "text": {"startsWith": "mx", "ignoreCase": true}}}"#, "m1 m2"),
            (r#"{"property": {"name": "big", "bool": {"eq": true}}}"#, "m2"),
        ],
    );
}

#[test]
fn types_by_their_own_fields() {
    check(
        &plant(),
        "Mixer",
        &[
            ("{}", "m1 m2 m3"),
            (r#"{"mode": {"in": ["RUN", "IDLE"]}}"#, "m1 m2"),
            (r#"{"mode": {"ne": "RUN"}}"#, "m2"),
            (r#"{"not": {"mode": {"eq": "RUN"}}}"#, "m2"),
            (r#"{"count": {"gt": 3}}"#, "m2"),
            (r#"{"count": {"in": [3, 4]}}"#, "m1"),
            (r#"{"count": {"isNull": false}}"#, "m1 m2"),
            (r#"{"due": {"within": "2h"}}"#, "m1"),
            (r#"{"due": {"within": "30m"}}"#, ""),
            (r#"{"vibration": {"y": {"eq": 2}}}"#, "m1"),
            (r#"{"temperature": {"gt": 67, "unit": "DEGREE_FAHRENHEIT"}}"#, "m1"),
            (r#"{"twin": {"path": {"under": "south"}}}"#, "m3"),
            (r#"{"serial": {"eq": "MX-0001"}}"#, "m1"),
        ],
    );
    check(&plant(), "Machine", &[(r#"{"temperature": {"isNull": false}}"#, "m1 m2 p1")]);
}

#[test]
fn relations_by_what_they_lead_to() {
    check(
        &plant(),
        "Machine",
        &[
            (r#"{"feeds": {"some": {"isA": ["Tank"]}}}"#, "m1 m2"),
            (r#"{"feeds": {"some": {"ids": ["t2"]}}}"#, "m2"),
            (r#"{"feeds": {"every": {"ids": ["t1"]}}}"#, "m1 m3"),
            (r#"{"feeds": {"none": {"isA": ["Tank"]}}}"#, "m3 p1"),
            (r#"{"feeds": {"count": {"gte": 2}}}"#, "m2"),
            (r#"{"fedBy": {"some": {"temperature": {"gt": 50}}}}"#, "m3"),
        ],
    );
    check(
        &plant(),
        "twins",
        &[
            (r#"{"relation": {"name": "fedBy", "some": {"stale": true}}}"#, "m3"),
            (r#"{"relation": {"name": "feeds", "direction": "IN", "count": {"eq": 2}}}"#, "t1"),
            (r#"{"relation": {"name": "contains", "direction": "IN", "some": {"ids": ["south"]}}}"#, "m3 p1 t2"),
        ],
    );
}

#[test]
fn edges_count_while_they_hold() {
    let world = plant();
    let filter = r#"{"path": {"under": "north"}}"#;
    assert_eq!(world.ids("twins", filter, None).expect("a page").join(" "), "m1 m2 t1");
    // m1 leaves the hall: its edge is the third.
    world.links.end(crate::twin::EdgeNo(3), Timestamp(NOW.0 - 1), Seq(1));
    assert_eq!(world.ids("twins", filter, None).expect("a page").join(" "), "m2 t1");
}

#[test]
fn what_a_caller_may_not_see_does_not_match() {
    let world = plant();
    let (_, filter, _) =
        world.decode("twins", &json(r#"{"property": {"name": "secret", "text": {"eq": "s"}}}"#), None).expect("it is right");
    for (sees_sensitive, expected) in [(true, true), (false, false)] {
        let access = crate::api::access::Access { sees_sensitive, ..world.access() };
        let state = world.view.twin("m3").expect("a twin").state();
        assert_eq!(Matcher::new(&access, &filter).matches(&access, &state), expected);
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    let mut world = plant();
    world.bounds = Bounds { filter_depth_max: 3, filter_terms_max: 5, ..Bounds::default() };
    let cases = [
        (
            "twins",
            r#"{"and": [{"property": {"name": "temprature"}}]}"#,
            "where.and[0].property.name: there is no property `temprature`",
            "did you mean `temperature`?",
        ),
        (
            "twins",
            r#"{"property": {"name": "vibration"}}"#,
            "where.property.name: `vibration` has parts and no value of its own",
            "name one of its parts, such as `vibration.x`",
        ),
        ("twins", r#"{"relation": {"name": "feds"}}"#, "where.relation.name: there is no relation `feds`", "did you mean `feeds`?"),
        ("twins", r#"{"isA": ["Mixr"]}"#, "where.isA[0]: there is no type `Mixr`", "did you mean `Mixer`?"),
        ("twins", r#"{"path": {"under": "a", "hierarchy": "feeds"}}"#, "where.path.hierarchy: there is no hierarchy `feeds`", ""),
        (
            "Mixer",
            r#"{"temperature": {"gt": 1, "unit": "bar"}}"#,
            "where.temperature: `temperature` is in degC, and bar does not convert to it",
            "",
        ),
        (
            "Mixer",
            r#"{"temperature": {"unit": "bars"}}"#,
            "where.temperature.unit: unknown unit `bars`; did you mean `bar`, `B/s` or `mbar`?",
            "",
        ),
        ("Mixer", r#"{"mode": {"eq": "RUNS"}}"#, "where.mode.eq: there is no value `RUNS`", "did you mean `RUN`?"),
        ("twins", r#"{"not": {"not": {"not": {}}}}"#, "where.not.not.not: the filter nests more than 3 deep", ""),
        (
            "Mixer",
            r#"{"count": {"in": [1, 2, 3, 4, 5, 6]}}"#,
            "where: the filter has more than 5 terms",
            "use `in` for many values of one kind, or ask twice",
        ),
    ];
    for (list, filter, message, hint) in cases {
        let error = world.ids(list, filter, None).expect_err(filter);
        assert_eq!((error.message.as_str(), error.hint.as_deref().unwrap_or_default()), (message, hint));
    }
}

#[test]
fn those_that_talk_come_first_those_that_nobody_heard_of_last() {
    let world = plant();
    let ids = world.ids("twins", "{}", Some(r#"[{"field": "PRESENCE"}, {"field": "ID", "direction": "DESC"}]"#)).expect("pages");
    let of = |presence: &str| world.ids("twins", &format!(r#"{{"presence": ["{presence}"]}}"#), None).expect("pages");
    let each = ["ONLINE", "OFFLINE", "UNKNOWN"].into_iter().flat_map(|presence| of(presence).into_iter().rev());
    assert_eq!(ids, each.collect::<Vec<_>>());
    assert!(["OFFLINE", "UNKNOWN"].iter().all(|presence| !of(presence).is_empty()));
}
