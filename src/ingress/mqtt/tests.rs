//! The strict frame check as a table, and the subscription tree.

use super::frame::{self, Kind, Version};
use super::reason::Reason;
use super::subscriptions::Subscriptions;
use super::{check, connect, topic, wire};

const PACKET_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of a hex text; spaces are for the reader, `"text"` stands for a text with its length in front.
fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, part) in text.split('"').enumerate() {
        if index % 2 == 1 {
            bytes.extend((part.len() as u16).to_be_bytes());
            bytes.extend(part.as_bytes());
            continue;
        }
        let digits: Vec<char> = part.chars().filter(|c| !c.is_whitespace()).collect();
        bytes.extend(digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()));
    }
    bytes
}

/// What comes of a packet, by the check and then by the library: `None` if all is well. `version` is that of the connection, for CONNECT its own counts.
fn verdict(version: Version, packet: &[u8]) -> Option<Reason> {
    let is_connect = packet.first().is_some_and(|first| first >> 4 == 1);
    let known = (!is_connect).then_some(version);
    let result = frame::header(packet, known, PACKET_BYTES_MAX).and_then(|header| {
        let header = header.expect("the table holds whole packets");
        assert_eq!(header.end, packet.len(), "the table holds whole packets");
        match header.kind {
            Kind::Publish => frame::publish(&header, packet, version).map(drop),
            Kind::Connect => {
                let version = connect::version(&header, packet)?;
                connect::read(&header, packet, version).map(drop)
            }
            Kind::Subscribe | Kind::Unsubscribe | Kind::PingReq | Kind::Disconnect => {
                check::packet(&header, packet, version)?;
                let read = match header.kind {
                    Kind::Subscribe => wire::subscribe(&header, packet, version).map(drop),
                    Kind::Unsubscribe => wire::unsubscribe(&header, packet, version).map(drop),
                    Kind::Connect | Kind::Publish | Kind::PingReq | Kind::Disconnect => Ok(()),
                };
                read.expect("what the check passes the library reads");
                Ok(())
            }
        }
    });
    result.err().map(|refusal| refusal.reason)
}

/// Puts the remaining length behind the first byte.
fn framed(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut length = body.len();
    while length >= 0x80 {
        packet.push((length & 0x7F) as u8 | 0x80);
        length >>= 7;
    }
    packet.push(length as u8);
    packet.extend(body);
    packet
}

use Reason::{MalformedPacket as Malformed, ProtocolError as Protocol, SubscriptionIdsNotSupported, TopicNameInvalid, UnsupportedVersion};
use Version::{V3, V5};

