//! Properties of MQTT 5: which may stand where, how often, and with what values. One table line per property that a client may send.

use super::reader::Reader;
use super::reason::{Refusal, malformed, protocol_error};

/// Where a list of properties stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Place {
    Connect = 1,
    Will = 2,
    Publish = 4,
    Subscribe = 8,
    Unsubscribe = 16,
    Disconnect = 32,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    /// A byte that is 0 or 1.
    Flag,
    U16,
    U16NotZero,
    U32,
    U32NotZero,
    VarintNotZero,
    Text,
    TopicName,
    Binary,
    TextPair,
}

struct Rule {
    id: u8,
    form: Form,
    places: u8,
    repeats: bool,
}

const fn rule(id: u8, form: Form, places: u8) -> Rule {
    Rule { id, form, places, repeats: false }
}

const CONNECT: u8 = Place::Connect as u8;
const WILL: u8 = Place::Will as u8;
const PUBLISH: u8 = Place::Publish as u8;
const SUBSCRIBE: u8 = Place::Subscribe as u8;
const DISCONNECT: u8 = Place::Disconnect as u8;
const TOPIC_ALIAS: u8 = 35;
const AUTHENTICATION_METHOD: u8 = 21;
const AUTHENTICATION_DATA: u8 = 22;
const SUBSCRIPTION_ID: u8 = 11;
const SESSION_EXPIRY: u8 = 17;
const PROBLEM_INFORMATION: u8 = 23;
const PACKET_SIZE: u8 = 39;

const RULES: [Rule; 18] = [
    rule(1, Form::Flag, PUBLISH | WILL),      // payload format indicator
    rule(2, Form::U32, PUBLISH | WILL),       // message expiry interval
    rule(3, Form::Text, PUBLISH | WILL),      // content type
    rule(8, Form::TopicName, PUBLISH | WILL), // response topic
    rule(9, Form::Binary, PUBLISH | WILL),    // correlation data
    rule(SUBSCRIPTION_ID, Form::VarintNotZero, SUBSCRIBE),
    rule(SESSION_EXPIRY, Form::U32, CONNECT | DISCONNECT),
    rule(AUTHENTICATION_METHOD, Form::Text, CONNECT),
    rule(AUTHENTICATION_DATA, Form::Binary, CONNECT),
    rule(PROBLEM_INFORMATION, Form::Flag, CONNECT),
    rule(24, Form::U32, WILL),           // will delay interval
    rule(25, Form::Flag, CONNECT),       // request response information
    rule(31, Form::Text, DISCONNECT),    // reason string
    rule(33, Form::U16NotZero, CONNECT), // receive maximum
    rule(34, Form::U16, CONNECT),        // topic alias maximum
    rule(TOPIC_ALIAS, Form::U16NotZero, PUBLISH),
    Rule { id: 38, form: Form::TextPair, places: 0xFF, repeats: true }, // user property
    rule(PACKET_SIZE, Form::U32NotZero, CONNECT),
];

/// What the check hands on.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) topic_alias: Option<u16>,
    pub(super) subscription_id: bool,
    pub(super) session_expiry_s: Option<u32>,
    pub(super) packet_bytes_max: Option<u32>,
    pub(super) problem_information: Option<u32>,
    pub(super) authentication_method: bool,
}

/// Reads a whole list of properties, its length first.
pub(super) fn check(reader: &mut Reader<'_>, place: Place) -> Result<Found, Refusal> {
    let length = reader.varint()? as usize;
    let mut found = Found::default();
    if length == 0 {
        return Ok(found);
    }
    let mut list = reader.part(length)?;
    let mut seen: u64 = 0;
    while !list.is_at_end() {
        let id = list.varint()?;
        let rule = RULES.iter().find(|rule| u32::from(rule.id) == id && rule.places & place as u8 != 0);
        let Some(rule) = rule else { return Err(malformed("a property that may not stand in this packet")) };
        if seen & (1 << rule.id) != 0 && !rule.repeats {
            return Err(protocol_error("a property stands twice"));
        }
        seen |= 1 << rule.id;
        let number = value(&mut list, rule.form)?;
        match rule.id {
            TOPIC_ALIAS => found.topic_alias = u16::try_from(number).ok(),
            SUBSCRIPTION_ID => found.subscription_id = true,
            SESSION_EXPIRY => found.session_expiry_s = Some(number),
            PACKET_SIZE => found.packet_bytes_max = Some(number),
            PROBLEM_INFORMATION => found.problem_information = Some(number),
            AUTHENTICATION_METHOD => found.authentication_method = true,
            _ => {}
        }
    }
    if seen & (1 << AUTHENTICATION_DATA) != 0 && seen & (1 << AUTHENTICATION_METHOD) == 0 {
        return Err(protocol_error("authentication data without a method"));
    }
    Ok(found)
}

/// Checks a value and gives it back if it is a number.
fn value(list: &mut Reader<'_>, form: Form) -> Result<u32, Refusal> {
    let number = match form {
        Form::Flag => u32::from(list.u8()?),
        Form::U16 | Form::U16NotZero => u32::from(list.u16()?),
        Form::U32 | Form::U32NotZero => list.u32()?,
        Form::VarintNotZero => list.varint()?,
        Form::Text => list.text().map(|_| 0)?,
        Form::Binary => list.binary().map(|_| 0)?,
        Form::TextPair => list.text().and_then(|_| list.text()).map(|_| 0)?,
        Form::TopicName => {
            let topic = list.text()?;
            if topic.is_empty() || topic.contains(['+', '#']) {
                return Err(protocol_error("a response topic that is no topic name"));
            }
            0
        }
    };
    if matches!(form, Form::Flag) && number > 1 {
        return Err(protocol_error("a property that must be 0 or 1 is neither"));
    }
    if matches!(form, Form::U16NotZero | Form::U32NotZero | Form::VarintNotZero) && number == 0 {
        return Err(protocol_error("a property that must not be 0 is 0"));
    }
    Ok(number)
}
