//! What came in and could not be used, as the API shows it: kept senders, what a message would become, and finding rejections again.

use std::time::Instant;

use pollux::runtime::quarantine::UnknownSender;
use pollux::store::{RejectionFilter, RejectionRow};
use serde_json::json;

use crate::support::{PATIENCE, World};

const FILES: &[(&str, &str)] = &[
    (
        "schemas/Press.yaml",
        "type: Press\nkind: DEVICE\ntelemetry:\n  force: {type: double, unit: N, min: 0, max: 100}\n  open: {type: bool}\n",
    ),
    (
        "twins/all.yaml",
        "twins:\n  - {id: press-1, type: Press}\nbindings:\n  \
         - {id: keep, source: http, topic: \"keep/{id}\", twin: \"{id}\", unknownTwin: quarantine, map: [{path: $.f, to: force, unit: kg.m/s^2}, {path: $.o, to: open}]}\n  \
         - {id: named, source: http, topic: \"named/{tag}\", twin: {externalId: {plc: \"{tag}\"}}, unknownTwin: quarantine}\n",
    ),
];

fn rejections(world: &World, filter: RejectionFilter) -> Vec<RejectionRow> {
    world.block_on(world.app().runtime.store().rejections(&RejectionFilter { limit: 100, ..filter })).unwrap()
}

/// Until the graph store has them all.
fn wait_for_rejections(world: &World, count: usize) {
    let begun = Instant::now();
    while rejections(world, RejectionFilter::default()).len() < count {
        assert!(begun.elapsed() < PATIENCE, "the graph store does not follow");
        std::thread::yield_now();
    }
}

fn senders(world: &World) -> Vec<UnknownSender> {
    world.block_on(world.app().runtime.unknown_senders()).unwrap()
}

#[test]
fn unknown_senders_are_gathered_until_somebody_knows_them() {
    let world = World::of(FILES);
    for (topic, payload) in [("keep/press-7", "{\"f\": 1.5, \"o\": true}"), ("keep/press-7", "{\"f\": 2}"), ("named/T-9", "{\"x\": 1}")] {
        assert_eq!(world.post(&format!("/ingest/topic/{topic}"), payload).0, 404, "{topic}");
    }
    wait_for_rejections(&world, 3);
    let found = senders(&world);
    let shown: Vec<_> = found.iter().map(|sender| (sender.key(), sender.rows.len(), sender.members.keys().cloned().collect())).collect();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(shown, [("named/plc:T-9".to_owned(), 1, names(&["x"])), ("keep/press-7".to_owned(), 2, names(&["force", "open"]))]);
    let press = &found[1];
    assert_eq!(press.members["force"].unit.as_deref(), Some("kg.m/s^2"));
    assert_eq!(press.rows.iter().map(|row| row.rejection.payload_bytes).sum::<u64>(), 29);
    world.edit(json!([{"create": {"id": "press-7", "type": "Press"}}])).unwrap();
    assert_eq!(senders(&world).iter().map(UnknownSender::key).collect::<Vec<_>>(), ["named/plc:T-9"]);
}

#[test]
fn rejections_are_found_by_where_they_went_and_in_pages() {
    let world = World::of(FILES);
    for index in 0..5 {
        assert_eq!(world.post("/ingest/topic/keep/press-7", format!("{{\"f\": {index}}}")).0, 404);
    }
    assert_ne!(world.post("/ingest/press-1", "{\"force\": \"much\"}").0, 200);
    wait_for_rejections(&world, 6);
    let of_topic = |limit, before| {
        let addresses = vec!["/ingest/topic/keep/press-7".to_owned()];
        let filter = RejectionFilter { addresses, before, limit, ..RejectionFilter::default() };
        world.block_on(world.app().runtime.store().rejections(&filter)).unwrap()
    };
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = of_topic(2, before);
        let Some(last) = page.last() else { break };
        before = Some((last.seq, last.part));
        all.extend(page);
    }
    assert_eq!(all, of_topic(100, None));
    assert_eq!(all.len(), 5);
    let store = world.app().runtime.store();
    let first = world.block_on(store.rejection(all[4].seq, all[4].part)).unwrap();
    assert_eq!(first.as_ref(), all.last());
    let misread = RejectionFilter { twin: Some("press-1".to_owned()), ..RejectionFilter::default() };
    assert_eq!(world.block_on(store.count_rejections_of(&misread)).unwrap(), 1);
}

#[test]
fn a_preview_says_what_would_be_and_changes_nothing() {
    let world = World::of(FILES);
    let runtime = &world.app().runtime;
    let before = runtime.view().twin("press-1").unwrap().state();
    let preview = runtime.preview("/ingest/topic/keep/press-1", b"{\"f\": 0.05, \"o\": \"perhaps\"}");
    assert!(preview.is_accepted());
    let stages: Vec<_> = preview.steps.iter().map(|step| (step.stage, step.outcome)).collect();
    assert_eq!(stages, [("binding", "matched"), ("twin", "found"), ("decode", "read"), ("twin", "accepted")]);
    let (after, slots) = preview.after.unwrap();
    let held = after.slot(slots[0]);
    assert_eq!(after.layout.slot(slots[0]).to_json(held.value.as_ref().unwrap()), json!(0.05));
    assert_eq!(preview.problems.iter().map(|problem| problem.field.as_deref()).collect::<Vec<_>>(), [Some("open")]);
    assert_eq!(runtime.view().twin("press-1").unwrap().state(), before);

    let unknown = runtime.preview("/ingest/topic/keep/press-7", b"{\"f\": 1}");
    assert!(!unknown.is_accepted() && unknown.problems[0].code == "QUARANTINED");
    let native = runtime.preview("pollux/press-1/telemetry", b"{\"force\": 12}");
    assert!(native.is_accepted(), "{native:?}");
    let nowhere = runtime.preview("somewhere/else", b"{}");
    assert!(!nowhere.is_accepted() && nowhere.problems.len() == 1, "{nowhere:?}");
}
