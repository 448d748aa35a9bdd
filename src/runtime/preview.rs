//! What would become of a message, without sending it: the way the door takes it, and what its twin would hold afterwards. Nothing is changed.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::catalog::Binding;
use crate::catalog::binding::{Source, TwinSelector, UnknownTwin, Unmapped};
use crate::codec::{self, Captures, Decoded, Route, topic};
use crate::reading::{Problem, SlotNo};
use crate::twin::{Input, Received, State, Twin, step};

use super::Runtime;
use super::bindings::Bindings;
use super::resident::Resident;

#[derive(Debug, Default)]
pub struct Preview {
    /// How far it would get.
    pub steps: Vec<PreviewStep>,
    /// The twin as it would be then, and the slots that the message is about.
    pub after: Option<(Arc<State>, Vec<SlotNo>)>,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PreviewStep {
    pub stage: &'static str,
    pub outcome: &'static str,
    pub detail: Json,
}

impl Preview {
    /// Whether something of the message would be kept.
    pub fn is_accepted(&self) -> bool {
        self.after.as_ref().is_some_and(|(_, slots)| !slots.is_empty())
    }

    fn step(&mut self, stage: &'static str, outcome: &'static str, detail: Json) {
        self.steps.push(PreviewStep { stage, outcome, detail });
    }
}

impl Runtime {
    /// The topic is one of MQTT, or a path below `/ingest`.
    pub fn preview(&self, address: &str, payload: &[u8]) -> Preview {
        let mut previewer =
            Previewer { runtime: self, bindings: self.bindings.load_full(), preview: Preview::default(), decoded: Decoded::default() };
        match previewer.follow(address, payload) {
            Ok(resident) => previewer.apply(&resident),
            Err(problem) => {
                previewer.preview.step("refused", problem.code, json!({ "message": problem.message, "field": problem.field }));
                previewer.preview.problems.push(problem);
            }
        }
        previewer.preview
    }
}

struct Previewer<'r> {
    runtime: &'r Runtime,
    bindings: Arc<Bindings>,
    preview: Preview,
    decoded: Decoded,
}

