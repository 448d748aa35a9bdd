//! The few MQTT 3.1.1 packets a load generator needs, made once and patched in place.
//!
//! A message costs one copy of some hundred bytes and a few digits: whatever the generator spends is taken from the server beside it.
//! Pure: bytes in, bytes out.

use std::ops::Range;

/// Larger packets than this are not expected by a generator and end the connection.
pub(super) const PACKET_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The members that the bench workspace declares; a message carries the first `--readings` of them.
pub(super) const MEMBERS: [&str; 8] = ["temperature", "pressure", "speed", "torque", "current", "flow", "vibration", "level"];

/// `21.50`: four digits whose first is never 0, so that a number keeps its width.
const VALUE_WIDTH: usize = 5;
const VALUE_STEPS: u64 = 9000;
const MILLIS_DIGITS: usize = 13;

pub(super) fn connect(client_id: &str) -> Vec<u8> {
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4];
    body.push(0b10); // clean session
    body.extend_from_slice(&[0, 0]); // no keep-alive: the load itself shows who is alive
    push_text(&mut body, client_id);
    packet(0x10, &body)
}

pub(super) fn subscribe(packet_id: u16, filter: &str, qos: u8) -> Vec<u8> {
    let mut body = packet_id.to_be_bytes().to_vec();
    push_text(&mut body, filter);
    body.push(qos);
    packet(0x82, &body)
}

pub(super) const DISCONNECT: [u8; 2] = [0xE0, 0];

pub(super) fn puback(packet_id: u16) -> [u8; 4] {
    let [high, low] = packet_id.to_be_bytes();
    [0x40, 2, high, low]
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    push_length(&mut bytes, body.len());
    bytes.extend_from_slice(body);
    bytes
}

