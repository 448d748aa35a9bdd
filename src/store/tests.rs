//! The store against its real engines: in memory, and on a folder that is opened again.

use std::sync::Arc;

use serde_json::json;

use crate::catalog::layout::{Kind, Section, SlotSpec, ValueType, Version};
use crate::catalog::{FieldTable, Layout};
use crate::reading::{Quality, Reason, Seq, Timestamp, TwinId, TwinNo, Value};
use crate::twin::{Edge, EdgeNo, Rejection, Slot, State};

use super::{Batch, CheckpointRow, Config, EdgeRow, RejectionFilter, RejectionRow, Store, TwinRow};

fn layout() -> Arc<Layout> {
    let slot = SlotSpec {
        path: "level".into(),
        member: 0,
        section: Section::Telemetry,
        value_type: ValueType::Double,
        unit: None,
        constraints: Default::default(),
        property: None,
        telemetry: None,
        decimals: None,
    };
    Arc::new(Layout {
        name: "Tank".into(),
        version: Version { major: 1, minor: 0 },
        kind: Kind::Asset,
        is_abstract: false,
        ancestors: Box::default(),
        title: None,
        description: None,
        icon: None,
        slots: vec![slot].into(),
        members: Box::default(),
        telemetry_fields: FieldTable::default(),
        reported_fields: FieldTable::default(),
        relations: Box::default(),
        fingerprint: 0xfeed,
    })
}

fn id(text: &str) -> TwinId {
    TwinId::parse(text).unwrap()
}

fn tank(no: u32, level: f64) -> State {
    let mut state = State::new(TwinNo(no), id(&format!("tank-{no}")), layout(), Timestamp(1_000));
    let time = Timestamp(2_000);
    state.slots[0] = Slot { value: Some(Value::Double(level)), time, received: time, sent: None, quality: Quality::Good, reason: Reason::None };
    state.revision.0 = 1;
    state
}

fn feeds(no: u64, from: u32, to: u32, valid_to: Option<i64>) -> EdgeRow {
    let properties = json!({ "pipe": "DN50" }).as_object().unwrap().clone();
    let edge = Edge {
        no: EdgeNo(no),
        relation: "feeds".into(),
        from: TwinNo(from),
        to: TwinNo(to),
        properties,
        valid_from: Timestamp(100),
        valid_to: valid_to.map(Timestamp),
    };
    EdgeRow { edge, from: id(&format!("tank-{from}")), to: id(&format!("tank-{to}")), seq: Seq(no) }
}

fn rejection(seq: u64, code: &'static str) -> RejectionRow {
    let rejection = Rejection {
        at: Timestamp(5),
        address: "pollux/x/telemetry".to_owned(),
        twin: Some(id("tank-1")),
        field: None,
        code: code.into(),
        message: "no".to_owned(),
        excerpt: "{".to_owned(),
    };
    RejectionRow { seq: Seq(seq), part: 0, rejection }
}

fn batch(upto: u64) -> Batch {
    Batch {
        twins: vec![TwinRow::of(&tank(1, 0.5), Seq(upto)), TwinRow::of(&tank(2, 1.5), Seq(upto))],
        edges: vec![feeds(1, 1, 2, None)],
        rejections: vec![rejection(3, "NOT_JSON"), rejection(4, "EMPTY")],
        upto: Some(Seq(upto)),
        ..Batch::default()
    }
}

async fn memory() -> Store {
    Store::open(Config::at("mem://")).await.unwrap()
}

async fn edges(store: &Store) -> Vec<Edge> {
    let mut edges = Vec::new();
    store.load_edges(&mut |edge| edges.push(edge)).await.unwrap();
    edges
}

#[tokio::test]
async fn a_batch_written_twice_is_there_once() {
    let store = memory().await;
    store.project(&batch(7)).await.unwrap();
    store.project(&batch(7)).await.unwrap();
    assert_eq!(store.load_meta().await.unwrap().position, Seq(7));
    assert_eq!(edges(&store).await, [feeds(1, 1, 2, None).edge]);
    let codes: Vec<_> = store.rejections(&RejectionFilter { limit: 10, ..Default::default() }).await.unwrap();
    assert_eq!(codes, [rejection(4, "EMPTY"), rejection(3, "NOT_JSON")]);
    let row = store.twin(&id("tank-1")).await.unwrap().unwrap();
    assert_eq!(row["values"]["level"], json!({ "v": 0.5, "t": 2000, "q": "GOOD" }));
}

