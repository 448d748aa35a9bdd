//! The door behind every transport: a packet comes in, readings go to twins, and what cannot be used is refused with a reason.

use std::sync::Arc;

use bytes::Bytes;
use foldhash::{HashMap, HashMapExt};

use crate::catalog::binding::{INPUT_TOPICS, Source, TwinSelector, UnknownTwin, Unmapped};
use crate::catalog::{Binding, Layout};
use crate::codec::messages::Message;
use crate::codec::{self, Captures, Decoded, Mapped, Route, topic};
use crate::ingress::{Address, Door, Fault, Lane, Packet, Receipt, Refused};
use crate::reading::{Problem, Timestamp, TwinId, TwinNo};
use crate::twin::{Numbered, Received, Rejection};

use super::Runtime;
use super::bindings::Bindings;
use super::refusals::{EXCERPT_BYTES_MAX, QUARANTINE_BYTES_MAX, excerpt};
use super::resident::Resident;
use super::twin_actor::{Delivery, TwinMsg};

/// Topics a lane remembers the way of. A sender mostly repeats itself; one that does not costs a look-up for each packet.
const WAYS_MAX: usize = 4096;

#[derive(Debug, Clone)]
pub struct TwinDoor {
    runtime: Arc<Runtime>,
}

impl TwinDoor {
    pub fn new(runtime: Arc<Runtime>) -> TwinDoor {
        TwinDoor { runtime }
    }
}

impl Door for TwinDoor {
    fn lane(&self, source: Source) -> Box<dyn Lane> {
        Box::new(TwinLane::new(self.runtime.clone(), source))
    }

    fn retained(&self, each: &mut dyn FnMut(&str, &[u8])) {
        self.runtime.each_alarm_message(each);
    }
}

/// Where the packets of one topic go, and how they are read.
#[derive(Debug, Clone)]
struct Way {
    resident: Arc<Resident>,
    reading: Reading,
}

#[derive(Debug, Clone)]
enum Reading {
    Telemetry,
    Member(Box<str>),
    Reported,
    Event(Box<str>),
    Mapped(Arc<Mapped>),
}

/// Why a packet goes nowhere.
struct Lost {
    fault: Fault,
    code: &'static str,
    message: String,
    twin: Option<TwinId>,
    field: Option<String>,
    excerpt_bytes_max: usize,
}

pub(super) struct TwinLane {
    runtime: Arc<Runtime>,
    source: Source,
    bindings: Arc<Bindings>,
    ways: HashMap<Bytes, Way>,
    decoded: Decoded,
    /// The form of the type that the packet in hand was read by.
    form: Option<Arc<Layout>>,
    /// What this burst of packets says to each twin, in order of first mention.
    burst: Vec<(Arc<Resident>, Vec<Delivery>)>,
    place: HashMap<TwinNo, usize>,
}

impl Lane for TwinLane {
    fn offer(&mut self, packet: &Packet, receipt: Receipt) {
        match &packet.address {
            Address::Topic(topic) if **topic == *codec::messages::TOPIC.as_bytes() => self.offer_messages(packet, receipt),
            Address::Topic(_) | Address::Twin(_) | Address::Envelope => self.offer_one(packet, None, None, receipt),
        }
    }

    fn flush(&mut self) {
        self.place.clear();
        for (resident, deliveries) in self.burst.drain(..) {
            self.runtime.shared.directory.send(&resident, TwinMsg::Ingest(deliveries));
        }
    }
}

impl TwinLane {
    pub(super) fn new(runtime: Arc<Runtime>, source: Source) -> TwinLane {
        let bindings = runtime.bindings.load_full();
        TwinLane {
            runtime,
            source,
            bindings,
            ways: HashMap::new(),
            decoded: Decoded::default(),
            form: None,
            burst: Vec::new(),
            place: HashMap::new(),
        }
    }

    /// Whether anybody here is told of what comes on a topic.
    pub(super) fn is_routed(&self, topic: &str) -> bool {
        self.bindings.router(&self.source).route_bytes(topic.as_bytes()).is_ok()
    }

    /// Several messages for inputs of imported detectors. The packet is settled when all of them are.
    fn offer_messages(&mut self, packet: &Packet, receipt: Receipt) {
        let messages = match codec::messages::decode(&packet.payload) {
            Ok(messages) => messages,
            Err(problem) => return self.refuse(Lost::payload(problem), packet, receipt),
        };
        let mut receipts: Vec<Receipt> = messages.iter().skip(1).map(|_| receipt.split()).collect();
        receipts.push(receipt);
        for (message, receipt) in messages.into_iter().zip(receipts) {
            let Message { id, input, payload, time } = message;
            let address = Address::Topic(format!("{INPUT_TOPICS}/{input}").into());
            let inner = Packet { address, payload: payload.into(), received: packet.received };
            self.offer_one(&inner, Some(Numbered { id, sent: packet.received }), time, receipt);
        }
    }

