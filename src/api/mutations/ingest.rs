//! Readings from a client of the API. They come in by the same door as those of devices, and are answered behind the gate.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::keys::{self, Claim};
use super::twins::KEY;
use crate::api::build::{Args, Out, SchemaBuilder};
use crate::api::engine::RequestContext;
use crate::api::error::ApiError;
use crate::api::request::Role;
use crate::api::session::Session;
use crate::api::types::issue::UserError;
use crate::api::types::payload::{self, Payload};
use crate::api::types::twin::session;
use crate::catalog::binding::Source;
use crate::ingress::{Address, Outcome, Packet, Tally, offer_all};
use crate::reading::Seq;
use crate::source::did_you_mean;

/// What came of all of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Ingested {
    seq: Option<u64>,
    results: Vec<Taken>,
}

/// What came of one reading, or of one packet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Taken {
    outcome: Became,
    code: Option<String>,
    message: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Became {
    Accepted,
    Duplicate,
    Conflict,
    OutOfOrder,
    TooOld,
    Partial,
    Rejected,
}

impl Became {
    fn name(self) -> &'static str {
        match self {
            Became::Accepted => "ACCEPTED",
            Became::Duplicate => "DUPLICATE",
            Became::Conflict => "CONFLICT",
            Became::OutOfOrder => "OUT_OF_ORDER",
            Became::TooOld => "TOO_OLD",
            Became::Partial => "PARTIAL",
            Became::Rejected => "REJECTED",
        }
    }
}

const OUTCOMES: &str = "ACCEPTED: it counts. DUPLICATE: it was known. CONFLICT: another value of that time was known, and stays. OUT_OF_ORDER: kept, but \
                        a newer one was known. TOO_OLD: so much older that nothing looks at it. PARTIAL: parts of the value were refused. REJECTED: \
                        refused, see `code` and `message`.";

pub(super) fn declare(schema: &mut SchemaBuilder) {
    payload::object::<Ingested>(schema, "IngestPayload", "What came of readings that were sent in.")
        .value("accepted", "Int!", "Readings that were neither known nor refused.", |payload, _| {
            payload.what.count(|became| !matches!(became, Became::Duplicate | Became::Rejected))
        })
        .value("duplicates", "Int!", "Readings that were known.", |payload, _| payload.what.count(|became| became == Became::Duplicate))
        .value("rejected", "Int!", "Readings that were refused.", |payload, _| payload.what.count(|became| became == Became::Rejected))
        .value("results", "[IngestResult!]!", "One for each reading, in their order.", |payload, _| {
            Out::objects(payload.what.results.iter().cloned().enumerate())
        });
    schema
        .object::<(usize, Taken)>("IngestResult", "What came of one reading.")
        .value("index", "Int!", "Its place among those that were sent.", |(index, _), _| *index)
        .value("outcome", "String!", OUTCOMES, |(_, taken), _| taken.outcome.name())
        .value("code", "String", "Why it was refused, for programs; `pollux explain CODE` says more.", |(_, taken), _| taken.code.clone())
        .value("message", "String", "Why it was refused, for people.", |(_, taken), _| taken.message.clone());
    schema
        .input("ReadingInput", "A value that was measured.")
        .field("twin", "ID!")
        .field("property", "String!")
        .doc("A telemetry of its type; `drive.current` leads into an object.")
        .field("value", "JSON!")
        .field("time", "DateTime")
        .doc("When it was measured; the time of receipt when absent.")
        .field("unit", "String")
        .doc("The unit of the value; that of the type when absent.")
        .field("quality", "Quality")
        .doc("GOOD when absent.");
    schema
        .mutation()
        .field("ingest", "IngestPayload!", INGEST)
        .arg("readings", "[ReadingInput!]!")
        .arg_doc("At most `ingest_readings_max`; more belongs to `POST /ingest`, or to MQTT.")
        .arg("idempotencyKey", "String")
        .arg_doc(KEY)
        .resolve(|_, args, ctx| async move { ingest(&ctx, args).await.map(Out::object) })
        .role(Role::Operator);
}

const INGEST: &str = "Takes readings in, as if devices had sent them; the answer comes when they are on disk. Each stands for itself. Sent again \
                      without a key, readings with a `time` are known and counted as duplicates; those without are measured anew.";

impl Ingested {
    fn count(&self, of: impl Fn(Became) -> bool) -> usize {
        self.results.iter().filter(|taken| of(taken.outcome)).count()
    }
}

async fn ingest(ctx: &RequestContext, args: Args) -> Result<Payload<Ingested>, ApiError> {
    let session = session(ctx)?;
    let readings = args.get("readings").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let max = session.services.limits.ingest_readings_max;
    if readings.len() > max {
        let message = format!("{} readings in one mutation; at most {max} are taken", readings.len());
        return Err(ApiError::limit("ingest_readings_max", max as u64, message).hint("send them in parts, or to `POST /ingest`"));
    }
    let claim = keys::claim(ctx, "ingest", &args).await?;
    match claim {
        Claim::Answered(_, answer) => return Ok(told(session, serde_json::from_value(answer).unwrap_or_default())),
        Claim::Refused(mistake) => return Ok(Payload::refused(vec![mistake], Ingested::default())),
        Claim::Without | Claim::First(_) => {}
    }
    let received = session.runtime().shared.clock.now();
    let packet = |reading: &Json| Packet { address: Address::Envelope, payload: envelope(reading).to_string().into(), received };
    let packets: Vec<Packet> = readings.iter().map(packet).collect();
    let mut ingested = send(session, Source::Http, &packets).await;
    for (taken, reading) in ingested.results.iter_mut().zip(readings) {
        explain_unknown(session, taken, reading);
    }
    claim.keep(ctx, || serde_json::to_value(&ingested).unwrap_or_default()).await?;
    Ok(told(session, ingested))
}

