//! Pages: whatever changes meanwhile, twins that do not change are on exactly one page, in order.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::api::error::Code;
use crate::reading::{Quality, Value};

use super::World;

const FILES: &[(&str, &str)] = &[(
    "Pump",
    "type: Pump\nproperties: {label: string}\ntelemetry:\n  mode: {type: enum, values: [A, B, C]}\n  speed: {type: double, unit: rpm}\n  load: double\n",
)];

fn pump(number: usize) -> String {
    format!("pump-{number:04}")
}

/// Enough of them for columns.
fn pumps(count: usize) -> World {
    let mut world = World::new(FILES);
    for number in 0..count {
        let id = pump(number);
        world.create(&id, "Pump");
        // One in ten has no speed.
        if number % 10 != 0 {
            world.read(&id, "speed", Value::Double(((number * 7919) % 100) as f64 - 50.0), Quality::Good, 1);
        }
        world.read(&id, "mode", Value::Enum((number % 3) as u16), Quality::Good, 1);
        world.set(&id, "label", Value::Text(format!("pump number {}", number * 31 % 200).into()));
    }
    world
}

/// All of it by asking every state, in the order that the specification asks for.
fn expected(world: &World, keep: impl Fn(usize) -> bool, is_descending: bool) -> Vec<String> {
    let mut all: Vec<(bool, i64, String)> = Vec::new();
    for number in (0..world.view.count()).filter(|number| keep(*number)) {
        let speed = (number * 7919 % 100) as i64 - 50;
        let is_missing = number % 10 == 0;
        let key = if is_missing {
            0
        } else if is_descending {
            -speed
        } else {
            speed
        };
        all.push((is_missing, key, pump(number)));
    }
    all.sort();
    all.into_iter().map(|(.., id)| id).collect()
}

#[test]
fn pages_are_in_order_with_the_missing_last() {
    let world = pumps(600);
    for (direction, is_descending) in [("ASC", false), ("DESC", true)] {
        let order = format!(r#"[{{"field": "speed", "direction": "{direction}"}}]"#);
        let ids = world.ids("Pump", "{}", Some(&order)).expect("pages");
        assert_eq!(ids, expected(&world, |_| true, is_descending));
        let generic = format!(r#"[{{"property": "speed", "direction": "{direction}"}}]"#);
        assert_eq!(world.ids("twins", r#"{"isA": ["Pump"]}"#, Some(&generic)).expect("pages"), ids);
        let filtered = world.ids("Pump", r#"{"mode": {"eq": "B"}}"#, Some(&order)).expect("pages");
        assert_eq!(filtered, expected(&world, |number| number % 3 == 1, is_descending));
    }
    let by_two = world.ids("Pump", "{}", Some(r#"[{"field": "mode"}, {"field": "speed", "direction": "DESC"}]"#)).expect("pages");
    let parts: Vec<String> = (0..3).flat_map(|mode| expected(&world, move |number| number % 3 == mode, true)).collect();
    assert_eq!(by_two, parts);
    let mut labels: Vec<(String, String)> = (0..600).map(|number| (format!("pump number {}", number * 31 % 200), pump(number))).collect();
    labels.sort();
    let by_label = world.ids("Pump", "{}", Some(r#"[{"field": "label"}]"#)).expect("pages");
    assert_eq!(by_label, labels.into_iter().map(|(_, id)| id).collect::<Vec<_>>());
    let mut down: Vec<String> = (0..600).map(pump).collect();
    down.reverse();
    assert_eq!(world.ids("Pump", "{}", Some(r#"[{"field": "ID", "direction": "DESC"}]"#)).expect("pages"), down);
}

#[test]
fn a_count_is_of_all_pages() {
    let world = pumps(300);
    for (filter, order) in [
        ("{}", None),
        (r#"{"mode": {"eq": "A"}}"#, None),
        (r#"{"mode": {"eq": "A"}}"#, Some(r#"[{"field": "speed"}]"#)),
        (r#"{"label": {"contains": "1"}}"#, None),
        (r#"{"twin": {"ids": ["pump-0001", "pump-0002"]}}"#, None),
    ] {
        let page = world.page("Pump", filter, order, 2, None).expect("a page");
        assert_eq!(page.total, Some(world.ids("Pump", filter, order).expect("pages").len()), "{filter}");
    }
}

#[test]
fn a_cursor_belongs_to_its_list() {
    let world = pumps(10);
    let page = world.page("Pump", "{}", None, 5, None).expect("a page");
    let cursor = &page.items.last().expect("it has five").cursor.text();
    assert!(page.has_next && !page.has_previous);
    assert!(world.page("Pump", "{}", None, 5, Some(cursor)).expect("a page").has_previous);
    for (list, filter, order) in [("twins", "{}", None), ("Pump", r#"{"load": {}}"#, None), ("Pump", "{}", Some(r#"{"field": "NAME"}"#))] {
        assert_eq!(world.page(list, filter, order, 5, Some(cursor)).expect_err("another list").code, Code::BadCursor);
    }
    for first in [0, 201] {
        assert_eq!(world.page("Pump", "{}", None, first, None).expect_err("not a page").limit, Some(("page_max", 200)));
    }
}

/// Every second twin changes all the time; the others must be found once each, in order, by whatever is asked.
#[test]
fn pages_joined_are_one_big_page_while_others_write() {
    let world = pumps(1000);
    let is_over = AtomicBool::new(false);
    let mut states: Vec<_> = (0..1000).step_by(2).map(|number| world.view.twin(&pump(number)).expect("a twin")).collect();
    let still = |ids: Vec<String>| -> Vec<String> {
        ids.into_iter()
            .filter(|id| id.rsplit('-').next().and_then(|number| number.parse::<usize>().ok()).is_some_and(|n| n % 2 == 1))
            .collect()
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let layout = world.catalog.layout("Pump").expect("the type");
            let slot = layout.slot_by_path("speed").expect("a slot");
            let mut seed = 7_u64;
            let mut seq = 1_000_000;
            while !is_over.load(Ordering::Acquire) {
                for cell in &mut states {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    seq += 1;
                    let mut twin = crate::twin::Twin::new(crate::twin::State::clone(&cell.state()));
                    let value = Some(Value::Double((seed >> 40) as f64 % 100.0 - 50.0));
                    twin.apply(&crate::twin::Event::PropertySet { slot, value, layout: layout.fingerprint }, super::NOW);
                    cell.publish(twin.state.clone(), crate::reading::Seq(seq));
                }
            }
        });
        for round in 0..4 {
            let direction = if round % 2 == 0 { "ASC" } else { "DESC" };
            let order = format!(r#"[{{"field": "speed", "direction": "{direction}"}}]"#);
            let ids = still(world.ids("Pump", "{}", Some(&order)).expect("pages"));
            assert_eq!(ids, expected(&world, |number| number % 2 == 1, round % 2 == 1));
            let filter = r#"{"speed": {"gte": 0}}"#;
            let above = |number: usize| number % 2 == 1 && number * 7919 % 100 >= 50 && !number.is_multiple_of(10);
            assert_eq!(still(world.ids("Pump", filter, Some(&order)).expect("pages")), expected(&world, above, round % 2 == 1));
            let mut by_id = still(world.ids("Pump", filter, None).expect("pages"));
            assert_eq!(by_id.len(), (0..1000).filter(|number| above(*number)).count());
            assert!(by_id.is_sorted());
            by_id.dedup();
            assert_eq!(by_id.len(), (0..1000).filter(|number| above(*number)).count());
        }
        is_over.store(true, Ordering::Release);
    });
}