    /// `time` is when it happened, if the payload itself does not say so.
    pub(super) fn offer_one(&mut self, packet: &Packet, message: Option<Numbered>, time: Option<Timestamp>, receipt: Receipt) {
        self.notice_edits();
        let offered = match &packet.address {
            Address::Topic(topic) => self.offer_to_topic(topic, packet),
            Address::Twin(id) => self.offer_to_twin(id, packet),
            Address::Envelope => self.offer_envelope(packet),
        };
        match offered {
            Ok(resident) => {
                if time.is_some() {
                    self.decoded.groups.iter_mut().for_each(|group| group.time = group.time.or(time));
                }
                self.deliver(resident, packet, message, receipt);
            }
            Err(lost) => self.refuse(lost, packet, receipt),
        }
    }

    /// After an edit of the workspace, ways are found anew.
    fn notice_edits(&mut self) {
        let current = self.runtime.bindings.load();
        if !Arc::ptr_eq(&current, &self.bindings) {
            self.bindings = Arc::clone(&current);
            self.ways.clear();
        }
    }

    fn offer_to_topic(&mut self, topic: &Bytes, packet: &Packet) -> Result<Arc<Resident>, Lost> {
        if self.ways.get(topic).is_some_and(|way| way.resident.is_gone()) {
            self.ways.remove(topic);
        }
        if let Some(way) = self.ways.get(topic) {
            let way = way.clone();
            return self.decode(&way, &packet.payload).map(|()| way.resident);
        }
        let bindings = self.bindings.clone();
        let way = match bindings.router(&self.source).route_bytes(topic).map_err(Lost::unrouted)? {
            Route::Telemetry { twin } => Way { resident: self.native_twin(twin)?, reading: Reading::Telemetry },
            Route::Member { twin, member } => Way { resident: self.native_twin(twin)?, reading: Reading::Member(member.into()) },
            Route::Reported { twin } => Way { resident: self.native_twin(twin)?, reading: Reading::Reported },
            Route::Event { twin, event } => Way { resident: self.native_twin(twin)?, reading: Reading::Event(event.into()) },
            Route::Bound { binding, captures, .. } => {
                if let TwinSelector::Path(path) = &binding.twin {
                    return self.offer_by_path(binding, path, packet);
                }
                let resident = self.bound_twin(binding, &captures)?;
                let mapped = self.bindings.mapped(binding, &resident.cell.state().layout);
                Way { resident, reading: Reading::Mapped(mapped) }
            }
        };
        self.decode(&way, &packet.payload)?;
        if self.ways.len() >= WAYS_MAX {
            self.ways.clear();
        }
        // A copy, because the topic is a slice of a large read buffer.
        self.ways.insert(Bytes::copy_from_slice(topic), way.clone());
        Ok(way.resident)
    }

    fn offer_to_twin(&mut self, id: &TwinId, packet: &Packet) -> Result<Arc<Resident>, Lost> {
        let way = Way { resident: self.native_twin(id.as_str())?, reading: Reading::Telemetry };
        self.decode(&way, &packet.payload).map(|()| way.resident)
    }

    fn offer_envelope(&mut self, packet: &Packet) -> Result<Arc<Resident>, Lost> {
        let envelope = codec::Envelope::open(&packet.payload).map_err(Lost::payload)?;
        let resident = self.native_twin(&envelope.twin)?;
        let layout = resident.cell.state().layout.0.clone();
        self.form = Some(layout.clone());
        let decoded = envelope.decode(&layout, &layout.telemetry_fields, &mut self.decoded);
        decoded.map_err(|problem| Lost { twin: Some(resident.id.clone()), ..Lost::payload(problem) })?;
        Ok(resident)
    }

    /// The payload itself names the twin, so it is read before anything else.
    fn offer_by_path(
        &mut self,
        binding: &Arc<Binding>,
        path: &crate::catalog::binding::JsonPath,
        packet: &Packet,
    ) -> Result<Arc<Resident>, Lost> {
        let (json, problems) = codec::parse_json(&packet.payload).map_err(Lost::payload)?;
        let id = topic::twin_in(path, &json).map_err(Lost::payload)?;
        let resident = self.twin_or_policy(&id, binding)?;
        let mapped = self.bindings.mapped(binding, &resident.cell.state().layout);
        self.form = Some(mapped.layout().clone());
        mapped
            .decode_json(&json, problems, &mut self.decoded)
            .map_err(|problem| Lost { twin: Some(resident.id.clone()), ..Lost::payload(problem) })?;
        Ok(resident)
    }

