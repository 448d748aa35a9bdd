//! A small read door over the committed view, for the command line.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::catalog::SlotSpec;
use crate::catalog::layout::Section;
use crate::reading::{Reason, Seq, Timestamp};
use crate::twin::{Slot, State as TwinState};

use super::Site;

/// The most rows of one answer.
const ROWS_MAX: usize = 1000;

#[derive(Deserialize)]
pub(super) struct Page {
    after: Option<String>,
    limit: Option<usize>,
    #[serde(rename = "type")]
    type_name: Option<String>,
}

pub(super) async fn status(State(site): State<Site>) -> Response {
    Json(site.runtime.status()).into_response()
}

pub(super) async fn twins(State(site): State<Site>, Query(page): Query<Page>) -> Response {
    let limit = page.limit.unwrap_or(100).min(ROWS_MAX);
    let (view, now) = (site.runtime.view(), site.clock.now());
    let mut rows = Vec::new();
    let mut after = page.after;
    // A type filter may leave little of a page, so pages are read until the answer is full.
    loop {
        let cells = view.page(after.as_deref(), ROWS_MAX);
        let Some(last) = cells.last() else { break };
        after = Some(last.state().id.to_string());
        let wanted = |state: &TwinState| page.type_name.as_deref().is_none_or(|name| state.layout.is_a(name));
        rows.extend(cells.iter().map(|cell| (cell.state(), cell.seq())).filter(|(state, _)| wanted(state)));
        if rows.len() >= limit {
            break;
        }
    }
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = more.then(|| rows.last().map(|(state, _)| state.id.to_string())).flatten();
    let twins: Vec<Value> = rows.iter().map(|(state, seq)| summary(state, *seq, now)).collect();
    Json(json!({ "seq": view.seq().0, "twins": twins, "next": next })).into_response()
}

pub(super) async fn twin(State(site): State<Site>, Path(id): Path<String>) -> Response {
    let Some(cell) = site.runtime.view().twin(&id) else {
        let message = format!("there is no twin `{id}`");
        return (StatusCode::NOT_FOUND, Json(json!({ "error": { "code": "UNKNOWN_TWIN", "message": message } }))).into_response();
    };
    let state = cell.state();
    let mut shown = summary(&state, cell.seq(), site.clock.now());
    let members = |section| {
        let slots = state.layout.slots.iter().zip(state.slots.iter()).filter(|(spec, _)| spec.section == section);
        slots.map(|(spec, slot)| (spec.path.to_string(), slot_json(spec, slot, site.clock.now()))).collect::<Map<_, _>>()
    };
    if let Value::Object(fields) = &mut shown {
        fields.insert("properties".to_owned(), Value::Object(members(Section::Property)));
        fields.insert("telemetry".to_owned(), Value::Object(members(Section::Telemetry)));
        fields.insert("computed".to_owned(), Value::Object(members(Section::Computed)));
        fields.insert("alarms".to_owned(), alarms(&state));
        let rare = [
            ("late", late(&state)),
            ("troubles", json!(state.troubles.iter().collect::<Vec<_>>())),
            ("asked", json!(state.asked.iter().collect::<Vec<_>>())),
            ("disabledRules", json!(state.disabled)),
            ("detectors", detectors(&state)),
            ("flood", flood(&state)),
        ];
        // Nearly no twin has any of it.
        let said = rare.into_iter().filter(|(_, said)| said.is_object() || said.as_array().is_some_and(|list| !list.is_empty()));
        fields.extend(said.map(|(name, list)| (name.to_owned(), list)));
        fields.insert("relations".to_owned(), site.runtime.relations_of(&id));
        fields.insert("actor".to_owned(), json!(site.runtime.observe(&id)));
    }
    Json(shown).into_response()
}

#[derive(Deserialize)]
pub(super) struct RejectionPage {
    limit: Option<usize>,
    twin: Option<String>,
    code: Option<String>,
}

