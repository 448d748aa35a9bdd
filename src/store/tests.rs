//! The store against its real engines: in memory, and on a folder that is opened again.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::catalog::layout::{Kind, Section, SlotSpec, ValueType, Version};
use crate::catalog::{FieldTable, Layout};
use crate::reading::{Quality, Reason, Seq, SlotNo, Timestamp, TwinId, TwinNo, Value};
use crate::twin::{Edge, EdgeNo, Keyed, Rejection, Slot, State};

use super::{
    AnswerRow, Batch, CheckpointRow, Config, DeletedRow, Direction, EdgeRow, Error, FORMAT, RejectionFilter, RejectionRow, Step, Store,
    TwinRow,
};

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
        alarm_area: false,
        ancestors: Box::default(),
        title: None,
        description: None,
        icon: None,
        slots: vec![slot].into(),
        members: Box::default(),
        telemetry_fields: FieldTable::default(),
        reported_fields: FieldTable::default(),
        relations: Box::default(),
        logic: Default::default(),
        fingerprint: 0xfeed,
    })
}

fn id(text: &str) -> TwinId {
    TwinId::parse(text).unwrap()
}

fn tank(no: u32, level: f64) -> State {
    let mut state = State::new(TwinNo(no), id(&format!("tank-{no}")), layout(), Timestamp(1_000));
    let time = Timestamp(2_000);
    let slot = Slot { value: Some(Value::Double(level)), time, received: time, sent: None, quality: Quality::Good, reason: Reason::None };
    state.slots.set(SlotNo(0), slot);
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
        live: false,
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
        payload_bytes: 1,
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
async fn edges_are_found_from_either_end() {
    let store = memory().await;
    store.project(&batch(7)).await.unwrap();
    let mut powers = feeds(3, 2, 1, None);
    powers.edge.relation = "powers".into();
    let more = Batch { edges: vec![feeds(1, 1, 2, Some(500)), feeds(2, 1, 1, None), powers], upto: Some(Seq(8)), ..Batch::default() };
    store.project(&more).await.unwrap();
    let found = |of: &'static [&'static str], steps: Vec<Step<'static>>| {
        let store = store.clone();
        async move {
            let of: Vec<TwinId> = of.iter().map(|name| id(name)).collect();
            let found = store.traverse(&of, &steps, 100).await.unwrap();
            assert!(found.statements == u64::from(!of.is_empty()) && !found.is_cut);
            let mut numbers: Vec<u64> = found.edges.iter().map(|edge| edge.no.0).collect();
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        }
    };
    let along = |relations: &[&'static str], direction| vec![Step { relations: relations.to_vec(), direction }];
    let both = &["tank-1", "tank-2"];
    assert_eq!(found(both, along(&["feeds"], Direction::Out)).await, [1, 2], "ended ones, too");
    assert_eq!(found(&["tank-2"], along(&["feeds"], Direction::Out)).await, Vec::<u64>::new());
    assert_eq!(found(&["tank-2"], along(&["feeds"], Direction::In)).await, [1]);
    assert_eq!(found(&["tank-2"], along(&["feeds"], Direction::Both)).await, [1]);
    assert_eq!(found(&["tank-2"], along(&["feeds", "powers"], Direction::Both)).await, [1, 3]);
    assert_eq!(found(&["tank-2"], along(&[], Direction::Out)).await, [3]);
    let mixed = [along(&["powers"], Direction::Out), along(&["feeds", "nobody-uses-this"], Direction::In)].concat();
    assert_eq!(found(&["tank-2"], mixed).await, [1, 3]);
    assert_eq!(found(both, along(&["nobody-uses-this"], Direction::Out)).await, Vec::<u64>::new());
    assert_eq!(found(&[], along(&["feeds"], Direction::Out)).await, Vec::<u64>::new());
    assert_eq!(found(&["tank-9"], along(&[], Direction::Both)).await, Vec::<u64>::new());
}

#[tokio::test]
async fn an_edge_comes_back_as_it_was_written() {
    let store = memory().await;
    store.project(&batch(7)).await.unwrap();
    assert_eq!(store.edges(&[EdgeNo(1), EdgeNo(2)]).await.unwrap().edges, [feeds(1, 1, 2, None).edge]);
    assert_eq!(store.edges(&[]).await.unwrap().edges, []);
    let steps = [Step { relations: vec!["feeds"], direction: Direction::Out }];
    let found = store.traverse(&[id("tank-1")], &steps, 100).await.unwrap();
    assert_eq!(found.edges, [feeds(1, 1, 2, None).edge]);
}