    fn decode(&mut self, way: &Way, payload: &[u8]) -> Result<(), Lost> {
        let state = way.resident.cell.state();
        let layout = &*state.layout;
        self.form = Some(match &way.reading {
            Reading::Mapped(mapped) => mapped.layout().clone(),
            Reading::Telemetry | Reading::Member(_) | Reading::Reported | Reading::Event(_) => state.layout.0.clone(),
        });
        let read = match &way.reading {
            Reading::Telemetry => codec::native::decode(layout, &layout.telemetry_fields, &Unmapped::Count, payload, &mut self.decoded),
            Reading::Member(member) => codec::native::decode_member(layout, &layout.telemetry_fields, member, payload, &mut self.decoded),
            Reading::Reported => codec::native::decode(layout, &layout.reported_fields, &Unmapped::Count, payload, &mut self.decoded),
            Reading::Event(name) => {
                self.decoded.clear();
                codec::event::decode(layout, name, payload).map(|said| self.decoded.events.push(said))
            }
            Reading::Mapped(mapped) => mapped.decode(payload, &mut self.decoded),
        };
        read.map_err(|problem| Lost { twin: Some(way.resident.id.clone()), ..Lost::payload(problem) })
    }

    fn native_twin(&self, id: &str) -> Result<Arc<Resident>, Lost> {
        self.runtime.shared.directory.by_id(id).ok_or_else(|| Lost::unknown_twin(id))
    }

    fn bound_twin(&self, binding: &Binding, captures: &Captures<'_, '_>) -> Result<Arc<Resident>, Lost> {
        let mut text = String::new();
        match &binding.twin {
            TwinSelector::Id(template) => {
                topic::expand(template, captures, &mut text);
                self.twin_or_policy(&text, binding)
            }
            TwinSelector::ExternalId { namespace, id } => {
                topic::expand(id, captures, &mut text);
                let known = self.runtime.shared.directory.by_external_id(namespace, &text);
                // A name of another system is no id to make a twin by.
                known.ok_or_else(|| match binding.unknown_twin {
                    UnknownTwin::Quarantine => Lost::by_policy(&format!("{namespace}: {text}"), binding),
                    UnknownTwin::Reject | UnknownTwin::Provision { .. } => Lost::unknown_external_id(namespace, &text),
                })
            }
            TwinSelector::Path(_) => Err(Lost::by_policy("", binding)),
        }
    }

    fn twin_or_policy(&self, id: &str, binding: &Binding) -> Result<Arc<Resident>, Lost> {
        if let Some(known) = self.runtime.shared.directory.by_id(id) {
            return Ok(known);
        }
        let UnknownTwin::Provision { type_name, inside } = &binding.unknown_twin else { return Err(Lost::by_policy(id, binding)) };
        let id = TwinId::parse(id).map_err(|error| Lost::new(Fault::Twin, "INVALID_TWIN_ID", error.to_string()))?;
        let made = self.runtime.provision(&id, type_name, inside.as_ref());
        made.map_err(|refusal| Lost { twin: Some(id), ..Lost::new(Fault::Twin, "NOT_PROVISIONED", refusal.to_string()) })
    }

    /// What was decoded goes to the twin, and to the assets it observes.
    fn deliver(&mut self, resident: Arc<Resident>, packet: &Packet, message: Option<Numbered>, receipt: Receipt) {
        let received = Received {
            at: packet.received,
            future_tolerance: self.runtime.shared.config.future_tolerance,
            started: self.runtime.shared.wakes.started,
        };
        let form = self.form.take().unwrap_or_else(|| resident.cell.state().layout.0.clone());
        let groups = std::mem::take(&mut self.decoded.groups);
        let problems = std::mem::take(&mut self.decoded.problems);
        let events = std::mem::take(&mut self.decoded.events);
        let refused = problems.first().map(|problem| Arc::new(refused(problem)));
        let (stored, count) = (self.runtime.refusals.room_for(problems.len()), problems.len());
        let rejections = problems.into_iter().take(stored).map(|problem| rejection(problem, &resident.id, &self.source, packet)).collect();
        let unstored = count - stored;
        if !self.runtime.observers.is_empty() {
            for (asset, layout, groups) in self.runtime.observers.observed(resident.no, &form, &groups, packet.received) {
                self.put(
                    asset,
                    Delivery {
                        received,
                        layout,
                        groups,
                        message: None,
                        events: Vec::new(),
                        rejections: Vec::new(),
                        unstored: 0,
                        refused: None,
                        unmapped: 0,
                        receipt: receipt.split(),
                    },
                );
            }
        }
        let unmapped = self.decoded.unmapped;
        self.put(
            resident,
            Delivery { received, layout: form.fingerprint, groups, message, events, rejections, unstored, refused, unmapped, receipt },
        );
    }

