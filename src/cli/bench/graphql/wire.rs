//! What goes over the wire to a GraphQL server, made once, and what comes back, looked at no further than a measurement needs.
//!
//! Pure: bytes in, bytes out.

use std::ops::Range;

use serde_json::Value as Json;

/// Longer answers and messages than this are not expected by a generator and end the connection.
pub(super) const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A client may choose how it masks; nothing that this one says has to be hidden from a proxy, and zeros cost nothing.
const MASK: [u8; 4] = [0; 4];
const MASKED: u8 = 0x80;
const FINAL: u8 = 0x80;

/// `"t":[`, as `newest` looks for it.
const TIMES: &[u8] = b"\"t\":[";
const DATA: &[u8] = b"{\"data\":";

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("the server answered {0:?}")]
    Refused(String),
    #[error("an answer has no `Content-Length`")]
    NoLength,
    #[error("the server announced a message of more than {MESSAGE_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the server sent a frame of a kind that this client never asks for ({0:#x})")]
    Unexpected(u8),
}

/// One POST of a request.
pub(super) fn post(host: &str, request: &Json) -> Vec<u8> {
    let body = request.to_string();
    let length = body.len();
    format!(
        "POST /graphql HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\naccept: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Where the body stands if `bytes` hold a whole answer, or `None` if more is to come.
pub(super) fn answer(bytes: &[u8]) -> Result<Option<Range<usize>>, Unreadable> {
    let Some(head_bytes) = position(bytes, b"\r\n\r\n") else { return Ok(None) };
    let head = &bytes[..head_bytes];
    if !head.starts_with(b"HTTP/1.1 200") {
        return Err(Unreadable::Refused(first_line(head)));
    }
    let length = head.split(|byte| *byte == b'\n').find_map(content_length).ok_or(Unreadable::NoLength)?;
    if length > MESSAGE_BYTES_MAX {
        return Err(Unreadable::TooLarge);
    }
    let body = head_bytes + 4..head_bytes + 4 + length;
    Ok((bytes.len() >= body.end).then_some(body))
}

fn content_length(line: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    let (name, value) = line.split_at_checked(NAME.len())?;
    if !name.eq_ignore_ascii_case(NAME) {
        return None;
    }
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

fn first_line(head: &[u8]) -> String {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or(head);
    String::from_utf8_lossy(line).into_owned()
}

/// Whether an answer has data and no errors. Servers may say either first, or both.
pub(super) fn is_data(body: &[u8]) -> bool {
    body.starts_with(DATA) && !body.ends_with(b"]}")
}

/// Asks for a socket. The key proves nothing to a client that trusts its server, so it may always be the same.
pub(super) fn upgrade(host: &str) -> Vec<u8> {
    format!(
        "GET /graphql/ws HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: cG9sbHV4LWJlbmNoLWdxbA==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n"
    )
    .into_bytes()
}

/// Where the frames begin, once the server has said that it changes the protocol.
pub(super) fn upgraded(bytes: &[u8]) -> Result<Option<usize>, Unreadable> {
    let Some(head_bytes) = position(bytes, b"\r\n\r\n") else { return Ok(None) };
    match bytes.starts_with(b"HTTP/1.1 101") {
        true => Ok(Some(head_bytes + 4)),
        false => Err(Unreadable::Refused(first_line(bytes))),
    }
}

pub(super) fn text(message: &str) -> Vec<u8> {
    frame(0x1, message.as_bytes())
}

pub(super) fn pong(payload: &[u8]) -> Vec<u8> {
    frame(0xA, payload)
}

fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![FINAL | opcode];
    match payload.len() {
        length @ 0..126 => bytes.push(MASKED | length as u8),
        length @ 126..65_536 => {
            bytes.push(MASKED | 126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            bytes.push(MASKED | 127);
            bytes.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&MASK);
    bytes.extend_from_slice(payload);
    bytes
}

/// What a server may send on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Ping,
    Pong,
    Close,
}

/// The first frame in `bytes`: its kind and where its payload stands, or `None` if it has not arrived completely.
pub(super) fn next_frame(bytes: &[u8]) -> Result<Option<(Kind, Range<usize>)>, Unreadable> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    let kind = match first {
        0x81 => Kind::Text,
        0x88 => Kind::Close,
        0x89 => Kind::Ping,
        0x8A => Kind::Pong,
        _ => return Err(Unreadable::Unexpected(*first)),
    };
    let (start, length) = match (second, rest) {
        (0..=125, _) => (2, u64::from(*second)),
        (126, [high, low, ..]) => (4, u64::from(u16::from_be_bytes([*high, *low]))),
        (127, [a, b, c, d, e, f, g, h, ..]) => (10, u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h])),
        (126 | 127, _) => return Ok(None),
        // Only clients mask.
        _ => return Err(Unreadable::Unexpected(*second)),
    };
    if length > MESSAGE_BYTES_MAX as u64 {
        return Err(Unreadable::TooLarge);
    }
    let payload = start..start + length as usize;
    Ok((bytes.len() >= payload.end).then_some((kind, payload)))
}

