//! What the packets of a client do: messages go into the window, subscriptions into the fan-out, and the rest is answered at once.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::connect::Will;
use super::frame::{self, Header, Kind, Publish, Version};
use super::handshake::Client;
use super::peer::Peer;
use super::reason::{End, Reason, Refusal, protocol_error};
use super::shared::Shared;
use super::wire::{self, Subscribe, Unsubscribe};

/// The first level of all topics that somebody may have something for.
const RETAINED_BELOW: &str = "pollux";

use super::{check, topic};
use crate::ingress::counters::count;
use crate::ingress::window::{Arrival, Fate, Window};
use crate::ingress::{Address, Packet};
use crate::reading::Timestamp;

pub(super) struct Packets {
    peer: Arc<Peer>,
    shared: Arc<Shared>,
    will: Option<Will>,
    /// Topics by alias, which counts from 1. Grows as aliases are set.
    aliases: Vec<Option<Bytes>>,
    filters: HashSet<String>,
    burst: Burst,
}

/// Counts of one burst of packets, so that the shared counters are touched once.
#[derive(Debug, Default)]
struct Burst {
    qos0: u64,
    qos1: u64,
    shed: u64,
}

impl Packets {
    pub(super) fn new(client: Client, shared: Arc<Shared>) -> Packets {
        Packets {
            peer: client.peer,
            shared,
            will: client.connect.will,
            aliases: Vec::new(),
            filters: HashSet::new(),
            burst: Burst::default(),
        }
    }

    pub(super) fn publish(&mut self, header: &Header, packet: Bytes, received: Timestamp, window: &mut Window) -> Result<(), Refusal> {
        let publish = frame::publish(header, &packet, self.peer.version)?;
        match publish.qos {
            0 => self.burst.qos0 += 1,
            1 => self.burst.qos1 += 1,
            _ => return Err(Refusal::new(Reason::QosNotSupported, "QoS 2 is not available yet: publish with QoS 1")),
        }
        if publish.retain && self.peer.version == Version::V5 {
            return Err(Refusal::new(Reason::RetainNotSupported, "retained messages are not available, as CONNACK said"));
        }
        let bounds_receipt = self.peer.version == Version::V5 && publish.id != 0;
        if bounds_receipt && window.unacknowledged() >= usize::from(self.shared.config.receive_max()) {
            return Err(Refusal::new(Reason::ReceiveMaximumExceeded, "more unacknowledged messages than the Receive Maximum of CONNACK"));
        }
        let topic = self.topic(&publish, &packet)?;
        let bytes = packet.len();
        let packet = Packet { address: Address::Topic(topic), payload: packet.slice(publish.payload), received };
        match window.take_in(Arrival { packet, id: publish.id, bytes }) {
            Fate::Taken => {}
            Fate::Shed => self.burst.shed += 1,
        }
        Ok(())
    }

    /// The topic, by way of its alias if it has one.
    fn topic(&mut self, publish: &Publish, packet: &Bytes) -> Result<Bytes, Refusal> {
        let Some(alias) = publish.alias else { return Ok(packet.slice(publish.topic.clone())) };
        if alias > self.shared.config.topic_aliases_max {
            return Err(Refusal::new(Reason::TopicAliasInvalid, "a topic alias over the Topic Alias Maximum of CONNACK"));
        }
        let index = usize::from(alias) - 1;
        if publish.topic.is_empty() {
            let known = self.aliases.get(index).cloned().flatten();
            return known.ok_or_else(|| Refusal::new(Reason::TopicAliasInvalid, "a topic alias that was not set"));
        }
        if publish.topic.len() > self.shared.config.topic_bytes_max {
            return Err(Refusal::new(Reason::TopicNameInvalid, "too long a topic for an alias"));
        }
        if self.aliases.len() <= index {
            self.aliases.resize(index + 1, None);
        }
        // A copy of its own: a slice would keep the whole read buffer.
        let topic = Bytes::copy_from_slice(&packet[publish.topic.clone()]);
        self.aliases[index] = Some(topic.clone());
        Ok(topic)
    }