/// Version of the connection, first byte, body, what is wrong.
const MALFORMED: &[(Version, u8, &str, Reason)] = &[
    // Fixed header
    (V3, 0x00, "", Malformed),              // type 0
    (V3, 0xF0, "", Malformed),              // type 15 does not exist in 3.1.1
    (V5, 0xF0, "", Protocol),               // AUTH without a method
    (V3, 0xC1, "", Malformed),              // PINGREQ with flags
    (V3, 0xC0, "00", Malformed),            // PINGREQ with a body
    (V3, 0xE1, "", Malformed),              // DISCONNECT with flags
    (V3, 0xE0, "00", Malformed),            // DISCONNECT of 3.1.1 with a body
    (V3, 0x80, "0001 \"a\" 00", Malformed), // SUBSCRIBE without its flag
    (V3, 0xA0, "0001 \"a\"", Malformed),    // UNSUBSCRIBE without its flag
    (V3, 0x20, "0000", Protocol),           // CONNACK from a client
    (V3, 0x90, "0001 00", Protocol),        // SUBACK from a client
    (V3, 0xB0, "0001", Protocol),           // UNSUBACK from a client
    (V3, 0xD0, "", Protocol),               // PINGRESP from a client
    (V3, 0x40, "0001", Protocol),           // PUBACK of nothing
    (V3, 0x50, "0001", Protocol),           // PUBREC of nothing
    (V3, 0x62, "0001", Protocol),           // PUBREL of nothing
    (V3, 0x70, "0001", Protocol),           // PUBCOMP of nothing
    // PUBLISH
    (V3, 0x36, "\"a\" 0001", Malformed),       // QoS 3
    (V3, 0x38, "\"a\"", Malformed),            // duplicate with QoS 0
    (V3, 0x32, "\"a\" 0000", Malformed),       // packet id 0
    (V3, 0x32, "\"a\" 00", Malformed),         // half a packet id
    (V3, 0x30, "0005 61", Malformed),          // topic longer than the packet
    (V3, 0x30, "00", Malformed),               // half a length
    (V3, 0x30, "", Malformed),                 // nothing
    (V3, 0x30, "0000", Malformed),             // no topic
    (V3, 0x30, "\"a/+/b\"", TopicNameInvalid), // wildcards
    (V3, 0x30, "\"a/#\"", TopicNameInvalid),
    (V3, 0x30, "0003 610062", Malformed),            // U+0000
    (V3, 0x30, "0002 C328", Malformed),              // not UTF-8
    (V3, 0x30, "0003 EDA080", Malformed),            // a surrogate
    (V3, 0x30, "0002 C080", Malformed),              // an overlong U+0000
    (V5, 0x30, "0000 00", Protocol),                 // neither topic nor alias
    (V5, 0x30, "\"a\"", Malformed),                  // properties missing
    (V5, 0x30, "\"a\" 05 01", Malformed),            // properties longer than the packet
    (V5, 0x30, "\"a\" 03 230000", Protocol),         // topic alias 0
    (V5, 0x30, "\"a\" 06 230001 230001", Protocol),  // topic alias twice
    (V5, 0x30, "\"a\" 02 0B01", Malformed),          // subscription id from a client
    (V5, 0x30, "\"a\" 02 0102", Protocol),           // payload format 2
    (V5, 0x30, "\"a\" 05 08 \"b#\"", Protocol),      // response topic with a wildcard
    (V5, 0x30, "\"a\" 02 7F00", Malformed),          // unknown property
    (V5, 0x30, "\"a\" 8000", Malformed),             // padded length of the properties
    (V5, 0x30, "\"a\" 07 26 \"k\" 0005", Malformed), // user property cut off
    (V5, 0x30, "\"a\" 05 1100000001", Malformed),    // session expiry in a PUBLISH
    // SUBSCRIBE, UNSUBSCRIBE
    (V3, 0x82, "0000 \"a\" 00", Malformed),     // packet id 0
    (V3, 0x82, "0001", Protocol),               // no filter
    (V3, 0x82, "0001 \"a\" 03", Malformed),     // QoS 3
    (V3, 0x82, "0001 \"a\" 04", Malformed),     // reserved bits
    (V3, 0x82, "0001 \"a\"", Malformed),        // options missing
    (V3, 0x82, "0001 0000 00", Malformed),      // empty filter
    (V3, 0x82, "0001 \"a/#/b\" 00", Malformed), // wildcards in wrong places
    (V3, 0x82, "0001 \"a+\" 00", Malformed),
    (V3, 0x82, "0001 \"#a\" 00", Malformed),
    (V3, 0x82, "0001 0003 610062 00", Malformed),      // U+0000
    (V5, 0x82, "0001 00 \"a\" 40", Malformed),         // reserved bits
    (V5, 0x82, "0001 00 \"a\" 30", Protocol),          // retain handling 3
    (V5, 0x82, "0001 00 \"$share/g/a\" 04", Protocol), // no local on a shared one
    (V5, 0x82, "0001 00 \"$share//a\" 00", Malformed), // a share without a name
    (V5, 0x82, "0001 02 0B01 \"a\" 00", SubscriptionIdsNotSupported),
    (V5, 0x82, "0001 02 0B00 \"a\" 00", Protocol), // subscription id 0
    (V3, 0xA2, "0000 \"a\"", Malformed),           // packet id 0
    (V3, 0xA2, "0001", Protocol),                  // no filter
    (V3, 0xA2, "0001 \"a/#/b\"", Malformed),
    // DISCONNECT
    (V5, 0xE0, "01", Malformed),                         // a reason code that does not exist
    (V5, 0xE0, "8E", Malformed),                         // one that only a server gives
    (V5, 0xE0, "00 05 1100000001 00", Malformed),        // bytes behind the end
    (V5, 0xE0, "00 0A 1100000001 1100000001", Protocol), // a property twice
    // CONNECT
    (V3, 0x11, "\"MQTT\" 04 02 003C \"a\"", Malformed), // flags of the fixed header
    (V3, 0x10, "\"MQTT\" 04 03 003C \"a\"", Malformed), // reserved flag
    (V3, 0x10, "\"MQTT\" 04 1E 003C \"a\" \"w\" \"x\"", Malformed), // will QoS 3
    (V3, 0x10, "\"MQTT\" 04 0A 003C \"a\"", Malformed), // will QoS without a will
    (V3, 0x10, "\"MQTT\" 04 22 003C \"a\"", Malformed), // will retain without a will
    (V3, 0x10, "\"MQTT\" 04 42 003C \"a\" \"p\"", Malformed), // password without a user name
    (V3, 0x10, "\"MQTT\" 04 06 003C \"a\" \"w/#\" \"x\"", TopicNameInvalid),
    (V3, 0x10, "\"MQTT\" 04 06 003C \"a\"", Malformed),    // a will that is not there
    (V3, 0x10, "\"MQTT\" 04 02 003C \"a\" 00", Malformed), // bytes behind the end
    (V3, 0x10, "\"MQTT\" 04 02 00", Malformed),            // cut off
    (V3, 0x10, "\"MQTT\" 04 02 003C 0001 00", Malformed),  // client id with U+0000
    (V3, 0x10, "\"MQTX\" 04 02 003C \"a\"", Malformed),    // not MQTT
    (V3, 0x10, "\"MQTT\" 06 02 003C \"a\"", UnsupportedVersion),
    (V3, 0x10, "\"MQIsdp\" 03 02 003C \"a\"", UnsupportedVersion),
    (V5, 0x10, "\"MQTT\" 05 02 003C 03 210000 \"a\"", Protocol), // receive maximum 0
    (V5, 0x10, "\"MQTT\" 05 02 003C 05 2700000000 \"a\"", Protocol), // packet size 0
    (V5, 0x10, "\"MQTT\" 05 02 003C 02 1702 \"a\"", Protocol),   // problem information 2
    (V5, 0x10, "\"MQTT\" 05 02 003C 04 16 \"x\" \"a\"", Protocol), // authentication data without a method
    (V5, 0x10, "\"MQTT\" 05 02 003C 03 230001 \"a\"", Malformed), // topic alias in a CONNECT
];