#[tokio::test]
async fn too_many_edges_are_told() {
    let store = memory().await;
    let edges = (1..=20).map(|no| feeds(no, 1, 2, None)).collect();
    store.project(&Batch { edges, upto: Some(Seq(1)), ..batch(1) }).await.unwrap();
    let steps = [Step { relations: vec!["feeds"], direction: Direction::Out }];
    assert!(!store.traverse(&[id("tank-1")], &steps, 20).await.unwrap().is_cut);
    assert!(store.traverse(&[id("tank-1")], &steps, 19).await.unwrap().is_cut);
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

#[tokio::test]
async fn a_part_that_is_refused_leaves_nothing_of_the_others() {
    let store = memory().await;
    // A table of this name that is no relation: the edges are refused.
    store.client.query("DEFINE TABLE feeds TYPE NORMAL; CREATE feeds:1".to_owned(), Vec::new()).await.unwrap();
    let error = store.project(&batch(7)).await.unwrap_err();
    assert!(matches!(&error, Error::Refused(reason) if reason.contains("feeds")), "{error}");
    assert_eq!(store.load_meta().await.unwrap().position, Seq(0));
    assert_eq!(store.twin(&id("tank-1")).await.unwrap(), None);
    assert_eq!(store.rejections(&RejectionFilter { limit: 10, ..Default::default() }).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_too_large_for_one_transaction_takes_several() {
    let store = memory().await;
    let large = |seq| {
        let mut row = rejection(seq, "TOO_LARGE");
        row.rejection.excerpt = "x".repeat(5 << 20);
        row
    };
    let rejections = (1..=5).map(large).collect();
    store.project(&Batch { rejections, upto: Some(Seq(5)), ..Batch::default() }).await.unwrap();
    let found = store.rejections(&RejectionFilter { limit: 10, ..Default::default() }).await.unwrap();
    assert_eq!(found.iter().map(|row| row.seq.0).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
    let checkpoint = |no| CheckpointRow { no: TwinNo(no), seq: Seq(5), bytes: vec![1; 5 << 20] };
    store.save_checkpoints(&[checkpoint(1), checkpoint(2), checkpoint(3)]).await.unwrap();
    assert_eq!(store.load_checkpoint(TwinNo(3)).await.unwrap(), Some(checkpoint(3)));
    assert_eq!(store.load_meta().await.unwrap().last_twin, 3);
}

#[tokio::test]
async fn a_writer_whom_another_has_followed_is_refused() {
    let store = memory().await;
    store.project(&batch(7)).await.unwrap();
    store.client.query("UPDATE meta:partition_0 SET writer += 1".to_owned(), Vec::new()).await.unwrap();
    let error = store.project(&batch(8)).await.unwrap_err();
    assert!(matches!(error, Error::Taken { .. }), "{error}");
    assert!(matches!(store.save_upto(Seq(8)).await, Err(Error::Taken { .. })));
    assert_eq!(store.load_meta().await.unwrap().position, Seq(7));
}

#[tokio::test]
async fn a_store_of_a_newer_format_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("surrealkv://{}", folder.path().join("graph").display());
    let store = Store::open(Config::at(&url)).await.unwrap();
    store.client.query(format!("UPSERT meta:partition_0 SET format = {}", FORMAT + 1), Vec::new()).await.unwrap();
    store.close().await.unwrap();
    let error = Store::open(Config::at(&url)).await.unwrap_err();
    assert!(matches!(error, Error::Newer { found } if found == FORMAT + 1), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = Store::open(Config::at(format!("ws://127.0.0.1:{port}"))).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", silent.local_addr().unwrap());
    let config = Config { call_wait_max: Duration::from_millis(50), ..Config::at(url) };
    let error = Store::open(config).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn a_deleted_twin_is_marked_and_one_with_its_id_is_not() {
    let store = memory().await;
    store.project(&batch(7)).await.unwrap();
    let gone = |no| DeletedRow { no: TwinNo(no), id: id("tank-1"), at: Timestamp(9), seq: Seq(8) };
    // The id belongs to another number by now.
    store.project(&Batch { deleted: vec![gone(9)], upto: Some(Seq(8)), ..Batch::default() }).await.unwrap();
    assert_eq!(store.twin(&id("tank-1")).await.unwrap().unwrap().get("deleted"), None);
    store.project(&Batch { deleted: vec![gone(1)], upto: Some(Seq(9)), ..Batch::default() }).await.unwrap();
    assert_eq!(store.twin(&id("tank-1")).await.unwrap().unwrap()["deleted"], json!(9));
    assert_eq!(edges(&store).await.len(), 1, "the past stays");
}

#[tokio::test]
async fn answers_come_back_in_order_until_they_are_forgotten() {
    let store = memory().await;
    let row = |seq: u64| AnswerRow {
        seq: Seq(seq),
        at: Timestamp(seq as i64),
        by: "me".to_owned(),
        keyed: Keyed { key: format!("k{seq}"), asked: u64::MAX - seq, answer: json!([{"created": {"id": "x", "relations": []}}]) },
    };
    let answers = (1..=600).map(row).collect();
    store.project(&Batch { answers, upto: Some(Seq(600)), ..Batch::default() }).await.unwrap();
    store.forget_answers_before(Seq(3)).await.unwrap();
    let mut found = Vec::new();
    store.load_answers(&mut |row| found.push(row)).await.unwrap();
    assert_eq!(found, (3..=600).map(row).collect::<Vec<_>>());
}