#[tokio::test]
async fn a_later_state_takes_the_place_of_an_earlier_one() {
    let store = memory().await;
    store.project(&batch(7)).await.unwrap();
    let later = Batch { twins: vec![TwinRow::of(&tank(1, 9.0), Seq(8))], upto: Some(Seq(8)), ..Batch::default() };
    store.project(&later).await.unwrap();
    let row = store.twin(&id("tank-1")).await.unwrap().unwrap();
    assert_eq!((&row["values"]["level"]["v"], &row["seq"]), (&json!(9.0), &json!(8)));
    assert_eq!(store.twin(&id("tank-2")).await.unwrap().unwrap()["seq"], json!(7));
}

#[tokio::test]
async fn neighbours_are_those_of_the_time() {
    let store = memory().await;
    store.project(&batch(7)).await.unwrap();
    let ended = Batch { edges: vec![feeds(1, 1, 2, Some(500)), feeds(2, 1, 1, None)], upto: Some(Seq(8)), ..Batch::default() };
    store.project(&ended).await.unwrap();
    let at = |time| {
        let store = store.clone();
        async move {
            let from = [id("tank-1"), id("tank-2")];
            let mut found: Vec<u64> = store.neighbours(&from, "feeds", Timestamp(time)).await.unwrap().iter().map(|edge| edge.no.0).collect();
            found.sort_unstable();
            found
        }
    };
    assert_eq!(at(99).await, Vec::<u64>::new());
    assert_eq!(at(499).await, [1, 2]);
    assert_eq!(at(500).await, [2]);
}

#[tokio::test]
async fn checkpoints_come_back_in_the_order_of_their_numbers() {
    let store = memory().await;
    let row = |no: u32, seq: u64| CheckpointRow { no: TwinNo(no), seq: Seq(seq), bytes: vec![no as u8; 3] };
    store.save_checkpoints(&[row(7001, 5), row(2, 5)]).await.unwrap();
    store.save_checkpoints(&[row(2, 6)]).await.unwrap();
    store.save_upto(Seq(4)).await.unwrap();
    let mut found = Vec::new();
    store.load_checkpoints(&mut |row| found.push(row)).await.unwrap();
    assert_eq!(found, [row(2, 6), row(7001, 5)]);
    assert_eq!(store.load_checkpoint(TwinNo(2)).await.unwrap(), Some(row(2, 6)));
    assert_eq!(store.load_checkpoint(TwinNo(3)).await.unwrap(), None);
    assert_eq!(store.load_meta().await.unwrap().saved_upto, Seq(4));
}

#[tokio::test]
async fn only_the_newest_rejections_stay() {
    let store = Store::open(Config { rejections_max: 2, ..Config::at("mem://") }).await.unwrap();
    let rejections = (1..=5).map(|seq| rejection(seq, "EMPTY")).collect();
    store.project(&Batch { rejections, upto: Some(Seq(5)), ..Batch::default() }).await.unwrap();
    store.trim_rejections().await.unwrap();
    let left = store.rejections(&RejectionFilter { limit: 10, ..Default::default() }).await.unwrap();
    assert_eq!(left.iter().map(|row| row.seq.0).collect::<Vec<_>>(), [5, 4]);
    let of_another = RejectionFilter { twin: Some("tank-2".to_owned()), limit: 10, ..Default::default() };
    assert_eq!(store.rejections(&of_another).await.unwrap(), []);
}

#[tokio::test]
async fn a_folder_that_is_opened_again_holds_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("surrealkv://{}", folder.path().join("graph").display());
    let store = Store::open(Config::at(&url)).await.unwrap();
    store.project(&batch(7)).await.unwrap();
    store.close().await.unwrap();
    let store = Store::open(Config::at(&url)).await.unwrap();
    assert_eq!(store.load_meta().await.unwrap().position, Seq(7));
    assert_eq!(edges(&store).await.len(), 1);
    store.close().await.unwrap();
}
