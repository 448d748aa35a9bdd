//! What a client is told of a message when the gate has settled it, and who else gets the message then.

use std::sync::Arc;

use bytes::BytesMut;

use super::frame::Version;
use super::handshake::Client;
use super::peer::Peer;
use super::reason::Reason;
use super::shared::Shared;
use super::wire;
use crate::ingress::counters::count;
use crate::ingress::window::Arrival;
use crate::ingress::{Address, Fault, Outcome, Refused};

pub(super) struct Answers {
    shared: Arc<Shared>,
    version: Version,
    wants_reasons: bool,
    packet_bytes_max: usize,
    acks: u64,
    refused: u64,
}

impl Answers {
    pub(super) fn new(client: &Client, shared: Arc<Shared>) -> Answers {
        Answers {
            shared,
            version: client.connect.version,
            wants_reasons: client.connect.wants_reasons,
            packet_bytes_max: client.connect.packet_bytes_max,
            acks: 0,
            refused: 0,
        }
    }

    /// Acknowledges one message, if it wants that. What was committed goes on to the subscribers; what was rejected does not.
    pub(super) fn answer(&mut self, arrival: &Arrival, outcome: &Outcome, peer: &Arc<Peer>, output: &mut BytesMut) {
        if let (Outcome::Committed { .. }, Address::Topic(topic)) = (outcome, &arrival.packet.address) {
            self.shared.fanout.publish(Some(peer), topic, &arrival.packet.payload);
        }
        if arrival.id == 0 {
            return;
        }
        self.acks += 1;
        // 3.1.1 has no way to say no. The rejection is stored all the same.
        match (outcome, self.version) {
            (Outcome::Committed { refused: None, .. }, _) => wire::puback(output, arrival.id),
            (Outcome::Committed { refused: Some(refused), .. }, Version::V5) => self.refuse(output, arrival.id, Reason::Success, refused),
            (Outcome::Rejected { refused, .. }, Version::V5) => {
                self.refused += 1;
                self.refuse(output, arrival.id, reason(refused.fault), refused);
            }
            (Outcome::Committed { .. } | Outcome::Rejected { .. } | Outcome::Dropped, _) => wire::puback(output, arrival.id),
        }
    }

    fn refuse(&self, output: &mut BytesMut, id: u16, reason: Reason, refused: &Refused) {
        let text = if self.wants_reasons { refused.message.as_str() } else { "" };
        wire::puback_v5(output, id, reason, text, self.packet_bytes_max);
    }

    /// Whether a text of that length may go into a packet for this client.
    pub(super) fn may_say(&self, text: &str) -> bool {
        self.wants_reasons && text.len() + 16 <= self.packet_bytes_max
    }

    pub(super) fn count_burst(&mut self, offered_again: u64) {
        count(&self.shared.counters.acks, std::mem::take(&mut self.acks));
        count(&self.shared.counters.refused, std::mem::take(&mut self.refused));
        count(&self.shared.counters.offered_again, offered_again);
    }
}

fn reason(fault: Fault) -> Reason {
    match fault {
        Fault::Topic => Reason::TopicNameInvalid,
        Fault::Twin => Reason::ImplementationSpecific,
        Fault::Payload => Reason::PayloadFormatInvalid,
        Fault::Busy => Reason::QuotaExceeded,
    }
}
