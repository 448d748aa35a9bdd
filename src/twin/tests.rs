//! What each input means for a twin, as text: the events of a step, and the twin after them.

use std::sync::Arc;
use std::time::Duration;

use expect_test::{Expect, expect};

use crate::catalog::layout::{Duplicates, History, Kind, Outside, PropertyRules, Section, SlotSpec, TelemetryRules, ValueType, Version};
use crate::catalog::{FieldTable, Layout};
use crate::reading::{Group, Quality, Reading, Reason, SlotNo, Timestamp, TwinId, TwinNo, Value};

use super::{Description, Edit, Event, Input, RECENT_AT_REST_MAX, RECENT_KEPT, RECENT_MAX, RECENT_SPAN_S, Received, State, Twin, step};

const SECOND: i64 = 1_000_000;

fn layout(duplicates: Duplicates, max_age: Option<Duration>) -> Arc<Layout> {
    let slot = |path: &str, property: Option<PropertyRules>, telemetry: Option<TelemetryRules>| SlotSpec {
        path: path.into(),
        member: 0,
        section: if property.is_some() { Section::Property } else { Section::Telemetry },
        value_type: ValueType::Double,
        unit: None,
        constraints: Default::default(),
        property,
        telemetry,
        decimals: None,
    };
    let rules = TelemetryRules {
        every: None,
        stale: None,
        outside: Outside::Bad,
        duplicates,
        max_age,
        lateness: Duration::from_secs(3600),
        reorder: Duration::ZERO,
        history: History::All,
    };
    let limit = PropertyRules { default: Some(Value::Double(80.0)), ..PropertyRules::default() };
    Arc::new(Layout {
        name: "Oven".into(),
        version: Version { major: 1, minor: 0 },
        kind: Kind::Asset,
        is_abstract: false,
        ancestors: Box::default(),
        title: None,
        description: None,
        icon: None,
        slots: vec![slot("temperature", None, Some(rules.clone())), slot("pressure", None, Some(rules)), slot("limit", Some(limit), None)]
            .into(),
        members: Box::default(),
        telemetry_fields: FieldTable::default(),
        reported_fields: FieldTable::default(),
        relations: Box::default(),
        logic: Default::default(),
        fingerprint: 1,
    })
}

fn oven(duplicates: Duplicates, max_age: Option<Duration>) -> Twin {
    Twin::new(State::new(TwinNo(1), TwinId::parse("oven-1").unwrap(), layout(duplicates, max_age), Timestamp(0)))
}

/// A reading of the temperature, said to be of `time` seconds and received at `received` seconds.
fn temperature(value: f64, time: Option<i64>, received: i64) -> Input {
    let reading = Reading { slot: SlotNo(0), value: Value::Double(value), quality: Quality::Good, reason: Reason::None };
    let group = Group { time: time.map(|time| Timestamp(time * SECOND)), readings: vec![reading] };
    Input::Readings { group, received: Received { at: Timestamp(received * SECOND), future_tolerance: Duration::from_secs(300) } }
}

