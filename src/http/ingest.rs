//! `POST /ingest`, `POST /ingest/ID` and `POST /ingest/topic/TOPIC`: readings by HTTP, answered after the gate with what became of each item.

use axum::Json;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::catalog::binding::Source;
use crate::ingress::{Address, Fault, Outcome, Packet, Tally, offer_all};
use crate::reading::TwinId;

use super::Site;

pub(super) async fn envelopes(State(site): State<Site>, Whole(body): Whole) -> Response {
    let items = match split(&body, site.config.items_max) {
        Ok(items) => items,
        Err(refusal) => return refusal.into_response(),
    };
    let received = site.clock.now();
    let packets = items.into_iter().map(|payload| Packet { address: Address::Envelope, payload, received }).collect();
    deliver(&site, packets).await
}

pub(super) async fn native(State(site): State<Site>, Path(twin): Path<String>, Whole(body): Whole) -> Response {
    let twin = match TwinId::parse(&twin) {
        Ok(twin) => twin,
        Err(error) => return Unreadable(StatusCode::BAD_REQUEST, "INVALID_TWIN_ID", error.to_string()).into_response(),
    };
    let packet = Packet { address: Address::Twin(twin), payload: body, received: site.clock.now() };
    deliver(&site, vec![packet]).await
}

/// For bindings with `source: http`: the rest of the path is the topic.
pub(super) async fn topic(State(site): State<Site>, Path(topic): Path<String>, Whole(body): Whole) -> Response {
    let packet = Packet { address: Address::Topic(topic.into()), payload: body, received: site.clock.now() };
    deliver(&site, vec![packet]).await
}

/// A body as a whole; if it does not come, the answer is JSON like all others.
pub(super) struct Whole(Bytes);

impl FromRequest<Site> for Whole {
    type Rejection = Unreadable;

    async fn from_request(request: Request, site: &Site) -> Result<Whole, Unreadable> {
        let bytes_max = site.config.body_bytes_max;
        Bytes::from_request(request, site).await.map(Whole).map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                let message = format!("the body is larger than {bytes_max} bytes (`http.body_bytes_max`); send it in parts");
                Unreadable(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", message)
            }
            status => Unreadable(status, "UNREADABLE_BODY", rejection.body_text()),
        })
    }
}

/// A body that cannot be taken apart at all.
pub(super) struct Unreadable(StatusCode, &'static str, String);

impl IntoResponse for Unreadable {
    fn into_response(self) -> Response {
        let Unreadable(status, code, message) = self;
        (status, Json(serde_json::json!({ "error": { "code": code, "message": message } }))).into_response()
    }
}

/// One item, an array of items, or NDJSON.
fn split(body: &Bytes, items_max: usize) -> Result<Vec<Bytes>, Unreadable> {
    let bad = |message: String| Unreadable(StatusCode::BAD_REQUEST, "UNREADABLE_BODY", message);
    let text = std::str::from_utf8(body).map_err(|error| bad(format!("the body is not UTF-8: byte {} is wrong", error.valid_up_to())))?;
    let trimmed = text.trim_start_matches('\u{feff}').trim();
    if trimmed.is_empty() {
        return Err(bad("the body is empty; send {\"twin\": ID, \"values\": {…}}, an array of such, or one per line".to_owned()));
    }
    let items: Vec<Bytes> = if trimmed.starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(trimmed).map_err(|error| bad(format!("the body is not JSON: {error}")))?;
        items.into_iter().map(|item| body.slice_ref(item.get().as_bytes())).collect()
    } else {
        let stream = serde_json::Deserializer::from_str(trimmed).into_iter::<&RawValue>();
        let mut items = Vec::new();
        for item in stream.take(items_max + 1) {
            let item = item.map_err(|error| bad(format!("item {} of the body is not JSON: {error}", items.len())))?;
            items.push(body.slice_ref(item.get().as_bytes()));
        }
        items
    };
    if items.len() > items_max {
        let message = format!("the body has more than {items_max} items (`http.items_max`); send it in parts");
        return Err(Unreadable(StatusCode::PAYLOAD_TOO_LARGE, "TOO_MANY_ITEMS", message));
    }
    Ok(items)
}

async fn deliver(site: &Site, packets: Vec<Packet>) -> Response {
    let offered = offer_all(site.door.lane(Source::Http), &site.permits, &packets);
    let waited = tokio::time::timeout(site.config.commit_wait_max, offered).await;
    let Ok(outcomes) = waited else {
        let message =
            "not on disk within `http.commit_wait_max`; it may still be written: send it again with the same times, duplicates are known";
        let mut response = Unreadable(StatusCode::SERVICE_UNAVAILABLE, "NOT_COMMITTED", message.to_owned()).into_response();
        response.headers_mut().insert(RETRY_AFTER, axum::http::HeaderValue::from_static("5"));
        return response;
    };
    answer(&outcomes)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    /// All that was accepted is visible to readers as of this commit.
    seq: u64,
    accepted: usize,
    rejected: usize,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    readings: Option<Readings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ItemError<'a>>,
}

#[derive(Serialize)]
struct ItemError<'a> {
    code: &'static str,
    message: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Readings {
    new: u16,
    duplicate: u16,
    conflict: u16,
    out_of_order: u16,
    too_old: u16,
    late: u16,
    rejected: u16,
    unmapped: u16,
}

impl From<Tally> for Readings {
    fn from(Tally { new, duplicate, conflict, out_of_order, too_old, late, rejected, unmapped }: Tally) -> Readings {
        Readings { new, duplicate, conflict, out_of_order, too_old, late, rejected, unmapped }
    }
}

fn answer(outcomes: &[Outcome]) -> Response {
    let items: Vec<Item<'_>> = outcomes.iter().map(item).collect();
    let rejected = items.iter().filter(|item| item.status == "rejected").count();
    let seq = outcomes.iter().map(seq_of).max().unwrap_or(0);
    let all_fine = outcomes.iter().all(|outcome| matches!(outcome, Outcome::Committed { refused: None, .. }));
    let status = match outcomes {
        _ if all_fine => StatusCode::OK,
        _ if rejected < outcomes.len() => StatusCode::MULTI_STATUS,
        [Outcome::Rejected { refused, .. }] => status_of(refused.fault),
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    (status, Json(Answer { seq, accepted: outcomes.len() - rejected, rejected, items })).into_response()
}

fn item(outcome: &Outcome) -> Item<'_> {
    match outcome {
        Outcome::Committed { tally, refused, .. } => {
            let error = refused.as_ref().map(|refused| ItemError { code: refused.code, message: &refused.message });
            Item { status: if error.is_some() { "partial" } else { "accepted" }, readings: Some((*tally).into()), error }
        }
        Outcome::Rejected { refused, .. } => {
            Item { status: "rejected", readings: None, error: Some(ItemError { code: refused.code, message: &refused.message }) }
        }
        Outcome::Dropped => Item { status: "rejected", readings: None, error: None },
    }
}

fn seq_of(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Committed { seq, .. } | Outcome::Rejected { seq, .. } => seq.0,
        Outcome::Dropped => 0,
    }
}

fn status_of(fault: Fault) -> StatusCode {
    match fault {
        Fault::Topic | Fault::Twin => StatusCode::NOT_FOUND,
        Fault::Payload => StatusCode::UNPROCESSABLE_ENTITY,
        Fault::Busy => StatusCode::SERVICE_UNAVAILABLE,
    }
}