const WELL_FORMED: &[(Version, u8, &str)] = &[
    (V3, 0x10, "\"MQTT\" 04 02 003C \"a\""),
    (V3, 0x10, "\"MQTT\" 04 C2 0000 \"a\" \"user\" \"secret\""),
    (V3, 0x10, "\"MQTT\" 04 0E 003C \"a\" \"w\" \"x\""),
    (V5, 0x10, "\"MQTT\" 05 42 003C 00 \"\" \"secret\""),
    (V5, 0x10, "\"MQTT\" 05 06 003C 0B 1100000001 210010 220005 \"a\" 05 1800000001 \"w\" \"x\""),
    (V3, 0x30, "\"a\" 7B7D"),
    (V3, 0x3A, "\"a/b\" FFFF 7B7D"),
    (V5, 0x32, "\"a\" 0001 00 7B7D"),
    (V5, 0x32, "0000 0001 03 230001 7B7D"),
    (V5, 0x30, "\"a\" 0E 26 \"k\" \"v\" 26 \"k\" \"w\""),
    (V3, 0x82, "0001 \"#\" 00 \"+/b\" 01 \"a/+/#\" 02"),
    (V5, 0x82, "0001 00 \"$share/g/a\" 00"),
    (V3, 0xA2, "0001 \"a\" \"b/#\""),
    (V3, 0xC0, ""),
    (V3, 0xE0, ""),
    (V5, 0xE0, ""),
    (V5, 0xE0, "04"),
    (V5, 0xE0, "00 05 1100000000"),
];