fn take(twin: &mut Twin, input: &Input) -> String {
    let at = if let Input::Readings { received, .. } = input { received.at } else { twin.state.updated };
    let mut replayed = twin.clone();
    let step = step(twin, input, at);
    let mut shown: Vec<String> = Vec::new();
    for event in &step.events {
        replayed.apply(event, at);
        match event {
            Event::Read(read) => shown.push(format!("{:?} {:?} at {}", read.outcome, read.value, read.time.0 / SECOND)),
            Event::Heard(_) => {}
            Event::Rejected(rejection) => shown.push(format!("rejected: {}", rejection.message)),
            Event::PropertySet { slot, value, .. } => shown.push(format!("slot {} := {value:?}", slot.0)),
            Event::Described { .. } => shown.push("described".to_owned()),
            Event::Relaid(layout) => shown.push(format!("relaid as {}", layout.name)),
            Event::Rested => shown.push("rested".to_owned()),
            Event::Renamed(name) => shown.push(format!("renamed to {name}")),
            Event::Desired { slot, value, .. } => shown.push(format!("slot {} shall be {value:?}", slot.0)),
            Event::Computed { slot, value, .. } => shown.push(format!("slot {} = {value:?}", slot.0)),
            Event::Watched { rule, fact } => shown.push(format!("{rule}: {fact:?}")),
            Event::Measured(measured) => shown.push(format!("slot {} = {:?} (gathered)", measured.slot.0, measured.value)),
            Event::Released { view, at } => shown.push(format!("view {view} at {}", at.0 / SECOND)),
            Event::Viewed { view, slot, value, .. } => shown.push(format!("slot {} = {value:?} (view {view})", slot.0)),
            Event::Turned { window, turn } => shown.push(format!("window {window}: {turn:?}")),
            Event::Happened(happened) => shown.push(format!("{} happened", happened.event)),
            Event::Asked(request) => shown.push(format!("asks for {:?}", request.ask)),
            Event::Ended { key, ending } => shown.push(format!("{key} ended: {ending:?}")),
            Event::Troubled(trouble) => shown.push(trouble.message.clone()),
            Event::Switched { rule, enabled } => shown.push(format!("{rule} enabled: {enabled}")),
            Event::Tuned { rule, name, value } => shown.push(format!("{rule}.{name} := {value:?}")),
            Event::TakenOut(out) => shown.push(format!("out of service: {:?}", out.as_ref().map(|out| &out.reason))),
            Event::Moved { hierarchy } => shown.push(format!("moved in {hierarchy}")),
        }
    }
    shown.extend(step.results.iter().map(|result| format!("slot {} = {:?} (window)", result.slot.0, result.value)));
    assert_eq!(&replayed, twin, "what is decided is what is applied");
    if step.tally.duplicate > 0 {
        shown.push(format!("{} duplicate", step.tally.duplicate));
    }
    shown.join("; ")
}

fn story(twin: &mut Twin, inputs: &[Input], expected: &Expect) {
    let mut text: Vec<String> = inputs.iter().map(|input| take(twin, input)).collect();
    let slot = twin.state.slot(SlotNo(0));
    text.push(format!("now {:?} at {} {} {}", slot.value, slot.time.0 / SECOND, slot.quality, slot.reason));
    expected.assert_eq(&text.join("\n"));
}