impl Previewer<'_> {
    fn follow(&mut self, address: &str, payload: &[u8]) -> Result<Arc<Resident>, Problem> {
        if let Some(path) = address.strip_prefix("/ingest") {
            return match path.strip_prefix('/') {
                Some(rest) => match rest.strip_prefix("topic/") {
                    Some(topic) => self.routed(&Source::Http, topic, payload),
                    None => self.native(rest, payload),
                },
                None => self.envelope(payload),
            };
        }
        let embedded = self.routed(&Source::Embedded, address, payload);
        let brokers: Vec<Source> = self.bindings.catalog.bindings.iter().map(|binding| binding.source.clone()).collect();
        let is_unrouted = |preview: &Preview| preview.steps.is_empty();
        // Which broker it comes from nobody said: the first whose bindings know the topic.
        let mut found = embedded;
        for source in brokers.iter().filter(|source| matches!(source, Source::Broker(_))) {
            if found.is_ok() || !is_unrouted(&self.preview) {
                break;
            }
            found = self.routed(source, address, payload);
        }
        found
    }

    fn native(&mut self, id: &str, payload: &[u8]) -> Result<Arc<Resident>, Problem> {
        self.preview.step("route", "native telemetry", Json::Null);
        let resident = self.known(id)?;
        let layout = resident.cell.state().layout.clone();
        codec::native::decode(&layout, &layout.telemetry_fields, &Unmapped::Count, payload, &mut self.decoded)?;
        Ok(resident)
    }

    fn envelope(&mut self, payload: &[u8]) -> Result<Arc<Resident>, Problem> {
        self.preview.step("route", "envelope", Json::Null);
        let envelope = codec::Envelope::open(payload)?;
        let resident = self.known(&envelope.twin)?;
        let layout = resident.cell.state().layout.clone();
        envelope.decode(&layout, &layout.telemetry_fields, &mut self.decoded)?;
        Ok(resident)
    }

    fn routed(&mut self, source: &Source, topic: &str, payload: &[u8]) -> Result<Arc<Resident>, Problem> {
        let bindings = self.bindings.clone();
        let route = bindings.router(source).route(topic).map_err(|unrouted| problem(unrouted.code(), unrouted.to_string()))?;
        let (resident, decode): (Arc<Resident>, Decode<'_>) = match route {
            Route::Telemetry { twin } => {
                self.preview.step("route", "native telemetry", Json::Null);
                (self.known(twin)?, Decode::Telemetry)
            }
            Route::Member { twin, member } => {
                self.preview.step("route", "native telemetry", json!({ "member": member }));
                (self.known(twin)?, Decode::Member(member))
            }
            Route::Reported { twin } => {
                self.preview.step("route", "native reported properties", Json::Null);
                (self.known(twin)?, Decode::Reported)
            }
            Route::Event { twin, event } => {
                self.preview.step("route", "event", json!({ "event": event }));
                let resident = self.known(twin)?;
                codec::event::decode(&resident.cell.state().layout, event, payload)?;
                return Ok(resident);
            }
            Route::Bound { binding, captures, .. } => return self.bound(binding, &captures, payload),
        };
        let layout = resident.cell.state().layout.clone();
        match decode {
            Decode::Telemetry => codec::native::decode(&layout, &layout.telemetry_fields, &Unmapped::Count, payload, &mut self.decoded)?,
            Decode::Reported => codec::native::decode(&layout, &layout.reported_fields, &Unmapped::Count, payload, &mut self.decoded)?,
            Decode::Member(member) => {
                codec::native::decode_member(&layout, &layout.telemetry_fields, member, payload, &mut self.decoded)?;
            }
        }
        Ok(resident)
    }

    fn bound(&mut self, binding: &Arc<Binding>, captures: &Captures<'_, '_>, payload: &[u8]) -> Result<Arc<Resident>, Problem> {
        let captured: serde_json::Map<String, Json> = captures.iter().map(|(name, text)| (name.to_owned(), Json::from(text))).collect();
        self.preview.step("binding", "matched", json!({ "binding": &*binding.id, "pattern": &*binding.topic.text, "captures": captured }));
        let mut text = String::new();
        let resident = match &binding.twin {
            TwinSelector::Path(path) => {
                let (json, problems) = codec::parse_json(payload)?;
                let resident = self.known_or_policy(&topic::twin_in(path, &json)?, binding)?;
                let mapped = self.bindings.mapped(binding, &resident.cell.state().layout);
                mapped.decode_json(&json, problems, &mut self.decoded)?;
                return Ok(resident);
            }
            TwinSelector::Id(template) => {
                topic::expand(template, captures, &mut text);
                self.known_or_policy(&text, binding)?
            }
            TwinSelector::ExternalId { namespace, id } => {
                topic::expand(id, captures, &mut text);
                let known = self.runtime.shared.directory.by_external_id(namespace, &text);
                let resident = known.ok_or_else(|| unknown(&format!("{namespace}: {text}"), binding))?;
                self.preview.step("twin", "found", json!({ "twin": resident.id.as_str() }));
                resident
            }
        };
        let mapped = self.bindings.mapped(binding, &resident.cell.state().layout);
        mapped.decode(payload, &mut self.decoded)?;
        Ok(resident)
    }

    fn known(&mut self, id: &str) -> Result<Arc<Resident>, Problem> {
        let shown: String = id.chars().take(128).collect();
        let known = self.runtime.shared.directory.by_id(id);
        let resident = known.ok_or_else(|| problem("UNKNOWN_TWIN", format!("there is no twin `{shown}`")))?;
        self.preview.step("twin", "found", json!({ "twin": resident.id.as_str() }));
        Ok(resident)
    }

    fn known_or_policy(&mut self, id: &str, binding: &Binding) -> Result<Arc<Resident>, Problem> {
        match self.runtime.shared.directory.by_id(id) {
            Some(resident) => {
                self.preview.step("twin", "found", json!({ "twin": resident.id.as_str() }));
                Ok(resident)
            }
            None => Err(unknown(id, binding)),
        }
    }

    /// What the twin would say to it: on a copy.
    fn apply(&mut self, resident: &Resident) {
        let decoded = std::mem::take(&mut self.decoded);
        let (groups, readings) = (decoded.groups.len(), decoded.reading_count());
        self.preview.step("decode", "read", json!({ "instants": groups, "readings": readings, "unmapped": decoded.unmapped }));
        let now = self.runtime.shared.clock.now();
        let received =
            Received { at: now, future_tolerance: self.runtime.shared.config.future_tolerance, started: self.runtime.shared.wakes.started };
        let mut twin = Twin::new(State::clone(&resident.cell.state()));
        let mut slots: Vec<SlotNo> = Vec::new();
        for group in decoded.groups {
            for reading in &group.readings {
                if !slots.contains(&reading.slot) {
                    slots.push(reading.slot);
                }
            }
            let tally = step(&mut twin, &Input::Readings { group, received }, now).tally;
            let detail = json!({
                "new": tally.new, "duplicate": tally.duplicate, "conflict": tally.conflict, "outOfOrder": tally.out_of_order,
                "tooOld": tally.too_old, "late": tally.late, "rejected": tally.rejected,
            });
            self.preview.step("twin", if tally.new > 0 { "accepted" } else { "nothing new" }, detail);
        }
        self.preview.problems.extend(decoded.problems);
        self.preview.after = Some((twin.state, slots));
    }
}

enum Decode<'t> {
    Telemetry,
    Member(&'t str),
    Reported,
}

fn unknown(id: &str, binding: &Binding) -> Problem {
    let shown: String = id.chars().take(128).collect();
    match &binding.unknown_twin {
        UnknownTwin::Quarantine => problem("QUARANTINED", format!("`{shown}` is not known; the message would be kept in quarantine")),
        UnknownTwin::Provision { type_name, .. } => {
            problem("NOT_PROVISIONED", format!("`{shown}` is not known; the first such message would make a {type_name} of it"))
        }
        UnknownTwin::Reject => problem("UNKNOWN_TWIN", format!("there is no twin `{shown}`")),
    }
}

fn problem(code: &'static str, message: String) -> Problem {
    Problem { code, field: None, message }
}