/// The newest of the event times that a frame of `readings` carries, in microseconds since 1970: when the latest message it shows was made.
pub(super) fn newest_micros(message: &[u8]) -> Option<u64> {
    let times = &message[position(message, TIMES)? + TIMES.len()..];
    let times = &times[..times.iter().position(|byte| *byte == b']')?];
    times.split(|byte| *byte == b',').filter_map(micros).max()
}

/// `1767225600123.456`: milliseconds whose fraction is microseconds.
fn micros(number: &[u8]) -> Option<u64> {
    let mut micros = 0_u64;
    // Digits of the fraction, once there is a point.
    let mut places = None;
    for byte in number {
        match (byte, &mut places) {
            (b'0'..=b'9', Some(3)) => {}
            (b'0'..=b'9', places) => {
                micros = micros.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
                *places = places.map(|count| count + 1);
            }
            (b'.', None) => places = Some(0),
            _ => return None,
        }
    }
    if number.is_empty() { None } else { micros.checked_mul(10_u64.pow(3 - places.unwrap_or(0))) }
}

fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_length_has_arrived() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\ndate: x\r\n\r\n{\"data\":{}}HTTP";
        let body = answer(bytes).unwrap().unwrap();
        assert_eq!(&bytes[body.clone()], b"{\"data\":{}}");
        assert_eq!(answer(&bytes[..body.end - 1]), Ok(None));
        assert_eq!(answer(&bytes[..20]), Ok(None));
        assert_eq!(answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), Err(Unreadable::NoLength));
        assert_eq!(answer(b"HTTP/1.1 503 Busy\r\n\r\n"), Err(Unreadable::Refused("HTTP/1.1 503 Busy".to_owned())));
    }

    #[test]
    fn data_with_errors_is_no_data() {
        assert!(is_data(br#"{"data":{"a":[1]}}"#));
        assert!(!is_data(br#"{"errors":[{}],"data":null}"#));
        assert!(!is_data(br#"{"data":null,"errors":[{}]}"#));
    }

    #[test]
    fn frames_of_all_lengths_are_read_back() {
        for length in [0, 125, 126, 65_535, 65_536] {
            let payload = "x".repeat(length);
            // As the server sends it: without the mask.
            let mut bytes = text(&payload);
            let mask_at = bytes.len() - length - 4;
            bytes.drain(mask_at..mask_at + 4);
            bytes[1] &= !MASKED;
            let (kind, range) = next_frame(&bytes).unwrap().unwrap();
            assert_eq!((kind, &bytes[range]), (Kind::Text, payload.as_bytes()));
            assert_eq!(next_frame(&bytes[..bytes.len() - 1]), Ok(None));
        }
        assert_eq!(next_frame(&[0x89, 0]), Ok(Some((Kind::Ping, 2..2))));
        assert_eq!(next_frame(&[0x82, 0]), Err(Unreadable::Unexpected(0x82)));
        assert_eq!(next_frame(&[0x81, 0x80]), Err(Unreadable::Unexpected(0x80)));
        assert_eq!(next_frame(&[0x81, 127, 0, 0, 0, 0xFF, 0, 0, 0, 0]), Err(Unreadable::TooLarge));
    }

    #[test]
    fn the_newest_time_counts() {
        let frame = br#"{"id":"1","type":"next","payload":{"data":{"readings":{"t":[1767225600123,null,1767225600123.45,2],"v":[9]}}}}"#;
        assert_eq!(newest_micros(frame), Some(1_767_225_600_123_450));
        assert_eq!(newest_micros(br#"{"t":[]}"#), None);
        assert_eq!(newest_micros(br#"{"t":[null]}"#), None);
        assert_eq!(newest_micros(b"{}"), None);
    }
}