#[test]
fn the_newest_by_event_time_is_the_value() {
    let inputs =
        [temperature(20.0, Some(10), 10), temperature(22.0, Some(30), 30), temperature(21.0, Some(20), 31), temperature(23.0, None, 40)];
    story(
        &mut oven(Duplicates::Last, None),
        &inputs,
        &expect![[r#"
        New Double(20.0) at 10
        New Double(22.0) at 30
        OutOfOrder Double(21.0) at 20
        New Double(23.0) at 40
        now Some(Double(23.0)) at 40 GOOD NONE"#]],
    );
}

#[test]
fn what_was_heard_before_is_a_duplicate_even_behind_newer_ones() {
    let inputs = [
        temperature(20.0, Some(10), 10),
        temperature(20.0, Some(10), 11),
        temperature(22.0, Some(30), 30),
        temperature(20.0, Some(10), 31),
    ];
    story(
        &mut oven(Duplicates::Last, None),
        &inputs,
        &expect![[r#"
        New Double(20.0) at 10
        1 duplicate
        New Double(22.0) at 30
        1 duplicate
        now Some(Double(22.0)) at 30 GOOD NONE"#]],
    );
}

#[test]
fn another_value_of_the_same_time_is_for_the_type_to_judge() {
    let inputs = [temperature(20.0, Some(10), 10), temperature(25.0, Some(10), 11)];
    story(
        &mut oven(Duplicates::Last, None),
        &inputs,
        &expect![[r#"
        New Double(20.0) at 10
        Replaced Double(25.0) at 10
        now Some(Double(25.0)) at 10 GOOD NONE"#]],
    );
    story(
        &mut oven(Duplicates::First, None),
        &inputs,
        &expect![[r#"
        New Double(20.0) at 10
        NotReplaced Double(25.0) at 10
        now Some(Double(20.0)) at 10 GOOD NONE"#]],
    );
    story(
        &mut oven(Duplicates::Reject, None),
        &inputs,
        &expect![[r#"
        New Double(20.0) at 10
        rejected: `temperature` already has another value at 1970-01-01T00:00:10Z, and its type says `duplicates: reject`
        now Some(Double(20.0)) at 10 GOOD NONE"#]],
    );
}

#[test]
fn a_clock_that_is_ahead_is_not_believed() {
    let inputs = [temperature(20.0, Some(310), 10), temperature(21.0, Some(9_999), 20), temperature(21.0, Some(9_999), 21)];
    story(
        &mut oven(Duplicates::Last, None),
        &inputs,
        &expect![[r#"
        New Double(20.0) at 310
        OutOfOrder Double(21.0) at 20
        1 duplicate
        now Some(Double(20.0)) at 310 GOOD NONE"#]],
    );
}

#[test]
fn very_old_readings_are_history_only_if_the_type_says_so() {
    let inputs = [temperature(20.0, Some(10), 1_000), temperature(21.0, Some(990), 1_000)];
    story(
        &mut oven(Duplicates::Last, Some(Duration::from_secs(60))),
        &inputs,
        &expect![[r#"
        TooOld Double(20.0) at 10
        New Double(21.0) at 990
        now Some(Double(21.0)) at 990 GOOD NONE"#]],
    );
}

#[test]
fn a_description_sets_properties_once() {
    let description =
        Description { name: "Oven 1".into(), external_ids: Box::default(), properties: Vec::new(), rules: Vec::new(), applied: 7 };
    let inputs = [Input::Described(description.clone()), Input::Described(description)];
    story(
        &mut oven(Duplicates::Last, None),
        &inputs,
        &expect![[r#"
            slot 2 := Some(Double(80.0)); renamed to Oven 1; described

            now None at -9223372036854 MISSING NONE"#]],
    );
}

#[test]
fn a_twin_remembers_its_newest_deliveries_and_all_of_the_last_seconds() {
    let mut twin = oven(Duplicates::Last, None);
    let kept = i64::try_from(RECENT_KEPT).unwrap();
    for time in 0..kept + 5 {
        take(&mut twin, &temperature(1.0, Some(time), time));
    }
    assert_eq!(twin.recent.fingerprints().len(), RECENT_KEPT);
    // A rush within one second, of which nothing is forgotten as long as it is fresh.
    let first = kept + 5;
    let rush = first + 4 * kept;
    for time in first..rush {
        take(&mut twin, &temperature(1.0, Some(time), rush));
    }
    assert_eq!(take(&mut twin, &temperature(1.0, Some(first), rush)), "1 duplicate");
    let end = rush + RECENT_SPAN_S;
    take(&mut twin, &temperature(1.0, Some(end), end));
    assert_eq!(take(&mut twin, &temperature(1.0, Some(first), end)), "1 duplicate");
    take(&mut twin, &temperature(1.0, Some(end + 1), end + 1));
    assert_eq!(twin.recent.fingerprints().len(), RECENT_KEPT);
}

#[test]
fn a_rush_is_remembered_within_bounds() {
    let mut twin = oven(Duplicates::Last, None);
    for time in 0..i64::try_from(RECENT_MAX).unwrap() + 5 {
        take(&mut twin, &temperature(1.0, Some(time - 20_000), 1));
    }
    assert_eq!(twin.recent.fingerprints().len(), RECENT_MAX);
}

#[test]
fn rest_forgets_all_but_the_newest_fingerprints() {
    let mut twin = oven(Duplicates::Last, None);
    let many = i64::try_from(RECENT_KEPT).unwrap() + 5;
    for time in 0..many {
        take(&mut twin, &temperature(1.0, Some(time), time));
    }
    assert_eq!(take(&mut twin, &Input::Idle), "rested");
    assert_eq!(twin.recent.fingerprints().len(), RECENT_AT_REST_MAX);
    assert_eq!(take(&mut twin, &Input::Idle), "");
    assert_eq!(take(&mut twin, &temperature(1.0, Some(many - 2), many)), "1 duplicate");
}

#[test]
fn an_edit_makes_facts_of_what_it_changes_only() {
    let edit = |name: Option<&str>, value: Option<f64>| {
        let set = vec![(SlotNo(2), value.map(Value::Double))];
        Input::Edited(Edit { name: name.map(Arc::from), set, moved: None })
    };
    let inputs = [edit(None, Some(70.0)), edit(Some("oven-1"), Some(70.0)), edit(Some("Oven"), None)];
    story(
        &mut oven(Duplicates::Last, None),
        &inputs,
        &expect![[r#"
            slot 2 := Some(Double(70.0))

            renamed to Oven; slot 2 := None
            now None at -9223372036854 MISSING NONE"#]],
    );
}