pub(super) async fn rejections(State(site): State<Site>, Query(page): Query<RejectionPage>) -> Response {
    let limit = page.limit.unwrap_or(50).min(ROWS_MAX);
    match site.runtime.rejections(page.twin, page.code, limit).await {
        Ok(rows) => Json(json!({ "rejections": rows })).into_response(),
        Err(error) => {
            let body = json!({ "error": { "code": "STORE_UNAVAILABLE", "message": error.to_string() } });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}

fn summary(state: &TwinState, seq: Seq, now: Timestamp) -> Value {
    let telemetry = state.layout.slots.iter().zip(state.slots.iter()).filter(|(spec, slot)| spec.section.is_live() && slot.value.is_some());
    let values: Map<String, Value> = telemetry.map(|(spec, slot)| (spec.path.to_string(), slot_json(spec, slot, now))).collect();
    json!({
        "id": state.id.as_str(),
        "name": &*state.name,
        "type": &*state.layout.name,
        "revision": state.revision.0,
        "seq": seq.0,
        "lastSeen": state.last_seen().map(|time| time.to_string()),
        "values": values,
    })
}

/// Members of which readings came too late for the windows over them.
fn late(state: &TwinState) -> Value {
    let counts =
        state.late.iter().filter_map(|(slot, count)| Some(json!({"member": state.layout.slots.get(slot.index())?.path, "count": count})));
    counts.collect()
}

/// Those that have begun: where they stand.
fn detectors(state: &TwinState) -> Value {
    let begun = state.watches.iter().filter_map(|(id, watch)| {
        let shown = state.layout.rule(id)?.shown(watch.detector.as_deref())?;
        Some(json!({"rule": id, "state": shown.state, "variables": shown.variables, "timers": shown.timers_json()}))
    });
    begun.collect()
}

/// Of an area, while alarms below it come faster than people can follow.
fn flood(state: &TwinState) -> Value {
    let ongoing = state.flood.as_ref().and_then(|flood| flood.ongoing());
    ongoing.map_or(
        Value::Null,
        |flood| json!({"since": flood.since.to_string(), "firstOut": flood.first_out, "raised": flood.raised, "notices": flood.notices}),
    )
}

/// Those that are open.
fn alarms(state: &TwinState) -> Value {
    let open = state.watches.iter().filter_map(|(rule, watch)| Some((rule, watch.alarm.open.as_ref()?)));
    let shown = open.filter(|(_, open)| open.shown).map(|(rule, open)| {
        json!({
            "rule": rule,
            "no": open.no,
            "severity": open.severity.as_str(),
            "condition": open.condition.as_str(),
            "acknowledged": open.acknowledged,
            "flood": open.flood,
            "firstOut": open.first_out,
            "text": open.text,
            "raisedAt": open.raised_at.to_string(),
            "clearedAt": open.cleared_at.map(|time| time.to_string()),
            "count": open.count,
        })
    });
    shown.collect()
}

fn slot_json(spec: &SlotSpec, slot: &Slot, now: Timestamp) -> Value {
    let Some(value) = &slot.value else {
        return json!({ "value": null, "quality": slot.quality.as_str() });
    };
    let mut shown = json!({
        "value": spec.to_json(value),
        "unit": spec.unit.as_ref().map(|unit| unit.symbol().to_owned()),
        "quality": slot.quality.as_str(),
        "time": slot.time.to_string(),
        "receivedAt": slot.received.to_string(),
    });
    if let Value::Object(fields) = &mut shown {
        if slot.reason != Reason::None {
            fields.insert("reason".to_owned(), json!(slot.reason.as_str()));
        }
        if let Some(sent) = &slot.sent {
            fields.insert("sentTime".to_owned(), json!(sent.to_string()));
        }
        if spec.section == Section::Telemetry {
            let stale_after = spec.telemetry.as_ref().and_then(|rules| rules.stale);
            fields.insert("stale".to_owned(), json!(slot.is_stale(stale_after, now)));
        }
    }
    shown
}