fn push_length(bytes: &mut Vec<u8>, mut length: usize) {
    loop {
        let low = (length % 128) as u8;
        length /= 128;
        if length == 0 {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    debug_assert!(text.len() <= usize::from(u16::MAX), "topics and client ids are checked with the arguments");
    bytes.extend_from_slice(&(text.len() as u16).to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// What all messages of a run have in common: where in the payload the digits stand.
#[derive(Debug, Clone)]
pub(super) struct PayloadShape {
    text: Vec<u8>,
    millis_at: usize,
    /// Three digits after the point, for a twin that gets more than a message per millisecond.
    micros_at: Option<usize>,
    values_at: Vec<usize>,
}

impl PayloadShape {
    /// `{"ts":1767225600000,"temperature":21.50,…}`
    pub(super) fn new(readings: usize, with_micros: bool) -> PayloadShape {
        let mut text = b"{\"ts\":".to_vec();
        let millis_at = text.len();
        text.extend_from_slice(&[b'0'; MILLIS_DIGITS]);
        let micros_at = with_micros.then(|| {
            text.extend_from_slice(b".000");
            text.len() - 3
        });
        let mut values_at = Vec::with_capacity(readings);
        for member in MEMBERS.iter().take(readings) {
            text.extend_from_slice(format!(",\"{member}\":").as_bytes());
            values_at.push(text.len());
            text.extend_from_slice(b"00.00");
        }
        text.push(b'}');
        PayloadShape { text, millis_at, micros_at, values_at }
    }
}

/// One twin's PUBLISH with everything in it but the packet id, the time and the values.
#[derive(Debug, Clone)]
pub(super) struct Template {
    bytes: Box<[u8]>,
    payload_at: u32,
}

impl Template {
    pub(super) fn new(topic: &str, qos: u8, shape: &PayloadShape) -> Template {
        let mut body = Vec::with_capacity(topic.len() + shape.text.len() + 4);
        push_text(&mut body, topic);
        if qos > 0 {
            body.extend_from_slice(&[0, 0]);
        }
        body.extend_from_slice(&shape.text);
        let bytes = packet(0x30 | (qos << 1), &body);
        let payload_at = (bytes.len() - shape.text.len()) as u32;
        Template { bytes: bytes.into_boxed_slice(), payload_at }
    }

    /// Appends one message. `packet_id` is `None` at QoS 0; `count` makes the values change.
    pub(super) fn write(&self, out: &mut Vec<u8>, shape: &PayloadShape, packet_id: Option<u16>, time: &mut TimeText, count: u64) {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        let bytes = &mut out[start..];
        let payload_at = self.payload_at as usize;
        if let Some(id) = packet_id {
            bytes[payload_at - 2..payload_at].copy_from_slice(&id.to_be_bytes());
        }
        let payload = &mut bytes[payload_at..];
        payload[shape.millis_at..shape.millis_at + MILLIS_DIGITS].copy_from_slice(&time.millis);
        if let Some(at) = shape.micros_at {
            payload[at..at + 3].copy_from_slice(&time.micros);
        }
        for (index, at) in shape.values_at.iter().enumerate() {
            let steps = (count.wrapping_mul(7) + index as u64 * 1931) % VALUE_STEPS + 1000;
            payload[*at..*at + VALUE_WIDTH].copy_from_slice(&value_digits(steps as u16));
        }
    }
}

/// `1000..=9999` as `10.00..=99.99`.
fn value_digits(steps: u16) -> [u8; VALUE_WIDTH] {
    let digit = |place: u16| b'0' + (steps / place % 10) as u8;
    [digit(1000), digit(100), b'.', digit(10), digit(1)]
}

/// The digits of an event time, kept because neighbours in a batch mostly share them.
#[derive(Debug)]
pub(super) struct TimeText {
    of_micros: u64,
    millis: [u8; MILLIS_DIGITS],
    micros: [u8; 3],
}

impl TimeText {
    pub(super) fn new() -> TimeText {
        TimeText { of_micros: 0, millis: [b'0'; MILLIS_DIGITS], micros: [b'0'; 3] }
    }

    pub(super) fn set(&mut self, epoch_micros: u64) {
        if epoch_micros == self.of_micros {
            return;
        }
        self.of_micros = epoch_micros;
        fill_digits(&mut self.micros, epoch_micros % 1000);
        fill_digits(&mut self.millis, epoch_micros / 1000);
    }
}

fn fill_digits(text: &mut [u8], mut number: u64) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// What a server may send to a generator.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    ConnAck {
        code: u8,
    },
    PubAck(u16),
    SubAck {
        code: u8,
    },
    /// The packet id is present at QoS 1.
    Publish {
        packet_id: Option<u16>,
    },
    PingResp,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("the server sent a packet of type {0} that a 3.1.1 client of this kind never gets")]
    Unexpected(u8),
    #[error("the server sent a malformed packet of type {0}")]
    Malformed(u8),
    #[error("the server announced a packet of more than {PACKET_BYTES_MAX} bytes")]
    TooLarge,
}

/// The first packet in `bytes` and its length, or `None` if it has not arrived completely.
pub(super) fn next_packet(bytes: &[u8]) -> Result<Option<(Incoming, usize)>, Unreadable> {
    let Some(body) = body_range(bytes)? else { return Ok(None) };
    let Some(content) = bytes.get(body.clone()) else { return Ok(None) };
    Ok(Some((parse(bytes[0], content)?, body.end)))
}

fn body_range(bytes: &[u8]) -> Result<Option<Range<usize>>, Unreadable> {
    let mut length = 0;
    for place in 0..4 {
        let Some(byte) = bytes.get(1 + place) else { return Ok(None) };
        length |= usize::from(byte & 0x7F) << (7 * place);
        if byte & 0x80 == 0 {
            let start = place + 2;
            return if length > PACKET_BYTES_MAX { Err(Unreadable::TooLarge) } else { Ok(Some(start..start + length)) };
        }
    }
    Err(Unreadable::Malformed(bytes[0] >> 4))
}

fn parse(first: u8, content: &[u8]) -> Result<Incoming, Unreadable> {
    let kind = first >> 4;
    let malformed = Unreadable::Malformed(kind);
    match (kind, content) {
        (2, [_, code]) => Ok(Incoming::ConnAck { code: *code }),
        (4, [high, low]) => Ok(Incoming::PubAck(u16::from_be_bytes([*high, *low]))),
        (9, [_, _, code]) => Ok(Incoming::SubAck { code: *code }),
        (13, []) => Ok(Incoming::PingResp),
        (3, [high, low, rest @ ..]) => {
            let topic_bytes = usize::from(u16::from_be_bytes([*high, *low]));
            if first & 0b110 == 0 {
                return if rest.len() >= topic_bytes { Ok(Incoming::Publish { packet_id: None }) } else { Err(malformed) };
            }
            match rest.get(topic_bytes..topic_bytes + 2) {
                Some(id) => Ok(Incoming::Publish { packet_id: Some(u16::from_be_bytes([id[0], id[1]])) }),
                None => Err(malformed),
            }
        }
        (2 | 3 | 4 | 9 | 13, _) => Err(malformed),
        _ => Err(Unreadable::Unexpected(kind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patched_template_is_a_publish_with_plain_json() {
        let shape = PayloadShape::new(3, true);
        let template = Template::new("pollux/bench-7/telemetry", 1, &shape);
        let mut time = TimeText::new();
        time.set(1_767_225_600_123_456);
        let mut out = Vec::new();
        template.write(&mut out, &shape, Some(0x0102), &mut time, 5);
        template.write(&mut out, &shape, Some(0x0103), &mut time, 6);

        let (first, length) = next_packet(&out).unwrap().unwrap();
        assert_eq!(first, Incoming::Publish { packet_id: Some(0x0102) });
        let payload = &out[template.payload_at as usize..length];
        assert_eq!(std::str::from_utf8(payload).unwrap(), r#"{"ts":1767225600123.456,"temperature":10.35,"pressure":29.66,"speed":48.97}"#);
        assert_eq!(next_packet(&out[length..]).unwrap().unwrap().0, Incoming::Publish { packet_id: Some(0x0103) });
    }

    #[test]
    fn a_long_topic_takes_a_second_length_byte() {
        let shape = PayloadShape::new(1, false);
        let template = Template::new(&"t".repeat(200), 0, &shape);
        let mut out = Vec::new();
        template.write(&mut out, &shape, None, &mut TimeText::new(), 0);
        assert_eq!(next_packet(&out), Ok(Some((Incoming::Publish { packet_id: None }, out.len()))));
        assert_eq!(next_packet(&out[..out.len() - 1]), Ok(None));
    }

    #[test]
    fn answers_are_read_one_by_one_and_nonsense_is_refused() {
        let bytes = [0x20, 2, 0, 0, 0x40, 2, 0, 9, 0x90, 3, 0, 1, 0x80, 0x40, 2, 1];
        assert_eq!(next_packet(&bytes), Ok(Some((Incoming::ConnAck { code: 0 }, 4))));
        assert_eq!(next_packet(&bytes[4..]), Ok(Some((Incoming::PubAck(9), 4))));
        assert_eq!(next_packet(&bytes[8..]), Ok(Some((Incoming::SubAck { code: 0x80 }, 5))));
        assert_eq!(next_packet(&bytes[13..]), Ok(None));
        assert_eq!(next_packet(&[0xF0, 0]), Err(Unreadable::Unexpected(15)));
        assert_eq!(next_packet(&[0x40, 1, 0]), Err(Unreadable::Malformed(4)));
        assert_eq!(next_packet(&[0x30, 0xFF, 0xFF, 0xFF, 0xFF]), Err(Unreadable::Malformed(3)));
    }
}
