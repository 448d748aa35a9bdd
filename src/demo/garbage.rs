//! The device that nobody trusts: sound readings most of the time, and now and then one of everything that real firmware gets wrong.
//! None of it may disturb anything else; `pollux rejections` shows what became of it.

use serde_json::json;

use crate::reading::Timestamp;

use super::devices::{Message, millis, round};
use super::plant::Moment;

const TOPIC: &str = "pollux/ls-102/telemetry";
const SOUND_BETWEEN: u64 = 4;
const SECONDS_PER_MESSAGE: f64 = 2.0;

pub(super) fn message(at: Moment, now: Timestamp) -> Message {
    let count = (at.elapsed / SECONDS_PER_MESSAGE).round() as u64;
    let level = round(1.5 + 0.2 * (at.elapsed / 90.0).sin(), 2);
    if count % (SOUND_BETWEEN + 1) != SOUND_BETWEEN {
        return Message::json(TOPIC, &json!({"ts": millis(now), "level": level}));
    }
    let raw = |payload: &[u8]| Message { topic: TOPIC.to_owned(), payload: payload.to_vec() };
    match count / (SOUND_BETWEEN + 1) % 10 {
        // Power lost in the middle of a message.
        0 => raw(b"{\"ts\": 1767225600000, \"lev"),
        1 => raw(b"{\"level\": \"full\"}"),
        2 => raw(b"{\"lvl\": 1.52}"),
        // The clock was set in another century.
        3 => raw(b"{\"ts\": \"2126-01-01T00:00:00Z\", \"level\": 1.5}"),
        4 => raw(b"{\"level\": NaN}"),
        // Readable, of the right type, and not possible: kept with quality BAD.
        5 => raw(b"{\"level\": 9999}"),
        6 => raw(b"{\"level\": 1.5, \"level\": 2.5}"),
        7 => raw(&[0xFF, 0xFE, 0x00, 0x7B]),
        8 => raw(b""),
        _ => Message { topic: "pollux/ls-999/telemetry".to_owned(), payload: b"{\"level\": 1.5}".to_vec() },
    }
}