    fn put(&mut self, resident: Arc<Resident>, delivery: Delivery) {
        match self.place.get(&resident.no) {
            Some(place) => self.burst[*place].1.push(delivery),
            None => {
                self.place.insert(resident.no, self.burst.len());
                self.burst.push((resident, vec![delivery]));
            }
        }
    }

    fn refuse(&self, lost: Lost, packet: &Packet, receipt: Receipt) {
        let Lost { fault, code, message, twin, field, excerpt_bytes_max } = lost;
        let rejection = Rejection {
            at: packet.received,
            address: shown(&packet.address, &self.source),
            twin,
            field,
            code: code.into(),
            message,
            excerpt: excerpt(&packet.payload, excerpt_bytes_max),
            payload_bytes: packet.payload.len() as u64,
        };
        self.runtime.refusals.refuse(rejection, fault, code, receipt);
    }
}

/// What the sender is told of a packet that reached its twin and of which not everything could be used.
fn refused(problem: &Problem) -> Refused {
    let message = match &problem.field {
        Some(field) => format!("{field}: {}", problem.message),
        None => problem.message.clone(),
    };
    Refused { fault: Fault::Payload, code: problem.code, message }
}

fn rejection(problem: Problem, twin: &TwinId, source: &Source, packet: &Packet) -> Rejection {
    Rejection {
        at: packet.received,
        address: shown(&packet.address, source),
        twin: Some(twin.clone()),
        field: problem.field,
        code: problem.code.into(),
        message: problem.message,
        excerpt: excerpt(&packet.payload, EXCERPT_BYTES_MAX),
        payload_bytes: packet.payload.len() as u64,
    }
}

/// The topic, or the path by which HTTP brought it.
fn shown(address: &Address, source: &Source) -> String {
    match address {
        Address::Topic(topic) if *source == Source::Http => format!("/ingest/topic/{}", excerpt(topic, EXCERPT_BYTES_MAX)),
        Address::Topic(topic) => excerpt(topic, EXCERPT_BYTES_MAX),
        Address::Twin(id) => format!("/ingest/{id}"),
        Address::Envelope => "/ingest".to_owned(),
    }
}

impl Lost {
    fn new(fault: Fault, code: &'static str, message: String) -> Lost {
        Lost { fault, code, message, twin: None, field: None, excerpt_bytes_max: EXCERPT_BYTES_MAX }
    }

    fn payload(problem: Problem) -> Lost {
        Lost { field: problem.field, ..Lost::new(Fault::Payload, problem.code, problem.message) }
    }

    fn unrouted(unrouted: topic::Unrouted) -> Lost {
        Lost::new(Fault::Topic, unrouted.code(), unrouted.to_string())
    }

    fn unknown_twin(id: &str) -> Lost {
        let shown: String = id.chars().take(128).collect();
        let message =
            format!("there is no twin `{shown}`; describe it in twins/, or bind the topic with `unknownTwin: {{provision: TYPE}}`");
        Lost { twin: TwinId::parse(id).ok(), ..Lost::new(Fault::Twin, "UNKNOWN_TWIN", message) }
    }

    fn unknown_external_id(namespace: &str, id: &str) -> Lost {
        let shown: String = id.chars().take(128).collect();
        let message =
            format!("no twin has the external id `{shown}`; give it to one in twins/ with `externalIds: {{{namespace}: {shown}}}`");
        Lost::new(Fault::Twin, "UNKNOWN_TWIN", message)
    }

    /// What the binding says about senders that nobody knows.
    fn by_policy(id: &str, binding: &Binding) -> Lost {
        match &binding.unknown_twin {
            UnknownTwin::Quarantine => {
                let message = format!("`{id}` is not known; the message is kept in quarantine (binding `{}`)", binding.id);
                Lost {
                    twin: TwinId::parse(id).ok(),
                    excerpt_bytes_max: QUARANTINE_BYTES_MAX,
                    ..Lost::new(Fault::Twin, "QUARANTINED", message)
                }
            }
            UnknownTwin::Reject | UnknownTwin::Provision { .. } => Lost::unknown_twin(id),
        }
    }
}
