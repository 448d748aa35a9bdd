//! A device that has a list of messages to send, one after the other, as fast as they are taken; what was not acknowledged it sends again, in
//! order, as the standard wants it of QoS 1.

use std::net::SocketAddr;

use crate::mqtt_peer::{Client, connect_v3, publish_v3};

/// Messages that are sent before the first of them is acknowledged.
const WINDOW: usize = 200;
const DUP: u8 = 0x08;
const PUBACK: u8 = 0x40;

pub struct Feeder {
    topic: String,
    messages: Vec<String>,
    sent: usize,
    acknowledged: usize,
}

impl Feeder {
    pub fn new(twin: &str, messages: Vec<String>) -> Feeder {
        Feeder { topic: format!("pollux/{twin}/telemetry"), messages, sent: 0, acknowledged: 0 }
    }

    /// All of it; comes back when all is acknowledged.
    pub fn deliver(&mut self, server: SocketAddr) {
        let mut client = self.begin(server, self.messages.len());
        self.hear_upto(&mut client, self.messages.len());
    }

    /// Sends up to there, and listens no longer than it has to for that: the last of them are under way.
    pub fn begin(&mut self, server: SocketAddr, upto: usize) -> Client {
        let mut client = Client::to(server);
        client.send(&connect_v3("feeder", 0));
        client.expect("20 02 0000");
        let mut next = self.acknowledged;
        while next < upto {
            let end = upto.min(self.acknowledged + WINDOW);
            let bytes: Vec<u8> = (next..end).flat_map(|no| self.packet(no)).collect();
            client.send(&bytes);
            (next, self.sent) = (end, self.sent.max(end));
            if next < upto {
                assert!(self.hear(&mut client), "it went away at message {next}");
            }
        }
        client
    }

    pub fn hear_upto(&mut self, client: &mut Client, upto: usize) {
        while self.acknowledged < upto {
            assert!(self.hear(client), "it went away with {} of {upto} acknowledged", self.acknowledged);
        }
    }

    /// What had been said to it when the server went away.
    pub fn hear_the_rest(&mut self, client: &mut Client) {
        while self.hear(client) {}
    }

    fn packet(&self, no: usize) -> Vec<u8> {
        let mut packet = publish_v3(&self.topic, id_of(no), &self.messages[no]);
        if no < self.sent {
            packet[0] |= DUP;
        }
        packet
    }

    /// One acknowledgement, which must be that of the oldest; `false` at the end.
    fn hear(&mut self, client: &mut Client) -> bool {
        let Some(packet) = client.packet() else { return false };
        let [high, low] = id_of(self.acknowledged).to_be_bytes();
        assert_eq!(packet, [PUBACK, 2, high, low], "message {} is acknowledged next", self.acknowledged);
        self.acknowledged += 1;
        true
    }
}

fn id_of(no: usize) -> u16 {
    u16::try_from(no % usize::from(u16::MAX)).unwrap() + 1
}