#[test]
fn refuses_malformed_packets() {
    for (version, first, body, expected) in MALFORMED {
        let packet = framed(*first, &bytes(body));
        assert_eq!(verdict(*version, &packet), Some(*expected), "{version:?} {first:02X} {body}");
    }
}

#[test]
fn accepts_well_formed_packets() {
    for (version, first, body) in WELL_FORMED {
        let packet = framed(*first, &bytes(body));
        assert_eq!(verdict(*version, &packet), None, "{version:?} {first:02X} {body}");
    }
}

/// A packet that is cut or changed anywhere never does worse than be refused.
#[test]
fn survives_every_cut_and_every_changed_byte() {
    for (version, first, body) in WELL_FORMED {
        let body = bytes(body);
        for end in 0..body.len() {
            verdict(*version, &framed(*first, &body[..end]));
        }
        for index in 0..body.len() {
            for value in 0..=255 {
                let mut body = body.clone();
                body[index] = value;
                verdict(*version, &framed(*first, &body));
            }
        }
    }
}

#[test]
fn bounds_the_remaining_length() {
    let header = |bytes: &[u8], version| frame::header(bytes, Some(version), 1000).map_err(|refusal| refusal.reason);
    assert_eq!(header(&[0x30, 0xFF, 0xFF, 0xFF], V3), Ok(None));
    assert_eq!(header(&[0x30, 0x80, 0x80, 0x80, 0x80], V3), Err(Reason::MalformedPacket));
    assert_eq!(header(&[0x30, 0xFF, 0xFF, 0xFF, 0x7F], V3), Err(Reason::PacketTooLarge));
    assert_eq!(header(&[0x30, 0xE8, 0x07], V3), Err(Reason::PacketTooLarge));
    assert_eq!(header(&[0x30, 0x85, 0x00], V5), Err(Reason::MalformedPacket));
    assert_eq!(header(&[0x36], V3), Err(Reason::MalformedPacket), "a forbidden first byte is refused at once");
}

#[test]
fn finds_subscribers() {
    let mut tree = Subscriptions::default();
    let filters = ["#", "a/#", "a/+", "a/b", "+/b", "$SYS/#", "a/b/#", "+"];
    for (key, filter) in filters.iter().enumerate() {
        assert!(topic::is_filter(filter));
        tree.add(filter, key as u64, *filter);
    }
    let matching = |tree: &Subscriptions<&'static str>, topic: &str| {
        let mut found: Vec<&str> = Vec::new();
        tree.matches(topic, &mut |_, filter| found.push(filter));
        found.sort_unstable();
        found.join(" ")
    };
    assert_eq!(matching(&tree, "a/b"), "# +/b a/# a/+ a/b a/b/#");
    assert_eq!(matching(&tree, "a"), "# + a/#");
    assert_eq!(matching(&tree, "a/"), "# a/# a/+");
    assert_eq!(matching(&tree, "/b"), "# +/b");
    assert_eq!(matching(&tree, "$SYS/b"), "$SYS/#");
    assert!(tree.remove("a/+", 2));
    assert!(!tree.remove("a/+", 2));
    assert!(!tree.remove("a/b/c", 2));
    assert_eq!(matching(&tree, "a/b"), "# +/b a/# a/b a/b/#");
    for (key, filter) in filters.iter().enumerate() {
        tree.remove(filter, key as u64);
    }
    assert_eq!(tree.count(), 0);
    assert_eq!(matching(&tree, "a/b"), "");
}