/// Through the door, and until all of it has passed the gate.
pub(super) async fn send(session: &Session, source: Source, packets: &[Packet]) -> Ingested {
    let lasting = &session.services.lasting;
    let outcomes = offer_all(lasting.door.lane(source), &lasting.permits, packets).await;
    let seq = outcomes.iter().map(seq_of).max().filter(|seq| *seq > 0);
    Ingested { seq, results: outcomes.iter().map(taken).collect() }
}

/// What this request reads from here on contains it.
pub(super) fn told(session: &Session, ingested: Ingested) -> Payload<Ingested> {
    let seq = ingested.seq.map(Seq);
    if let Some(seq) = seq {
        session.read_after(seq);
    }
    Payload { seq, errors: Vec::new(), what: ingested }
}

pub(super) fn refused(mistake: UserError) -> Payload<Ingested> {
    Payload::refused(vec![mistake], Ingested::default())
}

/// As `POST /ingest` takes it.
fn envelope(reading: &Json) -> Json {
    let part = |name: &str| reading.get(name).cloned();
    let mut value = part("value").unwrap_or_default();
    let said: Vec<_> = ["unit", "quality"].into_iter().filter_map(|name| Some((name.to_owned(), part(name)?))).collect();
    if !said.is_empty() {
        let mut wrapped = Map::from_iter(said);
        wrapped.insert("value".to_owned(), value);
        value = Json::Object(wrapped);
    }
    let path = reading.get("property").and_then(Json::as_str).unwrap_or_default();
    let values = path.rsplit('.').fold(value, |inside, step| json!({ step: inside }));
    let mut envelope = Map::new();
    envelope.insert("twin".to_owned(), part("twin").unwrap_or_default());
    envelope.extend(part("time").map(|time| ("ts".to_owned(), time)));
    envelope.insert("values".to_owned(), values);
    Json::Object(envelope)
}

fn taken(outcome: &Outcome) -> Taken {
    let (became, refused) = match outcome {
        Outcome::Committed { tally, refused, .. } => (became(tally, refused.is_some()), refused.as_ref()),
        Outcome::Rejected { refused, .. } => (Became::Rejected, Some(refused)),
        Outcome::Dropped => (Became::Rejected, None),
    };
    Taken { outcome: became, code: refused.map(|refused| refused.code.to_owned()), message: refused.map(|refused| refused.message.clone()) }
}

/// A value may be several readings, and feed several twins: the best of them counts.
fn became(tally: &Tally, has_refused: bool) -> Became {
    let kept = [
        (tally.new, Became::Accepted),
        (tally.out_of_order, Became::OutOfOrder),
        (tally.duplicate, Became::Duplicate),
        (tally.conflict, Became::Conflict),
        (tally.too_old, Became::TooOld),
    ];
    match kept.into_iter().find(|(count, _)| *count > 0) {
        Some(_) if has_refused || tally.rejected > 0 => Became::Partial,
        Some((_, became)) => became,
        None => Became::Rejected,
    }
}

/// The wire lets names pass that nothing asks for; whoever names one property means it.
fn explain_unknown(session: &Session, taken: &mut Taken, reading: &Json) {
    if taken.outcome != Became::Rejected || taken.code.is_some() {
        return;
    }
    let text = |name: &str| reading.get(name).and_then(Json::as_str).unwrap_or_default();
    let layout = session.runtime().view().twin(text("twin")).map(|cell| cell.state().layout.0.clone());
    let property: String = text("property").chars().take(80).collect();
    let known = layout.as_ref().map(|layout| &layout.telemetry_fields);
    let (code, message) = match known {
        Some(fields) if fields.find_path(&property).is_none() => {
            let meant = did_you_mean(&property, fields.names()).map(|name| format!("; did you mean `{name}`?"));
            ("UNKNOWN_PROPERTY", format!("`{property}` is no telemetry of the twin{}", meant.unwrap_or_default()))
        }
        Some(_) | None => ("INVALID_VALUE", "the value says nothing".to_owned()),
    };
    (taken.code, taken.message) = (Some(code.to_owned()), Some(message));
}

fn seq_of(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Committed { seq, .. } | Outcome::Rejected { seq, .. } => seq.0,
        Outcome::Dropped => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_become_envelopes() {
        let plain = json!({"twin": "m-1", "property": "count", "value": 7});
        assert_eq!(envelope(&plain), json!({"twin": "m-1", "values": {"count": 7}}));
        let said =
            json!({"twin": "m-1", "property": "drive.current", "value": 7, "time": "2026-11-21T10:00:00Z", "unit": "mA", "quality": "BAD"});
        let values = json!({"drive": {"current": {"value": 7, "unit": "mA", "quality": "BAD"}}});
        assert_eq!(envelope(&said), json!({"twin": "m-1", "ts": "2026-11-21T10:00:00Z", "values": values}));
    }

    #[test]
    fn the_best_of_what_came_of_a_value_counts() {
        let tally = Tally::default();
        assert_eq!(became(&Tally { new: 1, duplicate: 2, ..tally }, false), Became::Accepted);
        assert_eq!(became(&Tally { duplicate: 2, ..tally }, false), Became::Duplicate);
        assert_eq!(became(&Tally { new: 1, rejected: 1, ..tally }, true), Became::Partial);
        assert_eq!(became(&Tally { unmapped: 1, ..tally }, false), Became::Rejected);
    }
}