    /// Everything but PUBLISH.
    pub(super) fn other(&mut self, header: &Header, packet: &[u8], output: &mut BytesMut) -> Result<(), End> {
        let version = self.peer.version;
        check::packet(header, packet, version)?;
        match header.kind {
            Kind::PingReq => output.extend_from_slice(&wire::PINGRESP),
            Kind::Subscribe => self.subscribe(&wire::subscribe(header, packet, version)?, output)?,
            Kind::Unsubscribe => self.unsubscribe(&wire::unsubscribe(header, packet, version)?, output)?,
            Kind::Disconnect if wire::disconnect_wants_will(header, packet) => return Err(End::CleanWithWill),
            Kind::Disconnect => return Err(End::Clean),
            Kind::Connect | Kind::Publish => return Err(protocol_error("a packet out of place").into()),
        }
        Ok(())
    }

    fn subscribe(&mut self, subscribe: &Subscribe, output: &mut BytesMut) -> Result<(), Refusal> {
        let mut granted = Vec::with_capacity(subscribe.wishes.len());
        for wish in &subscribe.wishes {
            let answer = self.grants(&wish.filter);
            if answer == Reason::Success {
                self.shared.fanout.subscribe(&self.peer, &wish.filter, wish.no_local);
                self.filters.insert(wish.filter.clone());
            }
            granted.push(answer);
        }
        let packet = wire::suback(self.peer.version, subscribe.id, &granted).map_err(unwritable)?;
        output.extend_from_slice(&packet);
        let filters: Vec<&str> = subscribe
            .wishes
            .iter()
            .zip(&granted)
            .filter(|(_, reason)| **reason == Reason::Success)
            .map(|(wish, _)| &*wish.filter)
            .collect();
        self.send_retained(&filters);
        Ok(())
    }

    /// What a new subscriber has missed and can still have.
    fn send_retained(&self, filters: &[&str]) {
        let wanted: Vec<&str> = filters.iter().copied().filter(|filter| topic::may_match(filter, RETAINED_BELOW)).collect();
        if wanted.is_empty() {
            return;
        }
        let (version, mut lost) = (self.peer.version, 0);
        self.shared.door.retained(&mut |topic, payload| {
            if wanted.iter().any(|filter| topic::matches(filter, topic)) {
                lost += self.peer.send(wire::publish(version, topic.as_bytes(), payload, true));
            }
        });
        count(&self.shared.counters.dropped_to_subscribers, lost);
    }

    fn grants(&self, filter: &str) -> Reason {
        let config = &self.shared.config;
        if topic::is_shared(filter) {
            Reason::SharedSubscriptionsNotSupported
        } else if filter.len() > config.topic_bytes_max || filter.split('/').count() > config.topic_levels_max {
            Reason::TopicFilterInvalid
        } else if self.filters.len() >= config.subscriptions_max && !self.filters.contains(filter) {
            Reason::QuotaExceeded
        } else {
            Reason::Success
        }
    }

    fn unsubscribe(&mut self, unsubscribe: &Unsubscribe, output: &mut BytesMut) -> Result<(), Refusal> {
        let mut answers = Vec::with_capacity(unsubscribe.filters.len());
        for filter in &unsubscribe.filters {
            let existed = self.filters.remove(filter) && self.shared.fanout.unsubscribe(&self.peer, filter);
            answers.push(if existed { Reason::Success } else { Reason::NoSubscriptionExisted });
        }
        let packet = wire::unsuback(self.peer.version, unsubscribe.id, &answers).map_err(unwritable)?;
        output.extend_from_slice(&packet);
        Ok(())
    }

    pub(super) fn unsubscribe_all(&mut self) {
        for filter in self.filters.drain() {
            self.shared.fanout.unsubscribe(&self.peer, &filter);
        }
    }

    /// The will, if the connection ends in a way that calls for it. It then counts as a message of this client like any other.
    pub(super) fn will(&mut self, end: &End, received: Timestamp) -> Option<Arrival> {
        let will = self.will.take()?;
        match end {
            End::Clean => None,
            End::CleanWithWill | End::Lost(_) | End::Refused(_) | End::Stopping => {
                let bytes = will.topic.len() + will.payload.len();
                Some(Arrival { packet: Packet { address: Address::Topic(will.topic), payload: will.payload, received }, id: 0, bytes })
            }
        }
    }

    pub(super) fn count_burst(&mut self, packets: u64) {
        let counters = &self.shared.counters;
        let burst = std::mem::take(&mut self.burst);
        count(&counters.packets, packets);
        count(&counters.publishes_qos0, burst.qos0);
        count(&counters.publishes_qos1, burst.qos1);
        count(&counters.shed, burst.shed);
    }
}

fn unwritable(error: impl std::fmt::Debug) -> Refusal {
    Refusal::new(Reason::ImplementationSpecific, format!("the answer cannot be written: {error:?}"))
}
